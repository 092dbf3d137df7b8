"""Runs a script from its first line to its end, watched as a survey watches its recorded steps, all the time.

python -m bench._watched train.py [ARGUMENT …]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from unslow.scripts.loaders import Loaders
from unslow.scripts.losses import Losses
from unslow.scripts.mirror import mirrored
from unslow.scripts.notes import Notes, watch_all
from unslow.scripts.phases import Phases
from unslow.scripts.run import Plan, run

FORGET_STEPS = 400
"""As many as a survey records at most."""


def main() -> None:
    script, *arguments = sys.argv[1:]
    phases, notes = Phases(), Notes()
    Losses().watch()
    watch_all(notes)
    phases.watch()
    Loaders(keep=True).watch()
    notes.looking, plan = False, _every_second_step(phases)
    next(plan)
    folder = Path(tempfile.mkdtemp())  # Whoever starts this removes it: here every file that goes is watched.
    run(mirrored(Path.cwd(), Path(script).resolve(), folder / "mirror"), arguments, plan)


def _every_second_step(phases: Phases) -> Plan:
    steps = 0
    while True:
        phases.on = steps % 2 == 1
        yield
        phases.close(time.perf_counter_ns())
        steps += 1
        if steps % FORGET_STEPS == 0:
            phases.forget()


if __name__ == "__main__":
    main()
