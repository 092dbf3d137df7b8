"""`timer`: something that goes on while a script is stopped, and notices: an alarm, a collective's watchdog."""

from __future__ import annotations

import signal
from typing import Any

from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch, around
from unslow.scripts.sites import called_from


def begin(notes: Notes) -> None:
    """From now on."""

    def noted(name: str) -> Any:
        def tell(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, seconds: float) -> None:
            notes.note("timer", called_from(2), {"call": name})

        return tell

    for name in ("alarm", "setitimer"):
        if hasattr(signal, name):
            around(signal, name, noted(f"signal.{name}"))

    def collectives(module: Any) -> None:
        around(module, "init_process_group", noted("torch.distributed.init_process_group"))

    when_imported("torch.distributed.distributed_c10d", collectives)
    when_imported(
        "torch.distributed",
        lambda module: setattr(module, "init_process_group", module.distributed_c10d.init_process_group),
    )


WATCH = Watch(name="timers", kinds=("timer",), begin=begin)
