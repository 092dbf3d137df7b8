"""Switches autograd's search for NaN off.

What it is
----------
`torch.autograd.set_detect_anomaly(False)` where the script has `True`.

Why it is slow
--------------
With it every operation's stack is kept, and every gradient is looked through for NaN.

How it shows
------------
The habit `debug-mode-left-on`.

When it does not matter
-----------------------
While a NaN is being looked for.

Risk
----
A NaN in a gradient is no longer an error at the place where it arises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, facts_of, site_of, when_made, with_change

NAME = "debug-mode-off"
_LIBRARY = "torch.autograd.anomaly_mode"


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    return "" if space(setting) else "no call of the script's own switches autograd's search for NaN on"


def space(setting: Setting) -> Sequence[Parameters]:
    """All such calls at once. A `with detect_anomaly():` is somebody looking for something, and is left."""
    calls = [
        {"site": to_json(noted.site), "positional": noted.details["positional"]}
        for noted in facts_of(setting).of_kind("anomaly")
        if noted.direct and noted.details["call"] == "set_detect_anomaly"
    ]
    return ({"calls": calls},) if calls else ()


def install(parameters: Parameters) -> None:
    """At these calls, when the script makes them."""

    def off(args: Sequence[Any], named: dict[str, Any]) -> Sequence[Any]:
        named["mode"] = False
        return ()

    for call in parameters["calls"]:
        when_made(_LIBRARY, "set_detect_anomaly", site_of(call), off)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`False` for `True`."""
    return tuple(
        Edit(site_of(call), wrap="False") if call["positional"] else Edit(site_of(call), {"mode": "False"})
        for call in parameters["calls"]
    )


FIX = Fix(
    name=NAME,
    does="switches autograd's search for NaN off",
    tag="exact",
    slot="debug",
    treats=("debug-mode-left-on",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.9,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
