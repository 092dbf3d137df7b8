"""`threads`: the script says by itself how many threads PyTorch computes with; `pool`: with how many a session of ONNX
Runtime does, whose threads no library can count."""

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
    when_imported("onnxruntime.capi.onnxruntime_inference_collection", functools.partial(_sessions, notes))


def _sessions(notes: Notes, module: Any) -> None:
    inner = module.InferenceSession.__init__

    @functools.wraps(inner)
    def noted(session: Any, model: Any, sess_options: Any = None, *args: Any, **kwargs: Any) -> None:
        inner(session, model, sess_options, *args, **kwargs)
        threads = int(getattr(sess_options, "intra_op_num_threads", 0))
        if threads > 0:
            notes.note("pool", called_from(making=session), {"name": "onnxruntime", "threads": threads})

    module.InferenceSession.__init__ = noted


WATCH = Watch(name="threads", kinds=("threads", "pool"), begin=begin)
