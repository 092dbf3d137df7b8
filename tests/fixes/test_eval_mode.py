"""The fix `eval-mode`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unslow.fixes.eval_mode import FIX

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
    assert FIX.runtimes == {"torch-module"}


def test_switches_it_on(tmp_path: Path) -> None:
    assert FIX.refuses(setting(facts=IN_TRAINING)) == ""
    assert FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path, IN_TRAINING)).model.settings == {"eval": True}
