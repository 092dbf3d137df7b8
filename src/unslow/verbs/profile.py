"""`profile`: where the time goes."""

from __future__ import annotations

from typing import Any

from unslow.core.events import Listener, silent
from unslow.core.options import Options
from unslow.core.profile import Profile
from unslow.processes.base import Processes
from unslow.processes.local import LocalProcesses
from unslow.targets import Declared
from unslow.verbs.diagnose import looked_at


def profile(
    what: Any,
    inputs: Any = None,
    *,
    options: Options | None = None,
    declared: Declared | None = None,
    listener: Listener = silent,
    processes: Processes | None = None,
    **about: Any,
) -> Profile:
    """Record a workload with its framework's own profiler, and read the recording.

    Parameters and errors are those of `unslow.fix`.
    """
    processes = processes or LocalProcesses()
    return looked_at(what, inputs, options or Options(), declared, listener, processes, about).profile
