"""The fix `threads`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from handmade import loader, noted
from unslow.core.facts import ThreadPool
from unslow.core.workload import Host, Serving
from unslow.fixes.threads import FIX

from . import scripted
from .workshop import FACTS, MACHINE, WORKLOAD, FakeWorkshop, on, setting

SLOW = replace(FACTS, seconds_per_request=0.1)
FAST = replace(FACTS, seconds_per_request=0.0005)


def test_refuses_on_one_core() -> None:
    assert "one" in FIX.refuses(
        setting(facts=replace(SLOW, thread_pools=(ThreadPool("openmp", 1),)), machine=replace(MACHINE, cores=1))
    )


def test_refuses_beside_parallel_requests() -> None:
    assert "parallel" in FIX.refuses(setting(replace(WORKLOAD, serving=Serving(clients=2))))


def test_the_same_number_changes_nothing(tmp_path: Path) -> None:
    before = replace(WORKLOAD, host=Host(threads=2))
    assert FIX.apply(before, {"threads": 2}, FakeWorkshop(tmp_path)) is before


def test_what_is_set_now_is_not_tried() -> None:
    facts = replace(SLOW, thread_pools=(ThreadPool("openmp", 4),))
    assert FIX.space(setting(facts=facts)) == ({"threads": 1},)


def test_too_many_threads_become_as_many_as_the_cores() -> None:
    facts = replace(SLOW, thread_pools=(ThreadPool("openmp", 64),))
    assert FIX.space(setting(facts=facts))[0] == {"threads": 4}


def test_small_requests_try_one_thread_first() -> None:
    assert FIX.space(setting(facts=FAST))[0] == {"threads": 1}


def test_spinning_is_for_onnx_runtime_only(tmp_path: Path) -> None:
    parameters = {"threads": 4, "spinning": False}
    assert parameters in FIX.space(setting(on("onnxruntime", "model.onnx"), SLOW))
    assert parameters not in FIX.space(setting(facts=SLOW))
    assert FIX.apply(on("onnxruntime"), parameters, FakeWorkshop(tmp_path)).model.settings == {"spinning": False}
    assert FIX.apply(WORKLOAD, parameters, FakeWorkshop(tmp_path)).model == WORKLOAD.model


def test_the_default_is_the_machines_cores(tmp_path: Path) -> None:
    assert FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path)).host == Host(threads=4)


SCRIPT = """
import torch
from torch.utils.data import DataLoader

loader = DataLoader([1, 2])
print(torch.get_num_threads())
"""


class TestOfAScript:
    POOLS = (ThreadPool("torch", 4),)

    def test_nowhere_to_put_the_line(self) -> None:
        assert "could stand" in FIX.refuses(scripted.setting(facts={"thread_pools": self.POOLS}))
        by_a_library = scripted.setting(loader(direct=False), facts={"thread_pools": self.POOLS})
        assert FIX.refuses(by_a_library)

    def test_a_number_of_its_own_is_changed_where_it_is_said(self, tmp_path: Path) -> None:
        said = noted("threads", line=5, threads=4)
        (parameters,) = FIX.space(scripted.setting(loader(), noted=(said,), facts={"thread_pools": self.POOLS}))
        assert [call["site"]["line"] for call in parameters["calls"]] == [5]
        source = "import torch\ntorch.set_num_threads(3)\nprint(torch.get_num_threads())\n"
        place = scripted.site_of(source, "torch.set_num_threads(3)")
        text, line = scripted.both(tmp_path, source, FIX, {"calls": [{"site": place}], "threads": 2})
        assert line == "2" and text == source.replace("3", "2")

    def test_a_number_that_a_library_says_is_left(self) -> None:
        said = noted("threads", direct=False, threads=4)
        assert FIX.refuses(scripted.setting(loader(), noted=(said,), facts={"thread_pools": self.POOLS}))

    def test_a_script_without_torch(self) -> None:
        assert "without PyTorch" in FIX.refuses(scripted.setting(loader()))

    def test_one_leaves_the_cores_to_workers(self) -> None:
        (parameters,) = FIX.space(scripted.setting(loader(), facts={"thread_pools": self.POOLS}))
        assert parameters["threads"] == 1 and parameters["site"]["line"] == 9

    def test_the_run_time_form_and_the_edit_come_to_the_same(self, tmp_path: Path) -> None:
        parameters = {"site": scripted.site_of(SCRIPT, "DataLoader([1, 2])"), "threads": 1}
        text, line = scripted.both(tmp_path, SCRIPT, FIX, parameters)
        assert line == "1" and "import DataLoader\ntorch.set_num_threads(1)\n" in text
