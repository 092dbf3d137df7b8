"""TorchScript compiles functions that call what one of ours stands in the place of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import torch

from unslow.core.script import Site
from unslow.fixes._script import around_calls
from unslow.scripts.notes import Notes, watch_all
from unslow.scripts.phases import Phases

around_calls("torch", "tensor", [Site("x.py", 1)], lambda inner, site, args, kwargs: inner(*args, **kwargs))
watch_all(Notes())
Phases().watch()

@torch.jit.script
def f(x: torch.Tensor) -> torch.Tensor:
    print("in it")
    return (torch.einsum("ij,jk->ik", x, x) + torch.tensor(1.0) + torch.as_tensor(2.0)).to(torch.float64).double()

class Model(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.tensor(2.0)

print(f(torch.eye(2)).sum().item(), torch.jit.script(Model())(torch.ones(1)).item())
"""


def test_functions_that_were_replaced_can_be_scripted(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "train.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(tmp_path / "train.py")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["in", "it", "14.0", "2.0"]
