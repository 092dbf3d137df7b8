from __future__ import annotations

from dataclasses import replace

import pytest

from handmade import EMPTY, evidence, facts, found, noted, op, phase, script, step, the
from unslow.core.facts import Facts, FileRead
from unslow.core.script import Noted
from unslow.habits.model_reloaded_per_call import HABIT

STEP = step(op("answer", 90, ""), source="steps")


def reading(path: str, size_bytes: int, opens: float) -> Facts:
    return facts("function", files_read=(FileRead(path, size_bytes, opens),))


def test_a_model_that_is_opened_once_is_fine() -> None:
    assert not found(HABIT, evidence(STEP, reading("model.onnx", 10**8, 1 / 32)), evidence(EMPTY))


def test_data_that_requests_bring_along_is_no_model() -> None:
    assert not found(HABIT, evidence(STEP, reading("cat.jpg", 10**7, 1.0)))
    assert not found(HABIT, evidence(STEP, reading("a.csv", 10**7, 1.0)))


def test_a_small_file_of_no_known_kind_is_no_model() -> None:
    assert not found(HABIT, evidence(STEP, reading("settings.json", 2000, 1.0)))


def test_how_long_loading_takes_may_not_be_known() -> None:
    finding = the(HABIT, evidence(STEP, reading("m/model.onnx", 47_185_920, 1.0)))
    assert finding.ceiling is None
    assert finding.title.startswith("model.onnx (47.2 MB) is opened 1 times per request")
    assert the(HABIT, evidence(EMPTY, reading("weights", 200_000, 0.75))).ceiling is None


def test_a_file_that_each_request_brings_along() -> None:
    assert not found(HABIT, evidence(STEP, reading("scans/vol_03.h5", 200_000, 0.5))), "two requests were watched"
    alone = replace(reading("scans/vol_03.h5", 200_000, 1.0), requests=1)
    assert not found(HABIT, evidence(STEP, alone), evidence(EMPTY, alone))


def test_loading_functions_and_all_that_they_call_are_waste() -> None:
    inside = op("read", 40, "", category="other")
    load = op("load_model", 60, "", category="framework", file="serve.py", line=8, calls=[inside])
    finding = the(HABIT, evidence(step(load, op("answer", 30, "")), reading("model.joblib", 10_000, 1.0)))
    assert finding.share == pytest.approx(0.6)
    assert finding.floor == 0
    assert finding.site == "serve.py:8"


def test_a_sampled_stack_shows_who_loads() -> None:
    calls = ["serve.py:8 answer", "site-packages/torch/serialization.py:1500 load", "zip.py:3 read"]
    sample = op("read", 70, "", category="other", file="zip.py", line=3, stack=calls)
    rest = op("answer", 20, "", category="framework", file="load_model.py", line=9, stack=["load_model.py:9 answer"])
    finding = the(HABIT, evidence(step(sample, rest, source="steps"), reading("model.pt", 10**6, 1.0)))
    assert finding.share == pytest.approx(0.7)
    assert finding.site == "serve.py:8"


def test_the_categories_of_loading_count() -> None:
    loading = step(op("Session", 50, "", category="setup"), op("open", 10, "", category="io"), op("answer", 30, ""))
    assert the(HABIT, evidence(loading, reading("model.onnx", 10**6, 1.0))).share == pytest.approx(0.6)


def test_the_largest_file_is_named() -> None:
    two = facts("function", files_read=(FileRead("a.pt", 10**6, 1.0), FileRead("b.pt", 10**8, 1.0)))
    finding = the(HABIT, evidence(STEP, two))
    assert (finding.evidence["file"], finding.evidence["files"]) == ("b.pt", 2)


def load(again: int = 19, times: int = 19, seconds: float = 19 * 40e-6, line: int = 3) -> Noted:
    details = {"call": "torch.load", "file": "model.pt", "bytes": 10**7, "again": again}
    return noted("load", line=line, times=times, seconds=seconds, **details)


class TestOfAScript:
    STEP = step(phase("forward", 50))

    def test_near_misses(self) -> None:
        once, others, short = load(times=0, again=0), load(again=0), load(seconds=1e-6)
        known = [script(noted=(each,)) for each in (once, others, short, load(times=3))]
        assert not found(HABIT, *(evidence(self.STEP, each) for each in (*known, script())))

    def test_the_same_in_every_step(self) -> None:
        finding = the(HABIT, evidence(self.STEP, script(noted=(load(line=9), load(seconds=19e-5, line=7)))))
        assert finding.share == pytest.approx(0.5) and finding.floor is None and finding.site == "train.py:9"
        assert "torch.load loads model.pt again in each step: 50 %" in finding.title
        assert the(HABIT, evidence(EMPTY, script(noted=(load(),)))).floor is None

    def test_what_is_copied_into_the_model_counts_where_it_was_loaded_again(self) -> None:
        copied = noted("load-state", times=10, seconds=20e-5, model="Encoder")
        assert not found(HABIT, evidence(self.STEP, script(noted=(copied,))))
        alone, both = (the(HABIT, evidence(self.STEP, script(noted=(load(), *more)))) for more in ((), (copied,)))
        assert both.share == pytest.approx(alone.share + 20e-5 / 19 / 1e-4)
