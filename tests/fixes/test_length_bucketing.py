"""The fix `length-bucketing`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unslow.core.facts import Leaf
from unslow.core.workload import Serving
from unslow.fixes.length_bucketing import FIX

from .workshop import FACTS, WORKLOAD, FakeWorkshop, setting

MASKED = replace(
    FACTS,
    requests=64,
    peak_memory_bytes=500 << 20,
    batch_axis=True,
    padding_mask="mask",
    inputs=(Leaf("mask", "int64", (((1, 9), 64),)),),
)
PADDED = replace(MASKED, padding_share=0.4)
VARYING = replace(MASKED, inputs=(Leaf("mask", "int64", (((1, 9), 32), ((1, 5), 32))),))


def test_changes_nothing_without_a_mask(tmp_path: Path) -> None:
    assert FIX.apply(WORKLOAD, {"size": 8}, FakeWorkshop(tmp_path)) is WORKLOAD
    assert "mask" in FIX.refuses(setting())


def test_refuses_where_there_is_no_padding_to_cut() -> None:
    assert "not padded" in FIX.refuses(setting(facts=VARYING))
    assert "same length" in FIX.refuses(setting(facts=MASKED, objective="throughput"))


def test_for_latency_padding_is_only_trimmed(tmp_path: Path) -> None:
    assert FIX.refuses(setting(facts=PADDED)) == ""
    (parameters,) = FIX.space(setting(facts=PADDED))
    after = FIX.apply(WORKLOAD, parameters, FakeWorkshop(tmp_path, PADDED))
    assert after.serving == Serving(trim_padding=True, padding_mask="mask")


def test_for_throughput_like_lengths_share_a_call(tmp_path: Path) -> None:
    space = FIX.space(setting(facts=PADDED, objective="throughput"))
    assert [parameters["size"] for parameters in space] == [8, 16, 32, 4, 1]
    after = FIX.apply(WORKLOAD, space[0], FakeWorkshop(tmp_path, PADDED))
    assert after.serving == Serving(batch_size=8, bucket=True, pad=True, trim_padding=True, padding_mask="mask")


def test_requests_that_cannot_be_joined_are_still_trimmed() -> None:
    alone = replace(PADDED, batch_axis=False)
    assert FIX.space(setting(facts=alone, objective="throughput")) == ({"size": 1},)
    assert FIX.refuses(setting(facts=alone, objective="throughput")) == ""


def test_lengths_that_vary_without_padding_are_sorted() -> None:
    assert FIX.refuses(setting(facts=VARYING, objective="throughput")) == ""
    assert {"size": 1} not in FIX.space(setting(facts=VARYING, objective="throughput"))
