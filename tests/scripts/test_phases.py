"""Which calls become spans, in a process of their own: they are watched for good."""

from __future__ import annotations

import subprocess
import sys

import pytest

SOURCE = """
import sys
from unslow.scripts import phases as module

module.knows_devices = lambda torch: sys.argv[1] == "devices"
phases = module.Phases()
phases.watch()
import torch

numbers = torch.ones(3)
numbers[0].item()
phases.on = True
numbers[0].item()
print(numbers, file=sys.stderr)
numbers.tolist()
phases.close(1)
phases.on = False
numbers.tolist()
print(*(f"{span.kind}:{span.parent}" for span in phases.spans))
"""


@pytest.mark.parametrize("build", ["devices", "none"])
def test_numbers_that_a_print_asks_for_are_the_print_s(build: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SOURCE, build], capture_output=True, text=True, timeout=100, check=True
    )
    assert done.stdout.split() == ["sync:-1", "print:-1", "sync:-1"]
    assert "tensor([1., 1., 1.])" in done.stderr
