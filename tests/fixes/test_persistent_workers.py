"""The fix `persistent-workers`."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import loader
from unslow.fixes.persistent_workers import FIX

from .scripted import both, setting, site_of

SOURCE = """
from torch.utils.data import DataLoader

loader = DataLoader([1, 2], num_workers=1)
print(loader.persistent_workers, sum(int(one) for one in loader))
"""


@pytest.mark.parametrize("fields", [{"workers": 0}, {"workers": 2, "persistent": True}])
def test_nothing_to_keep(fields: dict[str, object]) -> None:
    assert FIX.refuses(setting(loader(**fields))) and not FIX.space(setting(loader(**fields)))


def test_workers_that_live_on_would_not_see_another_epoch() -> None:
    told = setting(loader(workers=2, changes="set_epoch()"))
    assert "set_epoch()" in FIX.refuses(told) and not FIX.space(told)
    other = setting(loader(workers=2), loader(workers=2, changes="epoch", wait_s=1e-6))  # Of the same call.
    assert FIX.refuses(other) and not FIX.space(other)


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    parameters = {"site": site_of(SOURCE, "DataLoader([1, 2], num_workers=1)")}
    text, line = both(tmp_path, SOURCE, FIX, parameters)
    assert line == "True 3" and "DataLoader([1, 2], num_workers=1, persistent_workers=True)" in text


def test_it_is_offered_where_workers_restart() -> None:
    assert not FIX.refuses(setting(loader(workers=2)))
