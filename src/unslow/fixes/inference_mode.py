"""Runs the model without recording what a later backward pass would need.

What it is
----------
PyTorch can compute gradients after the fact, because it writes down every operation as it runs. Answering requests
needs no gradients. This fix calls the model inside `torch.inference_mode()`, where nothing is written down.

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
afterwards, and code that changes them in place for autograd's sake raises an error.
"""

from __future__ import annotations

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._settings import TORCH_RUNTIMES, with_settings


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Switches the runtime's `inference_mode` on."""
    return with_settings(workload, inference_mode=True)


def refuses(setting: Setting) -> str:
    """Refused where it is on already."""
    if setting.workload.model.settings.get("inference_mode"):
        return "the model already runs in inference mode"
    return ""


FIX = Fix(
    name="inference-mode",
    does="runs the model in torch.inference_mode(), so that nothing is recorded for gradients",
    tag="exact",
    slot="mode",
    treats=("autograd-at-inference",),
    runtimes=TORCH_RUNTIMES,
    apply=apply,
    refuses=refuses,
    extra="torch",
    libraries=("torch",),
    odds=0.8,
    build_seconds=0.1,
    left_behind=True,
)
