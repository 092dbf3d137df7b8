"""What repeats a run: the command that was typed, or the call from Python, as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from unslow.core.options import Options
from unslow.core.workload import Inference, Target

SHORT = 60
"""A value is written out where that takes no more characters than this."""


def call(verb: str, *what: Any, inputs: Any = None, options: Options | None = None, **others: Any) -> str:
    """`unslow.fix(Net, inputs, metric=accuracy, options=unslow.Options(budget_s=60.0))`: live objects by name."""
    arguments = [_shown(value) for value in what]
    if inputs is not None:
        arguments.append(_shown(str(inputs)) if isinstance(inputs, (str, Path)) else "inputs")
    given = [f"{name}={_named(name, value)}" for name, value in others.items() if value]
    if options is not None and (changed := _changed(options)):
        given.append(f"options=unslow.Options({changed})")
    return f"unslow.{verb}({', '.join([*arguments, *given])})"


def _changed(options: Options) -> str:
    """What differs from the defaults."""
    default = Options()
    pairs = ((field.name, getattr(options, field.name)) for field in fields(options))
    return ", ".join(f"{name}={value!r}" for name, value in pairs if value != getattr(default, name))


def _shown(what: Any) -> str:
    if isinstance(what, (str, Path, Target)):
        return repr(str(what))
    if isinstance(what, Inference):
        return f"unslow.Inference({_shown(what.model)}, inputs)"
    name = getattr(what, "__name__", type(what).__name__)
    return "function" if name == "<lambda>" else name


def _named(name: str, value: Any) -> str:
    """A plain value as it is written, a function by its name, anything else by the argument's."""
    if isinstance(value, (str, bool, int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        text = repr(cast("Mapping[str, Any]", value))
        return text if len(text) <= SHORT else name
    return _shown(value) if callable(value) else name
