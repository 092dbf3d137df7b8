"""Any other callable, called as it is.

Settings: `keep_loaded`: what known loaders of models return is kept, so that a function that loads its model in every
call loads it once; see `_keep_loaded`. The host's threads go to the libraries that have a pool in this process.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from unslow.core.calls import Request
from unslow.core.errors import BadInput
from unslow.core.runtime import Call, Runtime
from unslow.core.workload import Host, Model
from unslow.runtimes._failures import guarded
from unslow.runtimes._flush import flush_subnormals
from unslow.runtimes._keep_loaded import keeping
from unslow.runtimes._kept import Keeper


def open_function(model: Model, host: Host, live: Any) -> Call:
    """Calls `live(*args, **kwargs)`; what it returns is the answer."""
    if not callable(live):
        raise BadInput(f"The model is of type {type(live).__name__}, which cannot be called.", "Give a function.")
    _settle(host)

    def call(request: Request) -> Any:
        return live(*request.args, **request.kwargs)

    answer = guarded(call)
    return keeping(answer, Keeper()) if model.settings.get("keep_loaded") else answer


def _settle(host: Host) -> None:
    torch = sys.modules.get("torch")
    if host.threads:
        pools: Any = importlib.import_module("threadpoolctl")
        pools.threadpool_limits(limits=host.threads)
        if torch is not None:
            torch.set_num_threads(host.threads)
    if host.flush_subnormals:
        flush_subnormals()


RUNTIME = Runtime("function", open_function)
