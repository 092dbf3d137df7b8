"""Lets the optimizer update all its parameters in one kernel.

What it is
----------
`Adam(…, fused=True)`, and the same for AdamW, SGD and Adagrad: one kernel reads a parameter, its gradient and its
moments once, and writes them once. Where `transformers.Trainer` makes the optimizer, the same is said by
`TrainingArguments(optim="adamw_torch_fused")`.

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
from functools import partial
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Noted
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, facts_of, keywords, site_of, training_arguments, when_made, with_change

NAME = "fused-optimizer"
SET = {"fused": True}
NAMED, NAMED_FUSED = "adamw_torch", "adamw_torch_fused"
"""AdamW as `transformers.TrainingArguments(optim=…)` names it."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    return "" if _calls(setting) else "no optimizer that the script makes by itself has a fused form that is off"


def space(setting: Setting) -> Sequence[Parameters]:
    """All of them at once."""
    made = _calls(setting)
    return ({"optimizers": made},) if made else ()


def install(parameters: Parameters) -> None:
    """At the calls that make them, when the script does."""
    for made in parameters["optimizers"]:
        when_made(made["module"], made["class"], site_of(made), partial(_changed, made))


def _changed(made: Parameters, args: Sequence[Any], named: dict[str, Any]) -> Sequence[Any]:
    named.update(made.get("set", SET))
    return args


def edit(parameters: Parameters) -> Sequence[Edit]:
    return tuple(Edit(site_of(made), keywords(made.get("set", SET))) for made in parameters["optimizers"])


def _calls(setting: Setting) -> list[Parameters]:
    """Those of the script's own that make an optimizer, or name to `transformers.Trainer` the one that it makes."""
    unfused = _unfused(setting)
    made: list[Parameters] = [
        {"site": to_json(noted.site), "class": noted.details["class"], "module": noted.details["module"]}
        for noted in unfused
        if noted.direct
    ]
    arguments = training_arguments(setting)
    is_named = any(not noted.direct and noted.details["class"] == "AdamW" for noted in unfused)
    if is_named and arguments is not None and arguments["optim"] == NAMED:
        kept = {key: arguments[key] for key in ("site", "class", "module")}
        made.append({**kept, "set": {"optim": NAMED_FUSED}})
    return made


def _unfused(setting: Setting) -> list[Noted]:
    made = facts_of(setting).of_kind("optimizer")
    return [
        noted
        for noted in made
        if noted.details["can_be_fused"]
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
