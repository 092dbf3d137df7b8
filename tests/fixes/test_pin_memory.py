"""The fix `pin-memory`."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import loader, noted
from unslow.fixes.pin_memory import FIX

from .scripted import both, setting, site_of

SOURCE = """
import torch
from torch.utils.data import DataLoader

told = []
class Rows(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ == "to":
            told.append((kwargs or {}).get("non_blocking", False))
        return super().__torch_function__(func, types, args, kwargs or {})

rows, device = torch.ones(4, 2), "meta"
loader = DataLoader(rows, batch_size=2)
other = DataLoader(rows)
for batch in loader:
    batch.as_subclass(Rows).to(device)
    rows.as_subclass(Rows).to(device)
print(loader.pin_memory, other.pin_memory, told)
"""
MADE, COPIED = "DataLoader(rows, batch_size=2)", "batch.as_subclass(Rows).to(device)"
COPY = {"source": "cpu", "target": "cuda", "pinned": False, "non_blocking": False, "by_position": False}


@pytest.mark.parametrize("change", [{"target": "meta"}, {"source": "cuda"}, {"pinned": True}])
def test_nothing_that_pinning_would_help(change: dict[str, object]) -> None:
    known = setting(loader(), noted=(noted("copy", **{**COPY, **change}),))
    assert "copied to a GPU" in FIX.refuses(known) and not FIX.space(known)


@pytest.mark.parametrize("change", [{"pinned": True}, {"direct": False}])
def test_no_loader_to_change(change: dict[str, object]) -> None:
    known = setting(loader(**change), noted=(noted("copy", **COPY),))
    assert "DataLoader" in FIX.refuses(known) and not FIX.space(known)


@pytest.mark.parametrize("change", [{"non_blocking": True}, {"by_position": True}, {"direct": False}])
def test_a_copy_that_cannot_be_told_is_left(change: dict[str, object]) -> None:
    (parameters,) = FIX.space(setting(loader(), noted=(noted("copy", **{**COPY, **change}),)))
    assert len(parameters["loaders"]) == 1 and not parameters["calls"]


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    parameters = {"loaders": [{"site": site_of(SOURCE, MADE)}], "calls": [{"site": site_of(SOURCE, COPIED)}]}
    text, line = both(tmp_path, SOURCE, FIX, parameters)
    assert line == "True False [True, False, True, False]"
    assert "batch_size=2, pin_memory=True)" in text and ".to(device, non_blocking=True)" in text


@pytest.mark.gpu
def test_on_a_gpu_batches_are_pinned_and_their_numbers_kept(tmp_path: Path) -> None:
    source = SOURCE.replace('"meta"', '"cuda"').replace(
        "print(", "print(batch.is_pinned(), batch.to('cuda').tolist(), "
    )
    parameters = {"loaders": [{"site": site_of(source, MADE)}], "calls": [{"site": site_of(source, COPIED)}]}
    _, line = both(tmp_path, source, FIX, parameters)
    assert line.startswith("True [[1.0, 1.0], [1.0, 1.0]] True")
