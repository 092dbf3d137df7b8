"""Who tells autograd to look for NaN."""

from __future__ import annotations

from pathlib import Path

import pytest

from .test_script import project, survey

__all__ = ["project"]

SCRIPT = """
import torch

called = "import torch\\nwith torch.autograd.detect_anomaly(check_nan=False): pass"
exec(called, {"__name__": CALLER})
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(100_000):
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
"""


@pytest.mark.parametrize("caller, noted", [("torch._functorch.made", 0), ("lightning.pytorch.made", 1), ("torchy", 1)])
def test_only_the_compiler_does_so_by_itself(project: Path, caller: str, noted: int) -> None:
    seen = survey(project, SCRIPT.replace("CALLER", repr(caller)))
    assert len(seen.script.of_kind("anomaly")) == noted
