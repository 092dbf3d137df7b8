"""Drops gradients between steps instead of filling them with zeros.

What it is
----------
`optimizer.zero_grad(set_to_none=True)`, the default since PyTorch 2.0.

Why it is slow
--------------
With `False` every gradient is written with zeros, and backward then reads it to add to it, where it could just write.

How it shows
------------
The habit `gradients-zeroed-by-fill`.

When it does not matter
-----------------------
Where gradients are small beside what is computed.

Risk
----
A gradient is `None` between steps: code that reads `parameter.grad` there must expect it. An optimizer with momentum
or weight decay leaves out a parameter without a gradient, where it moved one whose gradient was zero.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, facts_of, site_of, with_change

NAME = "zero-grad-to-none"


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    return "" if space(setting) else "no call of the script's own fills gradients with zeros"


def space(setting: Setting) -> Sequence[Parameters]:
    """All such calls at once."""
    calls = [
        {"site": to_json(noted.site), "positional": noted.details["positional"]}
        for noted in facts_of(setting).of_kind("fill")
        if noted.direct
    ]
    return ({"calls": calls},) if calls else ()


def install(parameters: Parameters) -> None:
    """At these calls."""
    from unslow.scripts.imports import when_imported

    when_imported("torch.optim.optimizer", functools.partial(_patch, sites=[site_of(c) for c in parameters["calls"]]))


def _patch(module: Any, sites: Sequence[Any]) -> None:
    from unslow.scripts.sites import called_from

    inner = module.Optimizer.zero_grad

    @functools.wraps(inner)
    def changed(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        called = called_from()
        if called is not None and called.site in sites:
            return inner(optimizer, set_to_none=True)
        return inner(optimizer, *args, **kwargs)

    module.Optimizer.zero_grad = changed


def edit(parameters: Parameters) -> Sequence[Edit]:
    return tuple(
        Edit(site_of(call), wrap="True") if call["positional"] else Edit(site_of(call), {"set_to_none": "True"})
        for call in parameters["calls"]
    )


FIX = Fix(
    name=NAME,
    does="drops gradients between steps instead of filling them with zeros",
    tag="exact",
    slot="zero_grad",
    treats=("gradients-zeroed-by-fill",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.6,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
