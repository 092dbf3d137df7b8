"""Compiles the torch model into fused machine code, with `torch.compile` and Inductor.

What it is
----------
PyTorch runs a model one operation at a time, as Python calls them. `torch.compile` traces the model once, joins
neighbouring operations into single loops and compiles these with the C++ compiler. With `freezing` the weights become
constants, which are laid out for the processor beforehand and folded into their neighbours (batch normalisation into
a convolution, for example).

Why it is slow
--------------
Uncompiled, every operation costs a trip through Python and the dispatcher (5 to 20 µs), writes its whole result to
memory, and the next one reads it back. Small operations are dominated by the trip, elementwise ones by the memory.

How it shows
------------
The habits `uncompiled-graph` (share of time between kernels and in elementwise operations) and `python-bound`. Gains
of 1.2 to 2 are usual on processors for transformers and for networks with many elementwise operations.

When it does not matter
-----------------------
When nearly all of the time goes into a few large matrix products or convolutions, which the libraries do at full
speed already; for a process that answers few requests, since compiling takes 10 to 60 seconds at each start (see
break-even in the report); and when each request has a new shape, which may compile again.

Risk
----
Fused operations round differently in the last bits. Models that depend on Python side effects or on the values of
tensors are compiled in pieces, or not at all. Each process pays for compiling, unless the compiler's cache is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._settings import TORCH_RUNTIMES, no_compiler, shapes_vary, with_settings


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Asks the runtime to compile. Inference mode comes with it, since freezing is for inference only."""
    compiled = {
        "mode": parameters.get("mode"),
        "dynamic": parameters.get("dynamic", shapes_vary(workshop.facts) or None),
        "freezing": bool(parameters.get("freezing", True)),
    }
    return with_settings(workload, compile=compiled, inference_mode=True)


def refuses(setting: Setting) -> str:
    """Refused where it is on already, or where no C++ compiler is found."""
    if setting.workload.model.settings.get("compile"):
        return "the model is compiled already"
    return no_compiler()


def space(setting: Setting) -> Sequence[Parameters]:
    """Frozen first. One compilation for all shapes where they vary, else for the one shape."""
    dynamic = True if shapes_vary(setting.facts) else None
    return (
        {"mode": None, "dynamic": dynamic, "freezing": True},
        {"mode": None, "dynamic": dynamic, "freezing": False},
        {"mode": "max-autotune-no-cudagraphs", "dynamic": dynamic, "freezing": True},
    )


FIX = Fix(
    name="torch-compile",
    does="compiles the model into fused code with torch.compile",
    tag="numeric",
    slot="runtime",
    treats=("uncompiled-graph", "python-bound", "autograd-at-inference"),
    runtimes=TORCH_RUNTIMES,
    apply=apply,
    refuses=refuses,
    space=space,
    extra="torch",
    libraries=("torch",),
    odds=0.6,
    build_seconds=25.0,
)
