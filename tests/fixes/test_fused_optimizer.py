"""The fix `fused-optimizer`."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import noted
from unslow.fixes.fused_optimizer import FIX

from .scripted import both, setting, site_of

SOURCE = """
import torch

model = torch.nn.Linear(2, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
other = torch.optim.SGD(model.parameters(), lr=0.1)
print(optimizer.defaults["fused"], other.defaults["fused"])
"""
ADAM = {
    "class": "Adam", "module": "torch.optim.adam", "tensors": 2, "can_be_fused": True, "fused": False, "foreach": False,
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"fused": True}, {"foreach": True}, {"can_be_fused": False}, {"module": "lion_pytorch"}, {"direct": False}],
)
def test_what_is_fused_or_cannot_be(change: dict[str, object]) -> None:
    made = noted("optimizer", **{**ADAM, **change})
    assert FIX.refuses(setting(noted=(made,))) and not FIX.space(setting(noted=(made,)))


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    place = site_of(SOURCE, "torch.optim.Adam(model.parameters(), lr=0.1)")
    parameters = {"optimizers": [{"site": place, "class": "Adam", "module": "torch.optim.adam"}]}
    text, line = both(tmp_path, SOURCE, FIX, parameters)
    assert line == "True None" and "torch.optim.Adam(model.parameters(), lr=0.1, fused=True)" in text


def test_all_of_them_at_once() -> None:
    known = setting(noted=(noted("optimizer", **ADAM), noted("optimizer", line=4, **ADAM)))
    assert len(FIX.space(known)[0]["optimizers"]) == 2
