"""`profile`: where the time goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from unslow.core.events import Listener, silent
from unslow.core.options import Options
from unslow.core.profile import Profile
from unslow.habits import doubts
from unslow.processes.base import Processes
from unslow.processes.local import LocalProcesses
from unslow.processes.reading import read_apart
from unslow.verbs._recorded import recording_of
from unslow.verbs.diagnose import looked_at


def profile(
    what: Any,
    inputs: Any = None,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    arguments: Sequence[str] | None = None,
    trust: bool = False,
    options: Options | None = None,
    listener: Listener = silent,
    processes: Processes | None = None,
    **about: Any,
) -> Profile:
    """Record a workload with its framework's own profiler, and read the recording; or read one that there is.

    Parameters and errors are those of `unslow.fix`. Times in the profile are integer nanoseconds; `shares` are parts of
    the wall time, 0 to 1, by category, and sum to 1.
    """
    if recording := recording_of(what):
        return _with_doubts(read_apart(recording))
    about = {"shapes": shapes, "arguments": arguments, "trust": trust, **about}
    seen = looked_at(what, inputs, options or Options(), listener, processes or LocalProcesses(), about)
    return _with_doubts(seen.profile)


def _with_doubts(profile: Profile) -> Profile:
    """With a note on why its shares are not to be trusted, where they are not, and how to record better."""
    return replace(profile, notes=(*profile.notes, *doubts(profile)))
