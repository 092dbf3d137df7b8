"""Loads the model once and keeps it, instead of loading it for each request.

What it is
----------
The function that answers a request also opens the model's file each time. This fix keeps what the known loaders return
(of ONNX Runtime, PyTorch, OpenVINO, transformers, joblib) and gives it back at the next call with the same arguments.
In a script (of all but OpenVINO) the call becomes `loaded_once(torch.load)(path)`, with a small module beside the
script.

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

import functools
from collections.abc import Callable, Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, facts_of, helper, site_of, with_change
from unslow.fixes._settings import with_settings

NAME = "keep-model-loaded"
OFTEN = 0.5
"""Openings per request from which a file counts as opened again and again."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Switches the runtime's `keep_loaded` on; of a script, changes the calls that load."""
    if "calls" in parameters:
        return with_change(workload, NAME, parameters)
    return with_settings(workload, keep_loaded=True)


def refuses(setting: Setting) -> str:
    """Refused where it is on, or where no file is opened again and again."""
    if setting.facts.script is not None:
        return "" if _calls(setting) else "no call of the script's own loads the same again in its steps"
    if setting.workload.model.settings.get("keep_loaded"):
        return "the model is kept already"
    if not any(file.opens_per_request >= OFTEN for file in setting.facts.files_read):
        return "no file is opened again for each request"
    return ""


def space(setting: Setting) -> Sequence[Parameters]:
    """Of a script, all such calls at once."""
    if setting.facts.script is None:
        return ({},)
    calls = _calls(setting)
    return ({"calls": calls},) if calls else ()


def _calls(setting: Setting) -> list[dict[str, Any]]:
    loads = facts_of(setting).of_kind("load")
    return [{"site": to_json(n.site)} for n in loads if n.direct and n.details["again"] and n.times_in_steps]


def install(parameters: Parameters) -> None:
    """At these calls."""
    from unslow.scripts.imports import when_imported
    from unslow.scripts.notes.loading import LOADERS, replace_loader

    sites = [site_of(call) for call in parameters["calls"]]
    for loader in LOADERS:
        around = functools.partial(_kept, loader.kind == "constructor", loader.called, sites)
        when_imported(loader.module, functools.partial(replace_loader, loader, around=around))


def _kept(is_constructor: bool, name: str, sites: Sequence[Any], inner: Callable[..., Any]) -> Callable[..., Any]:
    """A second object of the same arguments takes over the state of the first, so that its class stays what it is."""
    from unslow.helpers import loaded_once as loading
    from unslow.scripts.sites import called_from

    once: Any = loading.loaded_once  # pyright: ignore

    @functools.wraps(inner)
    def loaded(*args: Any, **kwargs: Any) -> Any:
        called = called_from(making=args[0] if is_constructor else None)
        if called is None or called.site not in sites:
            return inner(*args, **kwargs)
        if not is_constructor:
            return _once(once, name, inner, args, kwargs)

        def state(*given: Any, **named: Any) -> Any:
            inner(args[0], *given, **named)
            return args[0].__dict__

        args[0].__dict__.update(once(state, name)(*args[1:], **kwargs))
        return None

    return loaded


def _once(once: Any, name: str, inner: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Of a class method the class comes first: what it loads is kept for that class."""
    if args and isinstance(args[0], type):
        return once(functools.partial(inner, args[0]), f"{name}:{args[0]}")(*args[1:], **kwargs)
    return once(inner, name)(*args, **kwargs)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`loaded_once(…)` around what is called, and its module beside the script."""
    return tuple(
        Edit(
            site_of(call),
            callee="loaded_once({})",
            imports=("from loaded_once import loaded_once",),
            module=helper("loaded_once.py"),
        )
        for call in parameters["calls"]
    )


FIX = Fix(
    name=NAME,
    does="loads the model once and keeps it",
    tag="exact",
    slot="loading",
    treats=("model-reloaded-per-call",),
    runtimes=frozenset({"function"}) | SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.9,
    build_seconds=0.1,
    install=install,
    edit=edit,
)
