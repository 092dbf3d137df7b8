"""The fix `eval-mode`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from handmade import noted
from unslow.core.variant import Applied, Variant
from unslow.fixes.eval_mode import FIX
from unslow.search.space import riskiest

from . import scripted
from .workshop import FACTS, WORKLOAD, FakeWorkshop, on, setting

IN_TRAINING = replace(FACTS, training=("encoder.dropout",))


def test_changes_nothing_where_no_module_behaves_differently(tmp_path: Path) -> None:
    assert FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path)) is WORKLOAD
    assert "differently" in FIX.refuses(setting())


def test_changes_nothing_where_it_is_on(tmp_path: Path) -> None:
    before = on("torch-module", eval=True)
    assert FIX.apply(before, {}, FakeWorkshop(tmp_path, IN_TRAINING)) is before
    assert "already" in FIX.refuses(setting(before, IN_TRAINING))


def test_an_exported_program_has_its_mode_fixed() -> None:
    assert FIX.runtimes == {"torch-module", "script"}


def test_switches_it_on(tmp_path: Path) -> None:
    assert FIX.refuses(setting(facts=IN_TRAINING)) == ""
    assert FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path, IN_TRAINING)).model.settings == {"eval": True}


SCRIPT = """
import torch

model, other = torch.nn.Dropout(0.9), torch.nn.Dropout(0.9)
seen = [model(torch.ones(4, 50)).sum().item() for _ in range(3)]
print(seen, model.training, bool((other(torch.ones(4, 50)) == 1).all()), other.training)
"""


class TestOfAScript:
    @pytest.mark.parametrize("kind", ["gradient", "optimizer"])
    def test_one_that_trains_or_may_is_left(self, kind: str) -> None:
        assert FIX.refuses(scripted.setting(noted=(noted("forward", training=["drop"]), noted(kind))))

    def test_models_in_evaluation_mode_and_calls_of_a_library(self) -> None:
        known = scripted.setting(noted=(noted("forward", training=[]), noted("forward", False, training=["drop"])))
        assert FIX.refuses(known) and not FIX.space(known)

    def test_its_answers_change_which_nothing_proves_right(self) -> None:
        known = scripted.setting(noted=(noted("forward", training=["drop"]),))
        (parameters,) = FIX.space(known)
        assert riskiest({FIX.name: FIX}, Variant((Applied(FIX.name, parameters),))) == "lossy"
        assert riskiest({FIX.name: FIX}, Variant((Applied(FIX.name),))) == "exact"

    def test_the_run_time_form_and_the_edit_come_to_the_same(self, tmp_path: Path) -> None:
        calls = [{"site": scripted.site_of(SCRIPT, "model(torch.ones(4, 50))")}]
        text, line = scripted.both(tmp_path, SCRIPT, FIX, {"calls": calls})
        assert line == "[200.0, 200.0, 200.0] False False True" and "model.eval()(torch.ones(4, 50))" in text
