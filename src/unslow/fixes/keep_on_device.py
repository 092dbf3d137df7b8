"""Keeps on the device what was copied there again in every step.

What it is
----------
`weights.to(device)` becomes `kept_copy(weights.to)(device)`, with a small module beside the script: it copies again
only where the tensor holds other numbers than before (compared to the bit), or its copy was changed in place.

Why it is slow
--------------
A copy waits for the bus and for what the device has still to do. Comparing a few kilobytes takes microseconds.

How it shows
------------
The habit `copied-every-step`.

When it does not matter
-----------------------
Where the tensor is large and changes: it is compared in vain.

Risk
----
All steps get the same copy: one that is held over several steps and then changed in place changes for all holders.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, around_calls, facts_of, helper, site_of, with_change

NAME = "keep-on-device"
METHODS = ("to", "cuda")
LEAST_LOOKED_AT = 4


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    return "" if space(setting) else "no call of the script's own copies the same again to a device in its steps"


def space(setting: Setting) -> Sequence[Parameters]:
    """All such calls at once."""
    calls = [
        {"site": to_json(copy.site)}
        for copy in facts_of(setting).of_kind("copy")
        if copy.direct
        and copy.details["source"] == "cpu"
        and not copy.details["gradient"]
        and copy.details["looked_at"] >= LEAST_LOOKED_AT
        and copy.details["same"] == copy.details["looked_at"] - 1
    ]
    return ({"calls": calls},) if calls else ()


def install(parameters: Parameters) -> None:
    """At these calls."""
    sites = [site_of(call) for call in parameters["calls"]]
    for name in METHODS:
        around_calls("torch._tensor", f"Tensor.{name}", sites, _kept)


def _kept(inner: Callable[..., Any], site: Site, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from unslow.helpers import kept_copy as keeping

    keep: Any = keeping.kept_copy  # pyright: ignore
    tensor, *others = args
    return keep(types.MethodType(inner, tensor), str(site))(*others, **kwargs)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`kept_copy(…)` around what is called, and its module beside the script."""
    return tuple(
        Edit(
            site_of(call),
            callee="kept_copy({})",
            imports=("from kept_copy import kept_copy",),
            module=helper("kept_copy.py"),
        )
        for call in parameters["calls"]
    )


FIX = Fix(
    name=NAME,
    does="keeps on the device what was copied there again in every step",
    tag="exact",
    slot="kept_copies",
    treats=("copied-every-step",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.8,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
