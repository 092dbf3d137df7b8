"""The fix `cache-decoded`."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import loader
from unslow.fixes.cache_decoded import FIX

from .scripted import both, setting, site_of
from .workshop import FakeWorkshop

SOURCE = """
import torch
from torch.utils.data import DataLoader, Dataset


class Photos(Dataset):
    made = 0

    def __len__(self):
        return 4

    def __getitem__(self, index):
        Photos.made += 1
        return torch.full((3,), float(index)), index


loader = DataLoader(Photos(), batch_size=2, shuffle=True)
total = sum(float(photos.sum()) + float(numbers.sum()) for _ in range(3) for photos, numbers in loader)
print(Photos.made, total)
"""
CALL = "DataLoader(Photos(), batch_size=2, shuffle=True)"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"why_not_cached": "its items are random: augmentation", "deterministic": False}, "random"),
        ({"why_not_cached": "its items differ in shape"}, "differ in shape"),
        ({"direct": False}, "not in the source"),
        ({"made": 3}, "made anew with every loader"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_reason(fields: dict[str, object], reason: str) -> None:
    assert reason in FIX.refuses(setting(loader(**fields))) and not FIX.space(setting(loader(**fields)))


def test_one_call_that_loads_a_data_set_that_cannot_be_kept_too() -> None:
    augmented = loader(why_not_cached="its items are random: augmentation", deterministic=False, wait_s=1e-6)
    both_of_one_call = setting(loader(), augmented)
    assert "give each its own call" in FIX.refuses(both_of_one_call) and not FIX.space(both_of_one_call)
    assert not FIX.refuses(setting(loader(), loader(items=8)))


def test_a_script_without_a_loader() -> None:
    assert "no DataLoader" in FIX.refuses(setting())


def test_it_is_steady_after_an_epoch_and_bounded(tmp_path: Path) -> None:
    known = setting(loader())
    parameters = FIX.space(known)[0]
    assert parameters["most_bytes"] == 4 << 30
    assert FIX.apply(known.workload, parameters, FakeWorkshop(tmp_path)).model.settings["warm_steps"] == 10


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    parameters = {"site": site_of(SOURCE, CALL), "most_bytes": 10**6, "epoch": 2}
    text, line = both(tmp_path, SOURCE, FIX, parameters)
    assert line == "5 72.0"  # four items, and the first once more to see what they are like; not twelve
    assert "DataLoader(CachedItems(Photos(), most_bytes=1_000_000).open(), batch_size=2, shuffle=True)" in text
    assert "from cached_items import CachedItems" in text
