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
    found = seen.script.of_kind("anomaly")
    assert len(found) == noted and all(one.details["over"] for one in found)


@pytest.mark.parametrize(
    "call, over", [("set_detect_anomaly(True)", False), ("set_detect_anomaly(True); set_detect_anomaly(False)", True)]
)
def test_what_is_left_on_for_the_steps(project: Path, call: str, over: bool) -> None:
    calls = "\n".join(f"torch.autograd.{one.strip()}" for one in call.split(";"))
    seen = survey(project, SCRIPT.replace("exec(called", f"{calls}\nexec('pass'").replace("CALLER", "'made'"))
    (found,) = seen.script.of_kind("anomaly")
    assert found.details["over"] is over and found.times_in_steps == 0
