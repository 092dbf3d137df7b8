"""Loads the model once and keeps it, instead of loading it for each request.

What it is
----------
The function that answers a request also opens the model's file each time. This fix keeps what the known loaders
return (of ONNX Runtime, PyTorch, OpenVINO, transformers, joblib) and gives it back at the next call with the same
arguments.

Why it is slow
--------------
Loading reads the weights, builds the graph, and prepares kernels: often a hundred times the work of one answer.

How it shows
------------
The habit `model-reloaded-per-call`: large files that are opened again for each request.

When it does not matter
-----------------------
When the model is loaded at the start, or when the files are small data that do differ between requests.

Risk
----
The memory of the model stays taken. A file that is replaced is loaded again, but code that changes a loaded model in
place would see its own changes in the next call.
"""

from __future__ import annotations

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._settings import with_settings

OFTEN = 0.5
"""Openings per request from which a file counts as opened again and again."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Switches the runtime's `keep_loaded` on."""
    return with_settings(workload, keep_loaded=True)


def refuses(setting: Setting) -> str:
    """Refused where it is on, or where no file is opened again and again."""
    if setting.workload.model.settings.get("keep_loaded"):
        return "the model is kept already"
    if not any(file.opens_per_request >= OFTEN for file in setting.facts.files_read):
        return "no file is opened again for each request"
    return ""


FIX = Fix(
    name="keep-model-loaded",
    does="loads the model once and keeps it",
    tag="exact",
    slot="loading",
    treats=("model-reloaded-per-call",),
    runtimes=frozenset({"function"}),
    apply=apply,
    refuses=refuses,
    odds=0.9,
    build_seconds=0.1,
)
