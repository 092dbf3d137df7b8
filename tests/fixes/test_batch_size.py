"""The fix `batch-size`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.core.facts import Facts, Leaf
from unslow.core.variant import Setting
from unslow.core.workload import Serving
from unslow.fixes.batch_size import FIX

from .workshop import FACTS, MACHINE, WORKLOAD, FakeWorkshop, setting

JOINABLE = replace(
    FACTS, requests=64, peak_memory_bytes=500 << 20, batch_axis=True, inputs=(Leaf("x", "float32", (((1, 8), 64),)),)
)
VARYING = replace(JOINABLE, inputs=(Leaf("x", "int64", (((1, 8), 32), ((1, 9), 32))),))


def of(facts: Facts, **more: Any) -> Setting:
    return setting(facts=facts, objective="throughput", **more)


def test_is_not_for_latency() -> None:
    assert FIX.refuses(setting(facts=JOINABLE)).endswith("not latency")
    assert not FIX.refuses(of(JOINABLE)) and not FIX.refuses(setting(facts=JOINABLE, objective="cost"))
    assert not FIX.asks(of(JOINABLE)) and FIX.tag_with is not None and FIX.tag_with({"size": 8}) == "numeric"


def test_refuses_requests_that_cannot_be_joined() -> None:
    assert "same answers" in FIX.refuses(of(replace(JOINABLE, batch_axis=False)))
    assert "before" in FIX.refuses(of(replace(JOINABLE, carried=True)))
    assert "one request" in FIX.refuses(of(replace(JOINABLE, requests=1)))


def test_one_request_a_call_changes_nothing(tmp_path: Path) -> None:
    assert FIX.apply(WORKLOAD, {"size": 1}, FakeWorkshop(tmp_path, JOINABLE)) is WORKLOAD


def test_sizes_fit_into_the_requests_and_the_memory() -> None:
    assert [each["size"] for each in FIX.space(setting(facts=JOINABLE))] == [8, 32, 16, 64, 4, 2]
    assert [each["size"] for each in FIX.space(setting(facts=replace(JOINABLE, requests=8)))] == [8, 4, 2]
    large = replace(JOINABLE, peak_memory_bytes=1 << 30)  # some 0.6 GiB a request, beside 0.4 GiB of libraries
    assert [each["size"] for each in FIX.space(setting(facts=large))] == [8, 4, 2]
    assert [
        each["size"] for each in FIX.space(setting(facts=large, machine=replace(MACHINE, memory_bytes=1 << 30)))
    ] == [2]


def test_requests_of_one_shape_are_not_padded(tmp_path: Path) -> None:
    after = FIX.apply(WORKLOAD, {"size": 16}, FakeWorkshop(tmp_path, replace(JOINABLE, padding_mask="mask")))
    assert after.serving == Serving(batch_size=16)


def test_requests_of_several_lengths_are_padded_where_there_is_a_mask(tmp_path: Path) -> None:
    after = FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path, replace(VARYING, padding_mask="mask")))
    assert after.serving == Serving(batch_size=8, pad=True, padding_mask="mask")
    assert FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path, VARYING)).serving == Serving(batch_size=8)
