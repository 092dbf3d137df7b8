"""Adds values up on the device, and asks for the sum after the loop instead of for every value in it.

What it is
----------
`total += loss.item()` becomes `total += loss.detach().double()`, and `total` becomes a number again after the loop, and
before each statement in it that needs the number now and then.

Why it is slow
--------------
`.item()` waits until the device has done all that it was asked for; meanwhile nothing new is asked for.

How it shows
------------
The habit `sync-every-step`.

When it does not matter
-----------------------
On a processor, where nothing is waited for. Where the step waits for the value in any case.

Risk
----
Only changed where the source shows all that becomes of the sum: a variable of its function or module, which begins as a
number and is read after the loop, or in it under an `if`. Added up as float64, as Python does, the sum is the same to
the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unslow.core.jsonable import from_json, to_json
from unslow.core.script import Noted, Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, around_calls, facts_of, site_of, with_change

NAME = "defer-sync"
EVERY_SECOND = 0.5
"""Of the steps, in how many at least a value is asked for."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    asked = _asked(setting)
    if not asked:
        return "no call of the script's own asks for a value in every step"
    if space(setting):
        return ""
    longest = max(asked, key=lambda noted: noted.seconds_in_steps)
    return f"the value at {longest.site} cannot be asked for later: {_why_not(longest)}"


def space(setting: Setting) -> Sequence[Parameters]:
    """All such calls at once."""
    calls = [
        {
            "site": to_json(noted.site),
            "name": noted.details["deferral"]["name"],
            "numbers": _numbers(noted),
            "reads": noted.details["deferral"]["reads"],
        }
        for noted in _asked(setting)
        if not _why_not(noted)
    ]
    return ({"calls": calls},) if calls else ()


def _asked(setting: Setting) -> list[Noted]:
    known = facts_of(setting)
    return [noted for noted in known.of_kind("sync") if noted.times_in_steps >= EVERY_SECOND * known.noted_steps]


def _numbers(noted: Noted) -> str:
    """Whether Python's sum is one of floats or of ints."""
    is_float = noted.details["numbers"] == "float" or noted.details["deferral"]["begins"] == "float"
    return "float" if is_float else "int"


def _why_not(noted: Noted) -> str:
    if not noted.details["deferral"]["why_not"] and noted.details["device"] == "mps":
        return "its device has no float64"
    if noted.details["numbers"] == "complex":
        return "it is a complex number"
    if _numbers(noted) == "int" and noted.details["deferral"]["multiplied"]:
        return "whether the sum is one of whole numbers is not in the source"
    return noted.details["deferral"]["why_not"]


def install(parameters: Parameters) -> None:
    """At those calls: what they give stands for the number until it is used otherwise than in the sum."""
    from unslow.scripts.later import Later

    numbers = {site_of(call): call["numbers"] for call in parameters["calls"]}

    def later(inner: Callable[..., Any], site: Site, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        (tensor,) = args
        return Later(tensor.detach().double() if numbers[site] == "float" else tensor.long())

    around_calls("torch._tensor", "Tensor.item", numbers, later)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """The sum on the device, and the number where it is needed."""
    edits: list[Edit] = []
    for call in parameters["calls"]:
        name, site = call["name"], site_of(call)
        number = (f'{name} = {name}.item() if hasattr({name}, "item") else {name}',)
        is_float = call["numbers"] == "float"
        edits.append(
            Edit(site, method="detach", result="{}.double()", after_loop=number)
            if is_float
            else Edit(site, method="long", after_loop=number)
        )
        edits += [Edit(from_json(Site, read), before=number) for read in call["reads"]]
    return tuple(edits)


FIX = Fix(
    name=NAME,
    does="adds values up on the device, and asks for the sum after the loop",
    tag="exact",
    slot="sync",
    treats=("sync-every-step",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.5,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
