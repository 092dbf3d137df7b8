"""The fix `keep-on-device`, with `meta` for a device."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import noted
from unslow.fixes.keep_on_device import FIX

from .scripted import both, setting, site_of

SOURCE = """
import torch

weights, other, device = torch.ones(3), torch.ones(3), torch.device("meta")
copies, others = [], []
for n in range(4):
    copies.append(weights.to(device))
    others.append(other.to(device))
print(len(set(map(id, copies))), len(set(map(id, others))), copies[0].device)
"""
CALL = "weights.to(device)"
DETAILS = {"source": "cpu", "gradient": False, "looked_at": 8, "same": 7}


@pytest.mark.parametrize(
    "change", [{"same": 6}, {"looked_at": 2, "same": 1}, {"source": "cuda"}, {"gradient": True}, {"direct": False}]
)
def test_what_changes_or_must_be_copied(change: dict[str, object]) -> None:
    known = setting(noted=(noted("copy", **{**DETAILS, **change}),))
    assert FIX.refuses(known) and not FIX.space(known)


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    text, line = both(tmp_path, SOURCE, FIX, {"calls": [{"site": site_of(SOURCE, CALL)}]})
    assert line == "1 4 meta" and "kept_copy(weights.to)(device)" in text


@pytest.mark.parametrize("change", ["weights[0] = n", "view[0] = n", "weights = torch.full((3,), float(n))"])
def test_a_tensor_that_changes_is_copied_again(tmp_path: Path, change: str) -> None:
    """Also where it changes behind PyTorch's back, through NumPy."""
    source = SOURCE.replace("copies, others", "view = weights.numpy()\ncopies, others", 1)
    source = source.replace(f"copies.append({CALL})", f"copies.append({CALL})\n    {change}")
    _, line = both(tmp_path, source, FIX, {"calls": [{"site": site_of(source, CALL)}]})
    # What is set in the last step comes after the last copy; 0 and 1 differ from what was there in all but one way.
    assert int(line.split()[0]) >= 3


def test_a_copy_that_was_changed_is_made_again(tmp_path: Path) -> None:
    source = SOURCE.replace(f"copies.append({CALL})", f"copies.append({CALL})\n    copies[-1].add_(1)")
    _, line = both(tmp_path, source, FIX, {"calls": [{"site": site_of(source, CALL)}]})
    assert line == "4 4 meta"


def test_all_calls_at_once() -> None:
    assert len(FIX.space(setting(noted=(noted("copy", **DETAILS), noted("copy", line=4, **DETAILS))))[0]["calls"]) == 2


@pytest.mark.gpu
def test_on_a_gpu_the_numbers_are_the_same(tmp_path: Path) -> None:
    source = SOURCE.replace('"meta"', '"cuda"').replace("copies[0].device", "sum(copies).tolist()")
    _, line = both(tmp_path, source, FIX, {"calls": [{"site": site_of(source, CALL)}]})
    assert line == "1 4 [4.0, 4.0, 4.0]"
