"""`data-parallel`: a model is wrapped into `torch.nn.DataParallel`, one process for several devices."""

from __future__ import annotations

import functools
from typing import Any

from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import called_from


def begin(notes: Notes) -> None:
    """From now on."""

    def patch(module: Any) -> None:
        kind = module.DataParallel
        made = kind.__init__

        @functools.wraps(made)
        def noted(model: Any, *args: Any, **kwargs: Any) -> None:
            made(model, *args, **kwargs)
            devices = len(getattr(model, "device_ids", ()))
            notes.note("data-parallel", called_from(making=model), {"devices": devices})

        kind.__init__ = noted

    when_imported("torch.nn.parallel.data_parallel", patch)


WATCH = Watch(name="data_parallel", kinds=("data-parallel",), begin=begin)
