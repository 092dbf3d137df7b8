"""Finds plug-ins by walking a package: one file, one plug-in. A bad one fails loudly, with its file and line."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from types import ModuleType
from typing import Any

from unslow.core.errors import UnslowError

HEADINGS = ("What it is", "Why it is slow", "How it shows", "When it does not matter", "Risk")


class BadPlugin(UnslowError):
    """A file in a room of plug-ins that does not hold what the room's files hold."""


@cache
def plugins(package: str, attribute: str, kind: type[Any]) -> dict[str, Any]:
    """Every plug-in of `package` by name, sorted: the module-level `attribute` (a `kind`) of each public module.

    Raises
    ------
    BadPlugin
        A module has no such attribute, it is of another type, or its name is not the file's (with `-` for `_`).
    """
    room = importlib.import_module(package)
    found: dict[str, Any] = {}
    for info in sorted(pkgutil.iter_modules(room.__path__), key=lambda info: info.name):
        if info.name.startswith("_") or info.ispkg:
            continue
        plugin = _plugin(importlib.import_module(f"{package}.{info.name}"), attribute, kind)
        found[plugin.name] = plugin
    return found


def _plugin(module: ModuleType, attribute: str, kind: type[Any]) -> Any:
    plugin: Any = getattr(module, attribute, None)
    file = getattr(module, "__file__", module.__name__)
    if not isinstance(plugin, kind):
        raise BadPlugin(
            f"{file}:1 defines no {attribute} of type {kind.__name__}.",
            f"End the file with `{attribute} = {kind.__name__}(...)`, or begin its name with an underscore.",
        )
    wanted = module.__name__.rpartition(".")[2].replace("_", "-")
    if plugin.name.replace("_", "-") != wanted:
        raise BadPlugin(
            f"{file}:{_line_of(module, attribute)} names its plug-in {plugin.name!r}.",
            f"Name it {wanted!r}, as the file, or rename the file.",
        )
    return plugin


def _line_of(module: ModuleType, attribute: str) -> int:
    for number, line in enumerate(inspect.getsource(module).splitlines(), start=1):
        if line.startswith(attribute):
            return number
    return 1


def documentation(module: str) -> dict[str, str]:
    """The docstring of a habit or a fix by heading; under "" what stands before the first.

    Raises
    ------
    BadPlugin
        A heading is missing.
    """
    loaded = importlib.import_module(module)
    sections: dict[str, list[str]] = {"": []}
    current = ""
    for line in inspect.cleandoc(loaded.__doc__ or "").splitlines():
        if line.strip() in HEADINGS:
            current = line.strip()
            sections[current] = []
        elif set(line.strip()) != {"-"} or not line.strip():
            sections[current].append(line)
    missing = [heading for heading in HEADINGS if not "".join(sections.get(heading, [])).strip()]
    if missing:
        raise BadPlugin(
            f"{loaded.__file__}:1 says nothing under {', '.join(missing)}.",
            f"Its docstring is its documentation; the headings are {', '.join(HEADINGS)}.",
        )
    return {heading: "\n".join(lines).strip() for heading, lines in sections.items()}
