"""A runtime: how a `Model` becomes something that answers requests. One file in `runtimes/` each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unslow.core.calls import Request
from unslow.core.workload import Host, Model

Call = Callable[[Request], Any]


@dataclass(frozen=True)
class Runtime:
    """`open(model, host, live)` gives the function that answers a request (from several threads at once, if need be).

    `live` is what the target built (a module, a callable) where `model.path` is "", else None. Answers come in the
    structure of the original's answers, with the runtime's own leaves (tensors for torch, else NumPy). `native_code`:
    the artefact holds machine code, which is loaded only if trusted, on a processor with the same instruction sets.
    """

    name: str
    open: Callable[[Model, Host, Any], Call]
    extra: str = ""
    libraries: tuple[str, ...] = ()
    native_code: bool = False
