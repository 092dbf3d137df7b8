"""Runs a script that is watched as a survey watches its recorded steps, and not, in turns with whoever holds the line.

    python -m bench._watched ADDRESS train.py [ARGUMENT …]

ADDRESS is that of a `multiprocessing.connection.Listener`. What comes is whether to watch, how many steps to take
untimed, and how many then; the seconds that these took go back. Both happen in one process, whose memory and threads
lie as they lie: without watching, every function that was replaced is put back, and of the optimizers' hooks only the
one that tells the end of a step is left. (What tells of files that are opened cannot be taken out of a process; it
stays.)
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any, cast

from unslow.scripts import events
from unslow.scripts.layers import original_of
from unslow.scripts.loaders import Loaders
from unslow.scripts.losses import Losses
from unslow.scripts.mirror import mirrored
from unslow.scripts.notes import Notes, watch_all
from unslow.scripts.phases import Phases
from unslow.scripts.run import Plan, run
from unslow.survey.recorded import Recorded
from unslow.survey.script import MOST_RECORDED

OURS = f"{Path(events.__file__).resolve().parents[1]}{os.sep}"
IMMUTABLE = 1 << 8
"""Python's flag of types whose attributes cannot be set."""
WARM_STEPS = 8


def main() -> None:
    address, script, *arguments = sys.argv[1:]
    phases, notes, losses = Phases(), Notes(), Losses(most=1)
    losses.watch()
    watch_all(notes)
    phases.watch()
    Loaders(keep=True).watch()
    notes.on = False
    plan = _turns(Client(address), phases, losses)
    next(plan)
    folder = Path(tempfile.mkdtemp())  # Whoever starts this removes it: here every file that goes is watched.
    run(mirrored(Path.cwd(), Path(script).resolve(), folder / "mirror"), arguments, plan)


def _turns(line: Connection, phases: Phases, losses: Losses) -> Plan:
    for _ in range(WARM_STEPS):
        yield from _step()
    replaced, hooks = list(_all_replaced()), _Hooks()
    recorded = Recorded(phases, _step)
    events.settle_on("optimizer")
    while True:
        watch, untimed, count = line.recv()
        for one in replaced:
            one.put(watch)
        hooks.put(watch)
        took_s = 0.0
        for number in range(untimed + count):
            if number == untimed:
                took_s = time.perf_counter()
            if not watch:
                yield from _step()
                continue
            yield from recorded.next()
            losses.stepped()
            if recorded.taken == MOST_RECORDED:
                recorded.begin_anew()
        line.send(time.perf_counter() - took_s)


def _step() -> Generator[None, str]:
    while (yield) != "optimizer":
        pass


@dataclass(frozen=True)
class _Replaced:
    """A function of a module or a class that was replaced by one of ours."""

    owner: Any
    name: str
    ours: Any
    original: Any

    def put(self, ours: bool) -> None:
        setattr(self.owner, self.name, self.ours if ours else self.original)


def _all_replaced() -> Iterator[_Replaced]:
    seen: set[int] = set()
    for module in list(sys.modules.values()):
        if str(getattr(module, "__file__", "")).startswith(OURS):
            continue
        kinds = [kind for kind in list(vars(module).values()) if issubclass(type(kind), type) and _can_be_set(kind)]
        for owner in (module, *kinds):
            if id(owner) not in seen:
                seen.add(id(owner))
                yield from _replaced_in(owner)


def _replaced_in(owner: Any) -> Iterator[_Replaced]:
    found = cast("dict[str, Any]", vars(owner)).copy()
    for name, value in found.items():
        original = original_of(value)
        if original is not value:
            yield _Replaced(owner, name, value, original)


def _can_be_set(kind: type) -> bool:
    return not kind.__flags__ & IMMUTABLE


class _Hooks:
    """What is called around every optimizer's step."""

    def __init__(self) -> None:
        module: Any = importlib.import_module("torch.optim.optimizer")
        self._of = (module._global_optimizer_pre_hooks, module._global_optimizer_post_hooks)
        self._all = [dict(hooks) for hooks in self._of]

    def put(self, ours: bool) -> None:
        for hooks, known in zip(self._of, self._all, strict=True):
            hooks.clear()
            hooks.update({key: hook for key, hook in known.items() if ours or _tells_steps(hook)})


def _tells_steps(hook: Any) -> bool:
    return bool(getattr(hook, "__code__", None)) and hook.__code__.co_filename == events.__file__


if __name__ == "__main__":
    try:
        main()
    except (EOFError, ConnectionError):  # Whoever held the line has seen enough.
        os._exit(0)
