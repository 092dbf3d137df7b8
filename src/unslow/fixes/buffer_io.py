"""Writes checkpoints and lines on the screen at most every so often, instead of in every step.

What it is
----------
`torch.save(…)` becomes `rarely(torch.save, every_s=30)(…)`, and so do NumPy's functions that save, and a `print` (1 s):
a call that follows on another of the same line within that time is left out. What was left out last is written when the
program ends. Calls of a logger, and what is written into a file that the script has opened by itself (it may be closed
by then), are left as they are.

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
line. So it is tried only where it is named (`--allow buffer-io`). What is written at the end is what the objects
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
EVERY_S = {"checkpoint": 30.0, "print": 1.0}
LEAST_SHARE = 0.002
"""Of a step, what a call must take to be changed."""
CALLS = {
    "torch.serialization.save",
    *(f"numpy.{name}" for name in ("save", "savez", "savez_compressed", "savetxt")),
    "builtins.print",
}


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    if space(setting):
        return ""
    if any(written.into_open_file for written in facts_of(setting).written):
        return "what is written in the steps goes into a file that the script has opened by itself"
    if any(written.kind == "log" for written in facts_of(setting).written):
        return (
            "what is written in the steps is a log, which is left as it is: set a higher level, or flush it less often"
        )
    return "nothing is saved or printed inside the steps by a call of the script's own"


def space(setting: Setting) -> Sequence[Parameters]:
    """All such calls at once."""
    step_s = max(setting.facts.seconds_per_request, 1e-9)
    calls = [
        {"site": to_json(written.site), "every_s": EVERY_S[written.kind], "call": written.call}
        for written in facts_of(setting).written
        if written.direct and written.call in CALLS and not written.into_open_file
        if written.seconds_per_step >= LEAST_SHARE * step_s
    ]
    return ({"calls": calls},) if calls else ()


def install(parameters: Parameters) -> None:
    """At those calls, and nowhere else."""
    for call in parameters["calls"]:
        library, _, name = str(call["call"]).rpartition(".")
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
    does="writes checkpoints and lines on the screen at most every so often, instead of in every step",
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
