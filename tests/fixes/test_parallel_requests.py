"""The fix `parallel-requests`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unslow.core.workload import Host, Serving
from unslow.fixes.parallel_requests import FIX

from .workshop import FACTS, MACHINE, WORKLOAD, FakeWorkshop, on, setting


def test_is_for_throughput_only() -> None:
    assert FIX.objectives == {"throughput"}


def test_refuses_one_core_and_requests_that_hang_together() -> None:
    assert "one core" in FIX.refuses(setting(machine=replace(MACHINE, cores=1)))
    assert "before" in FIX.refuses(setting(facts=replace(FACTS, carried=True)))
    assert FIX.refuses(setting()) == ""


def test_as_many_clients_as_there_are_change_nothing(tmp_path: Path) -> None:
    assert FIX.apply(WORKLOAD, {"clients": 1}, FakeWorkshop(tmp_path)) is WORKLOAD


def test_clients_share_the_cores(tmp_path: Path) -> None:
    assert FIX.space(setting()) == ({"clients": 4}, {"clients": 2})
    after = FIX.apply(WORKLOAD, {"clients": 2}, FakeWorkshop(tmp_path))
    assert (after.serving, after.host) == (Serving(clients=2), Host(threads=2))
    assert FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path)).host == Host(threads=1)


def test_openvino_shares_its_threads_between_streams(tmp_path: Path) -> None:
    after = FIX.apply(on("openvino", "model.xml", hint="LATENCY"), {"clients": 2}, FakeWorkshop(tmp_path))
    assert after.model.settings == {"hint": "THROUGHPUT", "streams": 2}
    assert (after.serving.clients, after.host.threads) == (2, 4)
