"""The fix `loader-workers`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from handmade import loader
from unslow.core.script import LoaderFacts
from unslow.core.variant import Setting
from unslow.fixes._worker_counts import predicted
from unslow.fixes.loader_workers import FIX

from .scripted import both, setting, site_of
from .workshop import FakeWorkshop

SOURCE = """
import torch
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.arange(8.0))
loader = DataLoader(data, batch_size=2)
total = sum(float(batch.sum()) for _ in range(2) for (batch,) in loader)
other = DataLoader(data)
print(loader.num_workers, loader.persistent_workers, loader.prefetch_factor, other.num_workers, total)
"""
AFRESH = """
import torch
from torch.utils.data import DataLoader, TensorDataset


def main():
    data = TensorDataset(torch.arange(8.0))
    loader = DataLoader(data, batch_size=2)
    total = sum(float(batch.sum()) for _ in range(2) for (batch,) in loader)
    print(loader.num_workers, loader.multiprocessing_context.get_start_method(), total)


if __name__ == "__main__":
    main()
"""
# 80 ms of items beside 20 ms of the rest: on 4 cores a step of 100 ms of processor time can take 25 ms.
COMPUTED = loader(wait_s=0.08, item_s=0.005, item_cpu_s=0.005)
# The same, but a store is waited for: the processor works in a tenth of the time.
WAITED = loader(wait_s=0.08, item_s=0.005, item_cpu_s=0.0005)
LONG = replace(WAITED, wait_s=0.09, item_s=0.0056, item_cpu_s=0.00056, batches_per_epoch=100)
IDLE = {"cpu_seconds_per_request": 0.02}


def workers(case: Setting) -> list[int]:
    return [one["workers"] for one in FIX.space(case)]


def of(known: LoaderFacts, **facts: Any) -> Setting:
    return setting(known, facts={**IDLE, **facts})


def test_a_data_set_whose_every_worker_would_give_all_items_is_refused() -> None:
    streaming = of(replace(WAITED, iterable=True))
    assert "get_worker_info" in FIX.refuses(streaming) and not FIX.space(streaming)
    assert workers(of(replace(WAITED, iterable=True, workers=1)))


def test_a_script_without_a_loader_is_refused() -> None:
    assert "no DataLoader" in FIX.refuses(setting()) and not FIX.space(setting())


def test_items_that_no_other_process_can_make_are_refused_with_the_reason() -> None:
    alone = setting(replace(WAITED, start_method="none", why_not_forked="RuntimeError: only here"))
    assert FIX.refuses(alone) == (
        "no other process can make the items of the loader at train.py:9: RuntimeError: only here"
    )
    assert not FIX.space(alone)


def test_what_is_computed_gets_no_more_workers_than_cores() -> None:
    assert predicted(COMPUTED, setting(COMPUTED)) == 4
    assert workers(setting(COMPUTED)) == [4, 2]


def test_workers_that_keep_the_cores_busy_are_tried_with_fewer_threads_too() -> None:
    assert FIX.beside(setting(COMPUTED), {"workers": 4}) == ("threads",)
    assert FIX.beside(setting(COMPUTED), {"workers": 2}) == ()
    assert FIX.beside(of(LONG), {"workers": 9}) == ()


def test_nor_where_the_rest_of_the_step_would_take_more() -> None:
    slow = replace(COMPUTED, wait_s=0.099, item_s=0.0062, item_cpu_s=0.0062)
    assert workers(setting(slow)) == [4, 2]


def test_a_step_that_computes_much_does_not_make_items_that_are_waited_for_computed_ones() -> None:
    busy = setting(WAITED, facts={"cpu_seconds_per_request": 0.1})
    assert workers(busy) == [4, 2, 8]  # four cores' worth of the rest bound the step, not the workers


def test_where_items_could_not_be_tried_the_steps_processor_time_tells() -> None:
    unknown = loader(wait_s=0.08, item_s=0.0, collate_s=0.0)
    assert workers(setting(unknown)) == [4, 2]
    assert workers(of(unknown)) == [4, 2, 8]


def test_items_that_were_quicker_when_tried_again_count_as_they_were_waited_for() -> None:
    slow = replace(COMPUTED, item_s=COMPUTED.item_s / 8, item_cpu_s=COMPUTED.item_cpu_s / 8)
    assert predicted(slow, of(slow)) >= predicted(COMPUTED, of(COMPUTED)) > 1


def test_what_is_waited_for_may_have_many_more() -> None:
    assert workers(of(LONG, peak_memory_bytes=1 << 28)) == [9, 4, 18]


def test_an_epoch_has_no_use_for_more_than_its_batches() -> None:
    assert workers(of(replace(LONG, batches_per_epoch=8), peak_memory_bytes=1 << 28)) == [8, 4]


def test_never_more_than_fit_into_memory() -> None:
    assert workers(of(LONG, peak_memory_bytes=2 << 30)) == [3, 1]  # 0.6 of 16 GB hold four such processes
    assert workers(of(LONG, peak_memory_bytes=12 << 30)) == [1]


def test_the_number_that_there_is_is_not_tried() -> None:
    assert 4 not in workers(setting(replace(COMPUTED, workers=4)))


def test_of_workers_that_are_there_the_processor_time_comes_on_top() -> None:
    few = replace(COMPUTED, workers=1, batches_per_epoch=0)
    assert predicted(few, of(few)) == 4  # 80 ms for a batch, and a step of (20 + 80) ms over 4 cores


def test_batches_ahead_stay_as_they_are_where_items_take_about_as_long() -> None:
    assert not any("prefetch" in one for one in FIX.space(of(replace(WAITED, slowest_item_s=0.009))))


def test_where_some_take_much_longer_more_batches_ahead_are_tried_too() -> None:
    uneven = FIX.space(of(replace(WAITED, slowest_item_s=0.05)))
    assert [(one["workers"], one.get("prefetch")) for one in uneven] == [(4, None), (2, None), (8, None), (4, 4)]


def test_batches_ahead_fit_into_memory() -> None:
    large = FIX.space(of(replace(WAITED, item_bytes=20_000_000)))  # 320 MB a batch
    assert [(one["workers"], one.get("prefetch")) for one in large] == [(4, 1), (2, None), (8, 1)]


def test_workers_are_forked_unless_a_forked_one_was_seen_to_fail() -> None:
    assert not any("start" in one for one in FIX.space(of(replace(WAITED, start_method="fork"))))
    assert all(one["start"] == "forkserver" for one in FIX.space(of(replace(WAITED, start_method="forkserver"))))


def test_applied_it_is_plain_data(tmp_path: Path) -> None:
    before = setting(COMPUTED)
    after = FIX.apply(before.workload, FIX.space(before)[0], FakeWorkshop(tmp_path))
    assert after.model.settings["changes"][0]["name"] == "loader-workers"
    assert after.model.settings["warm_steps"] == 8


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    parameters = {"site": site_of(SOURCE, "DataLoader(data, batch_size=2)"), "workers": 2, "persistent": True}
    text, line = both(tmp_path, SOURCE, FIX, parameters)
    assert line == "2 True 2 0 56.0"
    assert "loader = DataLoader(data, batch_size=2, num_workers=2, persistent_workers=True)" in text


def test_workers_are_started_anew_where_the_data_set_is_told_the_epoch() -> None:
    assert all(one["persistent"] for one in FIX.space(of(loader())))
    assert not any(one["persistent"] for one in FIX.space(of(loader(changes="set_epoch()"))))


def test_both_change_what_stands_without_its_name(tmp_path: Path) -> None:
    source = SOURCE.replace("DataLoader(data, batch_size=2)", "DataLoader(data, 2, False, None, None, 0, None, False)")
    place = site_of(source, "DataLoader(data, 2, False, None, None, 0, None, False)")
    text, line = both(tmp_path, source, FIX, {"site": place, "workers": 2, "persistent": True})
    assert "DataLoader(data, 2, False, None, None, 2, None, False, persistent_workers=True)" in text
    assert line.startswith("2 True")


def test_both_set_the_batches_ahead(tmp_path: Path) -> None:
    place = site_of(SOURCE, "DataLoader(data, batch_size=2)")
    parameters = {"site": place, "workers": 2, "persistent": True, "prefetch": 4}
    assert both(tmp_path, SOURCE, FIX, parameters)[1] == "2 True 4 0 56.0"


def test_both_start_workers_afresh(tmp_path: Path) -> None:
    place = site_of(AFRESH, "DataLoader(data, batch_size=2)")
    parameters = {"site": place, "workers": 1, "persistent": True, "start": "forkserver"}
    text, line = both(tmp_path, AFRESH, FIX, parameters)
    assert line == "1 forkserver 56.0"
    assert 'multiprocessing_context="forkserver"' in text or "multiprocessing_context='forkserver'" in text
