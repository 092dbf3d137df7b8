"""A script whose own seeds are moved, in a process of its own: libraries stay changed."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = """
import random
import numpy as np
import torch
from unslow.scripts.run import seed_everything
seed_everything(0, OFFSET)
"""
DRAWS = {
    "torch.manual_seed(3)": "torch.rand(1).item()",
    "torch.manual_seed(seed=3)": "torch.rand(1).item()",
    "np.random.seed(3)": "np.random.rand()",
    "np.random.seed(seed=3)": "np.random.rand()",
    "random.seed(3)": "random.random()",
    "random.seed(a=3, version=2)": "random.random()",
    "random.seed(3, 2)": "random.random()",
}


def drawn(code: str, offset: int) -> str:
    text = BEGIN.replace("OFFSET", str(offset)) + code
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("seed", DRAWS)
def test_it_runs_as_with_another_seed_however_that_is_given(seed: str) -> None:
    moved = drawn(f"{seed}; print({DRAWS[seed]})", 4)
    assert moved == drawn(f"{seed.replace('3', '7', 1)}; print({DRAWS[seed]})", 0)
    assert moved != drawn(f"{seed}; print({DRAWS[seed]})", 0)


def test_seeds_that_are_no_numbers_are_left() -> None:
    code = "random.seed('a'); random.seed(); np.random.seed(None); np.random.seed([1, 2]); print(np.random.rand())"
    assert drawn(code, 4) == drawn(code, 0)
