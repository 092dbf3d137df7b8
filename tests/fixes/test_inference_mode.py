"""The fix `inference-mode`."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import noted
from unslow.fixes.inference_mode import FIX

from . import scripted
from .workshop import WORKLOAD, FakeWorkshop, on, setting


def test_changes_nothing_where_it_is_on(tmp_path: Path) -> None:
    on_already = on("torch-module", inference_mode=True)
    assert FIX.apply(on_already, {}, FakeWorkshop(tmp_path)) is on_already
    assert "already" in FIX.refuses(setting(on_already))


def test_is_not_for_engines_that_record_nothing() -> None:
    assert FIX.runtimes == {"torch-module", "exported-program", "script"}


def test_switches_it_on_and_keeps_other_settings(tmp_path: Path) -> None:
    before = on("torch-module", dtype="bfloat16")
    after = FIX.apply(before, {}, FakeWorkshop(tmp_path))
    assert after.model.settings == {"dtype": "bfloat16", "inference_mode": True}
    assert before.model.settings == {"dtype": "bfloat16"}
    assert FIX.refuses(setting(WORKLOAD)) == ""


SCRIPT = """
import torch

torch.manual_seed(0)
model, other = torch.nn.Linear(3, 1), torch.nn.Linear(3, 1)
def score(rows):
    return model(rows)
seen = [score(torch.ones(2, 3)) for _ in range(3)]
kept = other(torch.ones(2, 3))
print(seen[0].requires_grad, seen[0].is_inference(), kept.requires_grad, [out.tolist() for out in seen])
"""


class TestOfAScript:
    @pytest.mark.parametrize("kind", ["gradient", "optimizer"])
    def test_one_that_trains_or_may_is_left(self, kind: str) -> None:
        known = scripted.setting(noted=(noted("forward", with_graph=3), noted(kind)))
        assert "train" in FIX.refuses(known)

    def test_calls_that_are_not_its_own_or_have_no_graph(self) -> None:
        known = scripted.setting(noted=(noted("forward", False, with_graph=3), noted("forward", with_graph=0)))
        assert FIX.refuses(known) and not FIX.space(known)

    @pytest.mark.parametrize(("context", "is_inference"), [("inference_mode", True), ("no_grad", False)])
    def test_the_run_time_form_and_the_edit_come_to_the_same(
        self, tmp_path: Path, context: str, is_inference: bool
    ) -> None:
        calls = [{"site": scripted.site_of(SCRIPT, "model(rows)")}]
        text, line = scripted.both(tmp_path, SCRIPT, FIX, {"calls": calls, "context": context})
        assert line.startswith(f"False {is_inference} True")
        assert f"    with torch.{context}():\n        return model(rows)" in text

    def test_both_contexts_are_tried(self) -> None:
        known = scripted.setting(noted=(noted("forward", with_graph=3),))
        assert [parameters["context"] for parameters in FIX.space(known)] == ["inference_mode", "no_grad"]
