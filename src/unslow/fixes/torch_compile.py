"""Compiles the torch model into fused machine code, with `torch.compile` and Inductor.

What it is
----------
PyTorch runs a model one operation at a time, as Python calls them. `torch.compile` traces the model once, joins
neighbouring operations into single loops and compiles these with the C++ compiler. With `freezing` the weights become
constants, which are laid out for the processor beforehand and folded into their neighbours (batch normalisation into
a convolution, for example). In a script a model is compiled at its first call, forward and backward, for each shape by
itself: a small module beside the script does it.

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

import importlib
from collections.abc import Sequence
from typing import Any

from unslow.core.facts import Facts
from unslow.core.script import Noted, ScriptFacts, Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._models import Call, around_models, called_models, fixed_shapes, sites
from unslow.fixes._script import SCRIPT, helper, site_of, with_change
from unslow.fixes._settings import TORCH_RUNTIMES, no_compiler, shapes_vary, with_settings

NAME = "torch-compile"
LONGEST_WARM_UP_S = 20.0
"""An epoch up to this long is run before anything is timed where its last batch is smaller, and compiled for itself."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Asks the runtime to compile. Inference mode comes with it, since freezing is for inference only; a script is
    changed instead."""
    if "calls" in parameters:
        return with_change(workload, NAME, parameters, warm_steps(workshop.facts))
    compiled = {
        "mode": parameters.get("mode"),
        "dynamic": parameters.get("dynamic", shapes_vary(workshop.facts) or None),
        "freezing": bool(parameters.get("freezing", True)),
    }
    return with_settings(workload, compile=compiled, inference_mode=True)


def refuses(setting: Setting) -> str:
    """Refused where it is on already, or where no C++ compiler is found; of a script, where shapes keep changing."""
    if setting.facts.script is not None:
        return _refuses_script(setting)
    if setting.workload.model.settings.get("compile"):
        return "the model is compiled already"
    return no_compiler()


def space(setting: Setting) -> Sequence[Parameters]:
    """Frozen first. One compilation for all shapes where they vary, else for the one shape. A script's models at
    once."""
    if setting.facts.script is not None:
        return ({"calls": sites(_calls(setting))},)
    dynamic = True if shapes_vary(setting.facts) else None
    return (
        {"mode": None, "dynamic": dynamic, "freezing": True},
        {"mode": None, "dynamic": dynamic, "freezing": False},
        {"mode": "max-autotune-no-cudagraphs", "dynamic": dynamic, "freezing": True},
    )


def _refuses_script(setting: Setting) -> str:
    called = [noted for noted in called_models(setting) if not noted.details["compiled"]]
    if not called:
        return "the script's own source calls no model that is not compiled already"
    return no_compiler() if _calls(setting) else "the shapes of the models' inputs keep changing"


def _calls(setting: Setting) -> list[Noted]:
    return [noted for noted in called_models(setting) if not noted.details["compiled"] and fixed_shapes(noted)]


def warm_steps(facts: Facts) -> int:
    """The step that compiles and two more; an epoch, where its last batch is compiled for itself and is soon there."""
    script = facts.script or ScriptFacts("step", 0)
    short = any(loader.batch_size and loader.items % loader.batch_size for loader in script.loaders)
    short = short or any(noted.details.get("shapes", 1) > 1 for noted in script.of_kind("model"))
    soon = script.period * facts.seconds_per_request <= LONGEST_WARM_UP_S
    return 3 + (script.period if short and soon else 0)


def install(parameters: Parameters) -> None:
    """Around the models at these calls."""

    def change(model: Any, call: Call, site: Site) -> Call:
        module: Any = importlib.import_module("unslow.helpers.compiled")
        return module.compiled(call)

    around_models([site_of(call) for call in parameters["calls"]], change)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`model(x)` becomes `compiled(model)(x)`."""
    return tuple(
        Edit(
            site_of(call),
            callee="compiled({})",
            imports=("from compiled import compiled",),
            module=helper("compiled.py"),
        )
        for call in parameters["calls"]
    )


FIX = Fix(
    name=NAME,
    does="compiles the model into fused code with torch.compile",
    tag="numeric",
    slot="runtime",
    treats=("uncompiled-graph", "python-bound", "autograd-at-inference"),
    runtimes=TORCH_RUNTIMES | SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    extra="torch",
    libraries=("torch",),
    odds=0.6,
    build_seconds=25.0,
    install=install,
    edit=edit,
)
