"""Something to be done to a library as soon as the script has imported it; a library that it never imports is left."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

Patch = Callable[[Any], None]
_waiting: dict[str, list[Patch]] = {}


def when_imported(name: str, patch: Patch) -> None:
    """Call `patch(module)` when the module of that name has been imported: now, if it has been already. One that is
    kept from being imported (None stands in its place) never is."""
    if name in sys.modules:
        if sys.modules[name] is not None:  # pyright: ignore[reportUnnecessaryComparison]
            patch(sys.modules[name])
        return
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    _waiting.setdefault(name, []).append(patch)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds a module that is waited for as everybody else would, and loads it with what is to be done afterwards."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _waiting:
            return None
        patches = _waiting.pop(fullname)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            _waiting[fullname] = patches
            return None
        spec.loader = _Loader(spec.loader, patches)
        return spec


class _Loader(importlib.abc.Loader):
    """The module's own loader, and what is to be done after it."""

    def __init__(self, inner: Any, patches: Sequence[Patch]) -> None:
        self._inner, self._patches = inner, patches

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._inner
        module.__loader__ = self._inner
        self._inner.exec_module(module)
        for patch in self._patches:
            patch(module)
