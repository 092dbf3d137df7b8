"""The fix `keep-model-loaded`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unslow.core.facts import FileRead
from unslow.fixes.keep_model_loaded import FIX

from .workshop import FACTS, FakeWorkshop, on, setting

FUNCTION = on("function")
RELOADING = replace(FACTS, files_read=(FileRead("/models/model.onnx", 90 << 20, 1.0),))


def test_refuses_where_files_are_opened_once() -> None:
    once = replace(FACTS, files_read=(FileRead("/models/model.onnx", 90 << 20, 0.03),))
    assert "no file" in FIX.refuses(setting(FUNCTION, once))
    assert "no file" in FIX.refuses(setting(FUNCTION))


def test_changes_nothing_where_it_is_on(tmp_path: Path) -> None:
    before = on("function", keep_loaded=True)
    assert FIX.apply(before, {}, FakeWorkshop(tmp_path)) is before
    assert "already" in FIX.refuses(setting(before, RELOADING))


def test_is_for_functions_only() -> None:
    assert FIX.runtimes == {"function"}


def test_switches_it_on(tmp_path: Path) -> None:
    assert FIX.refuses(setting(FUNCTION, RELOADING)) == ""
    assert FIX.apply(FUNCTION, {}, FakeWorkshop(tmp_path)).model.settings == {"keep_loaded": True}
