"""Keeps the items of a data set, so that each is decoded once and not in every epoch.

What it is
----------
The data set is put into `CachedItems`, a small module written beside the script: items lie in a memory-mapped file
that forked loader workers share (each one that is started afresh has its own), bounded in size, gone when the program
ends.

Why it is slow
--------------
A photo that is decoded in every epoch takes the same milliseconds each time, for the same pixels.

How it shows
------------
The habit `decoding-repeated`.

When it does not matter
-----------------------
With a single epoch: the first one fills the cache and is as slow as before. Where an item is made as fast as it is
copied.

Risk
----
Only right where an item is always the same. Items were asked for several times and compared to the bit, and must draw
no random numbers: a data set that augments at random is left alone, and so is one that is told the epoch
(`set_epoch`) or whose attributes change from one to the next. One that changes rarely, or by the clock, would not be
noticed.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import LoaderFacts
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, all_at, facts_of, helper, site_of, waited_for, when_made, with_change

NAME = "cache-decoded"
MEMORY_SHARE = 0.25
"""Of the machine's memory, what a cache may take: it lies in files, but is only fast while it stays in memory."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters, warm_steps(parameters))


def warm_steps(parameters: Parameters) -> int:
    """Everything is kept after an epoch."""
    return int(parameters["epoch"]) + 2


def refuses(setting: Setting) -> str:
    if waited_for(setting, functools.partial(_all_fit, setting)) is not None:
        return ""
    slowest = waited_for(setting, lambda loader: True)
    if slowest is None:
        return "the script has no DataLoader"
    if slowest.made > 1:
        return f"the data set at {slowest.site} is made anew with every loader: make both once, before the loop"
    if _fits(slowest):
        return f"the call at {slowest.site} loads another data set too, which cannot be kept: give each its own call"
    return (
        f"the data set at {slowest.site} cannot be kept: {slowest.why_not_cached or 'its calls are not in the source'}"
    )


def space(setting: Setting) -> Sequence[Parameters]:
    loader = waited_for(setting, functools.partial(_all_fit, setting))
    if loader is None:
        return ()
    most = int(MEMORY_SHARE * setting.machine.memory_bytes)
    epoch = loader.batches_per_epoch if facts_of(setting).step in ("optimizer", "loader") else 0
    return ({"site": to_json(loader.site), "most_bytes": most, "epoch": epoch},)


def install(parameters: Parameters) -> None:
    """At the call that makes the loader, when the script makes it."""

    def change(args: Sequence[Any], named: dict[str, Any]) -> Sequence[Any]:
        from unslow.helpers.cached_items import CachedItems

        most = int(parameters["most_bytes"])
        if "dataset" in named:
            named["dataset"] = CachedItems(named["dataset"], most).open()
            return args
        return (CachedItems(args[0], most).open(), *args[1:])

    when_made("torch.utils.data.dataloader", "DataLoader", site_of(parameters), change)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """The data set of the loader, wrapped; and the module that wraps it."""
    return (
        Edit(
            site_of(parameters),
            wrap=f"CachedItems({{}}, most_bytes={int(parameters['most_bytes']):_}).open()",
            wrapped="dataset",
            imports=("from cached_items import CachedItems",),
            module=helper("cached_items.py"),
        ),
    )


def _all_fit(setting: Setting, loader: LoaderFacts) -> bool:
    return all_at(setting, loader, _fits)


def _fits(loader: LoaderFacts) -> bool:
    return (
        loader.made == 1
        and loader.direct
        and loader.deterministic
        and loader.fixed_shapes
        and not loader.why_not_cached
    )


FIX = Fix(
    name=NAME,
    does="keeps the items of a data set, so that each is decoded once and not in every epoch",
    tag="exact",
    slot="cache",
    treats=("decoding-repeated",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.9,
    build_seconds=1.0,
    warm_steps=warm_steps,
    install=install,
    edit=edit,
)
