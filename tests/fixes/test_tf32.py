"""The fix `tf32`."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import gpu_model, loader, model
from unslow.fixes.tf32 import FIX

from .scripted import both, setting, site_of

SOURCE = """
import torch

model = torch.nn.Conv2d(3, 4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
print(FLAGS)
"""
FLAGS = "torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32"


@pytest.mark.parametrize("called", [model(), gpu_model(capability=[7, 5]), gpu_model(direct=False)])
def test_no_gpu_that_has_it(called: object) -> None:
    assert "TF32" in FIX.refuses(setting(loader(), noted=(called,)))


def test_nowhere_to_put_the_lines() -> None:
    known = setting(noted=(gpu_model(),))
    assert "could stand" in FIX.refuses(known) and not FIX.space(known)


def test_a_gpu_that_has_it() -> None:
    known = setting(loader(), noted=(gpu_model(capability=[8, 0]),))
    assert not FIX.refuses(known) and FIX.space(known)[0]["site"]["line"] == 9


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    source = SOURCE.replace("FLAGS", FLAGS)
    place = site_of(source, "torch.optim.SGD(model.parameters(), lr=0.1)")
    text, line = both(tmp_path, source, FIX, {"site": place})
    assert line == "high True"
    assert 'torch.set_float32_matmul_precision("high")\ntorch.backends.cudnn.allow_tf32 = True\n' in text


@pytest.mark.gpu
def test_products_are_rounded_on_a_gpu(tmp_path: Path) -> None:
    rows = "torch.full((256, 256), 1 / 3).cuda()"
    source = SOURCE.replace("print(FLAGS)", f"print((({rows} @ {rows}).double() - 256 / 9).abs().max().item() > 1e-3)")
    place = site_of(source, "torch.optim.SGD(model.parameters(), lr=0.1)")
    assert both(tmp_path, source, FIX, {"site": place})[1] == "True"
