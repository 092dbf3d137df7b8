"""Runs the model without recording what a later backward pass would need.

What it is
----------
PyTorch can compute gradients after the fact, because it writes down every operation as it runs. Answering requests
needs no gradients. This fix calls the model inside `torch.inference_mode()`, where nothing is written down. In a script
the statement that calls the model goes into `with torch.inference_mode():`, or, where that fails, `torch.no_grad()`.

Why it is slow
--------------
Each operation allocates a node of the graph, keeps its inputs alive and counts the versions of its tensors. Memory
that could be reused stays taken until the answer is dropped, so that later operations touch memory that is not in the
cache.

How it shows
------------
The habit `autograd-at-inference` sees that the outputs hang on a graph. Models of many small operations gain most (10
to 30 % is common); models that are a few large matrix products gain little.

When it does not matter
-----------------------
When the caller already uses `torch.no_grad()` or `torch.inference_mode()`, or when the model was exported or
converted: then there is no graph.

Risk
----
None for the values: the same kernels run, the same bits come out. The answers cannot be used in a backward pass
afterwards, and code that changes them in place, or computes with weights on them outside, raises an error:
`torch.no_grad()` has neither limit. A script that makes an optimizer is left alone, since it may train with what the
same call gives.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._models import Call, around_models
from unslow.fixes._script import SCRIPT, facts_of, site_of, with_change
from unslow.fixes._settings import TORCH_RUNTIMES, with_settings

NAME = "inference-mode"
_CONTEXTS = ("inference_mode", "no_grad")


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Switches the runtime's `inference_mode` on; of a script, changes the calls of its models."""
    if "calls" in parameters:
        return with_change(workload, NAME, parameters)
    return with_settings(workload, inference_mode=True)


def refuses(setting: Setting) -> str:
    """Refused where it is on already, and in a script that asks for gradients or may come to it."""
    if setting.facts.script is not None:
        return _refused_in_a_script(setting)
    if setting.workload.model.settings.get("inference_mode"):
        return "the model already runs in inference mode"
    return ""


def _refused_in_a_script(setting: Setting) -> str:
    script = facts_of(setting)
    if script.of_kind("gradient") or script.of_kind("optimizer"):
        return "the script trains, or makes an optimizer and may train later"
    return "" if _calls(setting) else "no model that the script calls by itself answers with a graph"


def space(setting: Setting) -> Sequence[Parameters]:
    """Of a script, all calls at once: in inference mode, or without gradients only."""
    if setting.facts.script is None:
        return ({},)
    calls = _calls(setting)
    return tuple({"calls": calls, "context": context} for context in _CONTEXTS) if calls else ()


def _calls(setting: Setting) -> list[dict[str, Any]]:
    called = facts_of(setting).of_kind("forward")
    return [{"site": to_json(noted.site)} for noted in called if noted.direct and noted.details["with_graph"]]


def install(parameters: Parameters) -> None:
    """At these calls."""

    def change(model: Any, call: Call, site: Site) -> Call:
        def answered(*args: Any, **kwargs: Any) -> Any:
            with getattr(sys.modules["torch"], parameters["context"])():
                return call(*args, **kwargs)

        return answered

    around_models([site_of(call) for call in parameters["calls"]], change)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """A `with` around the statements that hold them."""
    context = f"torch.{parameters['context']}()"
    return tuple(Edit(site_of(call), within=context, imports=("import torch",)) for call in parameters["calls"])


FIX = Fix(
    name=NAME,
    does="runs the model in torch.inference_mode(), so that nothing is recorded for gradients",
    tag="exact",
    slot="mode",
    treats=("autograd-at-inference",),
    runtimes=TORCH_RUNTIMES | SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    extra="torch",
    libraries=("torch",),
    odds=0.8,
    build_seconds=0.1,
    left_behind=True,
    install=install,
    edit=edit,
)
