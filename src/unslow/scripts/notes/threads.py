"""`threads`: the script says by itself how many threads PyTorch computes with."""

from __future__ import annotations

import functools
from typing import Any

from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import called_from


def begin(notes: Notes) -> None:
    """From now on."""

    def patch(torch: Any) -> None:
        inner = torch.set_num_threads

        @functools.wraps(inner)
        def noted(threads: int) -> None:
            inner(threads)
            notes.note("threads", called_from(), {"threads": threads})

        torch.set_num_threads = noted

    when_imported("torch", patch)


WATCH = Watch(name="threads", kinds=("threads",), begin=begin)
