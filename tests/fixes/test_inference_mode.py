"""The fix `inference-mode`."""

from __future__ import annotations

from pathlib import Path

from unslow.fixes.inference_mode import FIX

from .workshop import WORKLOAD, FakeWorkshop, on, setting


def test_changes_nothing_where_it_is_on(tmp_path: Path) -> None:
    on_already = on("torch-module", inference_mode=True)
    assert FIX.apply(on_already, {}, FakeWorkshop(tmp_path)) is on_already
    assert "already" in FIX.refuses(setting(on_already))


def test_is_not_for_engines_that_record_nothing() -> None:
    assert FIX.runtimes == {"torch-module", "exported-program"}


def test_switches_it_on_and_keeps_other_settings(tmp_path: Path) -> None:
    before = on("torch-module", dtype="bfloat16")
    after = FIX.apply(before, {}, FakeWorkshop(tmp_path))
    assert after.model.settings == {"dtype": "bfloat16", "inference_mode": True}
    assert before.model.settings == {"dtype": "bfloat16"}
    assert FIX.refuses(setting(WORKLOAD)) == ""
