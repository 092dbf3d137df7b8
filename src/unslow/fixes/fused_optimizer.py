"""Lets the optimizer update all its parameters in one kernel.

What it is
----------
`Adam(…, fused=True)`, and the same for AdamW, SGD and Adagrad: one kernel reads a parameter, its gradient and its
moments once, and writes them once.

Why it is slow
--------------
Otherwise each parameter takes a dozen small operations, each of which goes through memory and through Python.

How it shows
------------
The habit `unfused-optimizer`.

When it does not matter
-----------------------
Where the optimizer is a small part of the step. Where the optimizer has no fused form.

Risk
----
Sums are rounded in another order, so that losses differ in their last digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Noted
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, facts_of, site_of, when_made, with_change

NAME = "fused-optimizer"


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    return "" if _found(setting) else "no optimizer that the script makes by itself has a fused form that is off"


def space(setting: Setting) -> Sequence[Parameters]:
    """All of them at once."""
    made = [
        {"site": to_json(noted.site), "class": noted.details["class"], "module": noted.details["module"]}
        for noted in _found(setting)
    ]
    return ({"optimizers": made},) if made else ()


def install(parameters: Parameters) -> None:
    """At the calls that make them, when the script does."""

    def change(args: Sequence[Any], named: dict[str, Any]) -> Sequence[Any]:
        named["fused"] = True
        return args

    for made in parameters["optimizers"]:
        when_made(made["module"], made["class"], site_of(made), change)


def edit(parameters: Parameters) -> Sequence[Edit]:
    return tuple(Edit(site_of(made), {"fused": "True"}) for made in parameters["optimizers"])


def _found(setting: Setting) -> list[Noted]:
    made = facts_of(setting).of_kind("optimizer")
    return [
        noted
        for noted in made
        if noted.direct
        and noted.details["can_be_fused"]
        and not noted.details["fused"]
        and not noted.details["foreach"]
        and noted.details["module"].startswith("torch.optim.")
    ]


FIX = Fix(
    name=NAME,
    does="lets the optimizer update all its parameters in one kernel",
    tag="numeric",
    slot="optimizer",
    treats=("unfused-optimizer",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.6,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
