"""AOTInductor: a `.pt2` package with machine code made ahead of time; tensors out, no gradients.

Settings: `inputs` (the caller's parameter names), `dtype` and `memory_format` (of the floating inputs, as compiled),
`output_dtypes`, `structure`. The package's own check of dtypes and shapes is switched on: without it machine code reads
whatever memory it is given.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Any

from unslow.core.calls import Request
from unslow.core.runtime import Call, Runtime
from unslow.core.workload import Host, Model
from unslow.runtimes._exported import Bind, archive_expected, binder, signature_of
from unslow.runtimes._failures import REFUSALS, guarded, unreadable
from unslow.runtimes._torch import input_converter, output_converter, settle

CHECK_INPUTS = "AOTI_RUNTIME_CHECK_INPUTS"
# A package answers that many calls at a time; more runners cost next to nothing, since they share the weights.
MOST_RUNNERS = 8


def open_aot_inductor(model: Model, host: Host, live: Any) -> Call:
    """Calls the package's loader directly: its Python wrapper parses the call's layout anew each time."""
    torch: Any = importlib.import_module("torch")
    settle(torch, host)
    os.environ.setdefault(CHECK_INPUTS, "1")
    loader = _package(model.path).loader
    tree: Any = importlib.import_module("torch.utils._pytree")
    in_spec, out_spec = (tree.treespec_loads(text) for text in loader.get_call_spec())
    signature = signature_of(in_spec)
    names = tuple(model.settings.get("inputs") or signature.keywords)
    tensor = input_converter(torch, model.settings)
    run = _runner(loader.boxed_run, binder(signature, names), tensor, torch.Tensor)
    back = output_converter(torch, model.settings)

    def call(request: Request) -> Any:
        answer = tree.tree_unflatten(run(request), out_spec)
        return answer if back is None else back(answer)

    return guarded(call)


def _runner(boxed_run: Any, bind: Bind, tensor: Any, kind: type[Any]) -> Any:
    def run(request: Request) -> Sequence[Any]:
        args, kwargs = bind(request)
        values = [tensor(value) for value in (*args, *kwargs.values())]
        return boxed_run([value for value in values if isinstance(value, kind)])

    return run


def _package(path: str) -> Any:
    package: Any = importlib.import_module("torch._inductor.package")
    archive_expected(path, "an AOTInductor package")
    try:
        return package.load_package(path, num_runners=min(MOST_RUNNERS, os.cpu_count() or 1))
    except (*REFUSALS, OSError) as error:
        raise unreadable(path, "an AOTInductor package", error) from error


RUNTIME = Runtime("aot-inductor", open_aot_inductor, extra="torch", libraries=("torch",), native_code=True)
