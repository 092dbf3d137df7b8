"""One file, one runtime: how a `Model` (an artefact with its settings) becomes a function that answers requests.

A runtime file imports only `unslow.core`, this package's underscored helpers and, inside functions, its one backend. It
ends with `RUNTIME = Runtime(...)`, and is found by walking this package.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from unslow.core.discover import plugins
from unslow.core.errors import BadUsage, MissingExtra
from unslow.core.runtime import Call, Runtime
from unslow.core.workload import Host, Model
from unslow.runtimes._watched import loads_watched


def runtimes() -> dict[str, Runtime]:
    """Every runtime by name, sorted."""
    return plugins("unslow.runtimes", "RUNTIME", Runtime)


def runtime_of(name: str) -> Runtime:
    """The runtime of this name.

    Raises
    ------
    BadUsage
        There is none.
    """
    found = runtimes()
    if name not in found:
        raise BadUsage(f"There is no runtime named {name!r}.", f"The runtimes are: {', '.join(found)}.")
    return found[name]


def open_model(model: Model, host: Host, live: Any = None) -> Call:
    """The function that answers requests, `Request -> answer`; `live` is what the target built, without artefact.

    Raises
    ------
    BadUsage
        No runtime has this name.
    MissingExtra
        A library of the runtime is not installed.
    BadInput
        The artefact or the settings cannot be used.
    """
    runtime = runtime_of(model.runtime)
    for library in runtime.libraries:
        if importlib.util.find_spec(library) is None:
            raise MissingExtra(library, runtime.extra, f"The runtime {runtime.name}")
    return runtime.open(model, host, live)


__all__ = ["loads_watched", "open_model", "runtime_of", "runtimes"]
