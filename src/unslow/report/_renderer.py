"""A renderer: how a report becomes text. One public file of this package each; found, not listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unslow.core.profile import Profile
from unslow.core.trial import Report


@dataclass(frozen=True)
class Renderer:
    """`render(report, profile)` gives the text of `file` in the run's folder ("": only shown, never written).

    It takes every report that can be built, whatever the strings in it, and a profile or None.
    """

    name: str
    render: Callable[[Report, Profile | None], str]
    file: str = ""
