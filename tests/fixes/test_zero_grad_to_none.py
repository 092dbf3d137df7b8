"""The fix `zero-grad-to-none`."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import noted
from unslow.fixes.zero_grad_to_none import FIX

from .scripted import both, setting, site_of

SOURCE = """
import torch

model = torch.nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model(torch.ones(1, 2)).sum().backward()
optimizer.zero_grad(CALLED)
print(model.weight.grad)
"""


def test_nothing_is_filled_by_the_scripts_own_calls() -> None:
    assert FIX.refuses(setting()) and FIX.refuses(setting(noted=(noted("fill", False, positional=False),)))


def test_a_model_drops_its_gradients_likewise(tmp_path: Path) -> None:
    source = SOURCE.replace("optimizer.zero_grad(CALLED)", "model.zero_grad(set_to_none=False)")
    call = {"site": site_of(source, "model.zero_grad(set_to_none=False)"), "positional": False}
    text, line = both(tmp_path, source, FIX, {"calls": [call]})
    assert line == "None" and "model.zero_grad(set_to_none=True)" in text


@pytest.mark.parametrize(("written", "positional", "after"), [
    ("set_to_none=False", False, "optimizer.zero_grad(set_to_none=True)"), ("False", True, "optimizer.zero_grad(True)"),
])  # fmt: skip
def test_the_run_time_form_and_the_edit_come_to_the_same(
    tmp_path: Path, written: str, positional: bool, after: str
) -> None:
    source = SOURCE.replace("CALLED", written)
    call = {"site": site_of(source, f"optimizer.zero_grad({written})"), "positional": positional}
    text, line = both(tmp_path, source, FIX, {"calls": [call]})
    assert line == "None" and after in text
