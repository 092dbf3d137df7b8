"""Gives batches in pinned memory, from which they are copied to the GPU beside the step.

What it is
----------
`DataLoader(…, pin_memory=True)`, and `batch.to(device, non_blocking=True)` where batches are copied.

Why it is slow
--------------
From ordinary memory the driver copies twice, and the step waits until it has.

How it shows
------------
The habit `pageable-copies`.

When it does not matter
-----------------------
Without a GPU. Where batches are small beside what is computed on them.

Risk
----
Pinned memory cannot be swapped out. A batch that is changed in place on the processor right after its copy has begun
may be copied as it is then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import (
    SCRIPT,
    around_calls,
    facts_of,
    loader_call,
    set_in_source,
    set_when_made,
    site_of,
    with_change,
)

NAME = "pin-memory"
SET = {"pin_memory": True}
METHODS = ("to", "cuda")


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    """Refused where no copy goes to a GPU, or every loader pins already."""
    if not _copies(setting):
        return "nothing is copied to a GPU from memory that is not pinned"
    return "" if _loaders(setting) else "no call of the script's own makes a DataLoader that does not pin its batches"


def space(setting: Setting) -> Sequence[Parameters]:
    """All loaders that gave batches, and all copies that can be told not to block."""
    loaders, copies = _loaders(setting), _copies(setting)
    return (
        ({"loaders": loaders, "calls": [copy for copy in copies if copy["can_be_told"]]},) if loaders and copies else ()
    )


def _loaders(setting: Setting) -> list[Parameters]:
    """The calls that say it; for several loaders there may be one."""
    made = [loader_call(setting, loader) for loader in facts_of(setting).loaders if not loader.pinned]
    found: list[Parameters] = []
    for call in made:
        if call is not None and call not in found:
            found.append(call)
    return found


def _copies(setting: Setting) -> list[dict[str, Any]]:
    """Where `non_blocking` is given by position, or a library makes the call, the call is left as it is."""
    return [
        {
            "site": to_json(copy.site),
            "can_be_told": copy.direct and not copy.details["non_blocking"] and not copy.details["by_position"],
        }
        for copy in facts_of(setting).of_kind("copy")
        if copy.details["target"] == "cuda" and copy.details["source"] == "cpu" and not copy.details["pinned"]
    ]


def install(parameters: Parameters) -> None:
    """At the calls that make the loaders, and at those that copy."""
    for loader in parameters["loaders"]:
        set_when_made(loader, SET)
    sites = [site_of(call) for call in parameters["calls"]]
    for name in METHODS:
        around_calls("torch._tensor", f"Tensor.{name}", sites, _not_blocking)


def _not_blocking(inner: Callable[..., Any], site: Site, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return inner(*args, **{**kwargs, "non_blocking": True})


def edit(parameters: Parameters) -> Sequence[Edit]:
    """The same keywords, in the source."""
    loaders = [set_in_source(loader, SET) for loader in parameters["loaders"]]
    return (*loaders, *(Edit(site_of(call), {"non_blocking": "True"}) for call in parameters["calls"]))


FIX = Fix(
    name=NAME,
    does="gives batches in pinned memory, from which they are copied to the GPU beside the step",
    tag="exact",
    slot="pin_memory",
    treats=("pageable-copies",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.7,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
