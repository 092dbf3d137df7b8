"""Compiles the torch model ahead of time into one file of machine code, which starts at once and needs no compiler.

What it is
----------
`torch.export` takes the whole graph, Inductor fuses it and writes C++, the compiler makes a library, and all is
packed with the weights into one `.pt2` file. A process that answers requests only loads it. It is `torch-compile`
without the cold start, and without Python between the pieces.

Why it is slow
--------------
Uncompiled, each operation costs a trip through Python and the dispatcher, and writes its result to memory for the
next to read. Compiled at each start, the first request of every process waits for the compiler.

How it shows
------------
The habits `uncompiled-graph` and `python-bound`; gains are those of `torch-compile`, the load takes a fraction of a
second.

When it does not matter
-----------------------
When the time goes into a few large matrix products; when the model cannot be exported as one graph.

Risk
----
The last bits differ. The file holds machine code for this kind of processor: elsewhere it is refused. Lengths that
did not vary among the requests may be fixed in it.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._export import Axes, exported_program, free_axes, not_exportable, prepared, required_axes
from unslow.fixes._quiet import quiet
from unslow.fixes._settings import TORCH_RUNTIMES, converted, no_compiler

PACKAGE_FILE = "model.pt2"


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Exports and compiles; free are the axes that vary, and with `free_batch` also those that could.

    Raises
    ------
    BadInput
        The model cannot be exported as one graph.
    """
    facts = workshop.facts
    axes = free_axes(facts) if parameters.get("free_batch") or workload.serving.batch_size > 1 else required_axes(facts)
    freezing = bool(parameters.get("freezing", True))
    key = {
        "model": to_json(workload.model),
        "axes": axes,
        "freezing": freezing,
        "processor": workshop.machine.processor,
    }
    folder = workshop.make("aot-inductor", key, lambda folder: _compile(workload, workshop, axes, freezing, folder))
    return converted(workload, "aot-inductor", str(folder / PACKAGE_FILE), facts, {})


def _compile(workload: Workload, workshop: Workshop, axes: Axes, freezing: bool, folder: Path) -> None:
    inductor: Any = importlib.import_module("torch._inductor")
    with prepared(workload, workshop, axes) as ready:
        program = exported_program(ready)
        with quiet():
            inductor.aoti_compile_and_package(
                program, package_path=str(folder / PACKAGE_FILE), inductor_configs={"freezing": freezing}
            )


def refuses(setting: Setting) -> str:
    """Refused where the model is compiled already, cannot be exported, or where no C++ compiler is found."""
    if setting.workload.model.settings.get("compile"):
        return "the model is compiled already"
    return no_compiler() or not_exportable(setting.facts)


def space(setting: Setting) -> Sequence[Parameters]:
    """Frozen weights first. For one request at a time the batch axis is fixed, which gives the tighter code."""
    free_batch = setting.objective != "latency" and setting.facts.batch_axis
    return ({"freezing": True, "free_batch": free_batch}, {"freezing": False, "free_batch": free_batch})


FIX = Fix(
    name="aot-inductor",
    does="compiles the model ahead of time into a file of machine code",
    tag="numeric",
    slot="runtime",
    treats=("uncompiled-graph", "python-bound", "autograd-at-inference"),
    runtimes=TORCH_RUNTIMES,
    apply=apply,
    gives="aot-inductor",
    refuses=refuses,
    space=space,
    extra="torch",
    libraries=("torch",),
    odds=0.55,
    build_seconds=45.0,
)
