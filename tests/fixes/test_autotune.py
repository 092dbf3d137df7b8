"""The fix `autotune`."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import gpu_model, loader, model
from unslow.fixes.autotune import FIX

from .scripted import both, setting, site_of

SOURCE = """
import torch

model = torch.nn.Conv2d(3, 4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
print(FLAGS)
"""
FLAGS = "torch.backends.cudnn.benchmark"


@pytest.mark.parametrize("called", [model(convolutions=3), gpu_model(), gpu_model(convolutions=3, direct=False)])
def test_no_convolutions_on_a_gpu(called: object) -> None:
    assert "convolutions" in FIX.refuses(setting(loader(), noted=(called,)))


def test_nowhere_to_put_the_line() -> None:
    known = setting(noted=(gpu_model(convolutions=3),))
    assert "could stand" in FIX.refuses(known) and not FIX.space(known)


def test_convolutions_on_a_gpu() -> None:
    known = setting(loader(), noted=(gpu_model(convolutions=3),))
    assert not FIX.refuses(known) and FIX.space(known)[0]["site"]["line"] == 9


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    source = SOURCE.replace("FLAGS", FLAGS)
    place = site_of(source, "torch.optim.SGD(model.parameters(), lr=0.1)")
    text, line = both(tmp_path, source, FIX, {"site": place})
    assert line == "True" and "torch.backends.cudnn.benchmark = True\n" in text
