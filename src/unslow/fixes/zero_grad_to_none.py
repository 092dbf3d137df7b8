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

from collections.abc import Sequence

from unslow.core.jsonable import to_json
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, around_calls, facts_of, site_of, with_change

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
    sites = [site_of(call) for call in parameters["calls"]]
    for library, owner in (("torch.optim.optimizer", "Optimizer"), ("torch.nn.modules.module", "Module")):
        around_calls(library, f"{owner}.zero_grad", sites, lambda inner, _, args, __: inner(args[0], set_to_none=True))


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
