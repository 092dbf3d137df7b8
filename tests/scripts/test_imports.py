from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unslow.scripts.imports import when_imported


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = set(sys.modules)
    finders = list(sys.meta_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.meta_path[:] = finders
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_that_is_never_imported_is_left(modules: Path) -> None:
    (modules / "made_never.py").write_text("raise RuntimeError\n")
    when_imported("made_never", lambda module: pytest.fail("was told"))
    assert "made_never" not in sys.modules


def test_one_that_is_there_is_patched_at_once() -> None:
    seen: list[Any] = []
    when_imported("json", seen.append)
    assert seen == [sys.modules["json"]]


def test_it_is_patched_when_it_has_been_imported_and_once(modules: Path) -> None:
    (modules / "made_late.py").write_text("x = 1\n")
    when_imported("made_late", lambda module: setattr(module, "x", module.x + 1))
    when_imported("made_late", lambda module: setattr(module, "x", module.x * 10))
    import made_late  # pyright: ignore

    assert made_late.x == 20
    assert made_late.__spec__.loader is made_late.__loader__


def test_a_module_inside_a_package(modules: Path) -> None:
    (modules / "made_package").mkdir()
    (modules / "made_package" / "__init__.py").write_text("from made_package.inner import x\n")
    (modules / "made_package" / "inner.py").write_text("x = 1\n")
    when_imported("made_package.inner", lambda module: setattr(module, "x", 7))
    import made_package  # pyright: ignore

    assert made_package.x == 7


def test_one_that_does_not_exist_stays_an_import_error(modules: Path) -> None:
    when_imported("made_nowhere", lambda module: None)
    with pytest.raises(ModuleNotFoundError):
        import made_nowhere  # pyright: ignore  # noqa: F401
