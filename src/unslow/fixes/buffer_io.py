"""Writes checkpoints and lines of a log at most every so often, instead of in every step.

What it is
----------
`torch.save(…)` becomes `rarely(torch.save)(…)`, and so does a `print` or a log: a call that follows on another of the
same line within 30 s (a print: 1 s) is left out. What was left out last is written when the program ends.

Why it is slow
--------------
A checkpoint in every step writes the whole model each time, and the step waits for the disk.

How it shows
------------
The habit `io-in-the-loop`.

When it does not matter
-----------------------
Where a checkpoint is written once in many minutes.

Risk
----
It changes which files and lines there are: after a crash up to 30 s of training are lost, and not every step has a
line. So it is tried only where it is asked for (`--allow buffer-io`). What is written at the end is what the objects
hold then, under the name that was left out last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from unslow.core.jsonable import to_json
from unslow.core.script import Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, Around, around_calls, facts_of, helper, site_of, with_change

NAME = "buffer-io"
EVERY_S = {"checkpoint": 30.0, "print": 1.0, "log": 1.0}
LEAST_SHARE = 0.002
"""Of a step, what a call must take to be changed."""
_CALLS = {
    "checkpoint": (("torch.serialization", "save"), ("numpy", "save"), ("numpy", "savez")),
    "print": (("builtins", "print"),),
    "log": (),
}


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    return "" if space(setting) else "nothing is written inside the steps by a call of the script's own"


def space(setting: Setting) -> Sequence[Parameters]:
    """All such calls at once."""
    step_s = max(setting.facts.seconds_per_request, 1e-9)
    calls = [
        {"site": to_json(written.site), "every_s": EVERY_S[written.kind], "kind": written.kind}
        for written in facts_of(setting).written
        if written.direct and _CALLS[written.kind] and written.seconds_per_step >= LEAST_SHARE * step_s
    ]
    return ({"calls": calls},) if calls else ()


def install(parameters: Parameters) -> None:
    """At those calls, and nowhere else."""
    for call in parameters["calls"]:
        for library, name in _CALLS[call["kind"]]:
            around_calls(library, name, [site_of(call)], _seldom(float(call["every_s"])))


def _seldom(every_s: float) -> Around:
    from unslow.helpers import rarely

    helper_module = cast(Any, rarely)

    def seldom(inner: Callable[..., Any], site: Site, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return helper_module.rarely(inner, every_s, place=str(site))(*args, **kwargs)

    return seldom


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`rarely(…)` around what is called, and its module beside the script."""
    return tuple(
        Edit(
            site_of(call),
            callee=f"rarely({{}}, every_s={call['every_s']:g})",
            imports=("from rarely import rarely",),
            module=helper("rarely.py"),
        )
        for call in parameters["calls"]
    )


def asks(setting: Setting) -> str:
    return "it changes which files and lines are written"


FIX = Fix(
    name=NAME,
    does="writes checkpoints and lines of a log at most every so often, instead of in every step",
    tag="exact",
    slot="io",
    treats=("io-in-the-loop",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.9,
    build_seconds=0.5,
    install=install,
    edit=edit,
    asks=asks,
)
