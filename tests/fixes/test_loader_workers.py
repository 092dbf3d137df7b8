"""The fix `loader-workers`."""

from __future__ import annotations

from pathlib import Path

from handmade import loader
from unslow.fixes.loader_workers import FIX, predicted

from .scripted import both, setting, site_of
from .workshop import FakeWorkshop

SOURCE = """
import torch
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.arange(8.0))
loader = DataLoader(data, batch_size=2)
total = sum(float(batch.sum()) for _ in range(2) for (batch,) in loader)
other = DataLoader(data)
print(loader.num_workers, loader.persistent_workers, other.num_workers, total)
"""
WAITED = loader(wait_s=0.08, item_s=0.005, collate_s=0.0)


def test_a_script_without_a_loader_is_refused() -> None:
    assert "no DataLoader" in FIX.refuses(setting()) and not FIX.space(setting())


def test_what_is_computed_gets_no_more_workers_than_cores() -> None:
    assert predicted(WAITED, setting(WAITED)) == 4  # 80 ms of items beside 20 ms of the rest
    assert [one["workers"] for one in FIX.space(setting(WAITED))] == [4, 2]


def test_what_is_waited_for_may_have_more() -> None:
    waits = setting(loader(wait_s=0.09, item_s=0.0056, collate_s=0.0), facts={"cpu_seconds_per_request": 0.01})
    assert predicted(waits.facts.script.loaders[0], waits) == 9  # type: ignore[union-attr]
    assert [one["workers"] for one in FIX.space(waits)] == [9, 4]


def test_the_number_that_there_is_is_not_tried() -> None:
    assert 4 not in [one["workers"] for one in FIX.space(setting(loader(wait_s=0.08, item_s=0.005, workers=4)))]


def test_applied_it_is_plain_data(tmp_path: Path) -> None:
    before = setting(WAITED)
    after = FIX.apply(before.workload, FIX.space(before)[0], FakeWorkshop(tmp_path))
    assert after.model.settings["changes"][0]["name"] == "loader-workers"
    assert after.model.settings["warm_steps"] == 8


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    parameters = {"site": site_of(SOURCE, "DataLoader(data, batch_size=2)"), "workers": 2, "persistent": True}
    text, line = both(tmp_path, SOURCE, FIX, parameters)
    assert line == "2 True 0 56.0"
    assert "loader = DataLoader(data, batch_size=2, num_workers=2, persistent_workers=True)" in text
