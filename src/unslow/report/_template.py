"""The templates in `assets/`, and how they show numbers and text from outside."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, cast

import jinja2
from markupsafe import Markup

from unslow.core import units
from unslow.core.trial import Trial
from unslow.report import _words as words
from unslow.report._text import plain


@cache
def template(name: str) -> jinja2.Template:
    """A template of `assets/`, with autoescape on."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        loader=jinja2.FunctionLoader(asset),
    )
    filters: dict[str, Any] = {
        "seconds": _number(units.seconds),
        "share": _number(units.share),
        "short": _short,
        "size": _number(units.size),
        "speedup": words.speedup_text,
        "ceiling": words.ceiling_text,
        "name": words.name_of,
        "evidence": words.evidence_of,
        "value": words.value_text,
        "sortable": _sortable,
        "facts": facts_of,
    }
    environment.filters.update(filters)
    return environment.get_template(name)


def _number(show: Callable[[float], str]) -> Callable[[object], str]:
    """The filter, for any value: what is no number is "unknown"."""

    def shown(value: object) -> str:
        return show(value) if isinstance(value, (int, float)) and math.isfinite(value) else "unknown"

    return shown


def _shown(value: Any) -> Any:
    """What the template prints: text from outside without what cannot be shown. Markup is the template's own."""
    return value if hasattr(value, "__html__") else plain(value, lines=True)


def _short(text: object) -> str:
    """A name that fits on two lines."""
    return plain(text, 110)


def _sortable(trial: Trial) -> float:
    """The number by which a trial's speed-up is sorted; what was not measured comes last."""
    return trial.speedup.point if words.known(trial.speedup) and math.isfinite(trial.speedup.point) else -1.0


def facts_of(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A mapping as rows of plain text; what is nested on one line."""
    return [(plain(key, 80).replace("_", " "), _flat(value)) for key, value in facts.items()]


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = cast("Mapping[Any, Any]", value)
        return ", ".join(f"{plain(key, 80)} {_flat(item)}" for key, item in inner.items())
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        return ", ".join(_flat(item) for item in items[:20])
    return "none" if value is None else words.value_text(value)


def ours(text: str) -> Markup:
    """Text of our own that is to stand as it is."""
    return Markup(text)


@cache
def asset(name: str) -> str:
    """The text of a file of `assets/`."""
    return resources.files("unslow.report").joinpath("assets", name).read_text(encoding="utf-8").replace("\r\n", "\n")
