"""Keeps a `DataLoader`'s worker processes from one epoch to the next.

What it is
----------
`DataLoader(…, persistent_workers=True)`: workers that are there already wait for the next epoch instead of ending.

Why it is slow
--------------
Without it every epoch starts new processes, which copy the data set and fill their queues anew, while the step waits
for its first batch.

How it shows
------------
The habit `loader-workers-restart`.

When it does not matter
-----------------------
With one epoch, or epochs of many minutes.

Risk
----
Workers keep their memory, and the data set's state as it was in the first epoch: one that the script changes between
epochs does not change in them.
"""

from __future__ import annotations

from collections.abc import Sequence

from unslow.core.script import LoaderFacts
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import (
    SCRIPT,
    all_at,
    loader_call,
    set_in_source,
    set_when_made,
    waited_for,
    why_not_set,
    with_change,
)

NAME = "persistent-workers"
SET = {"persistent_workers": True}


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    loader = waited_for(setting, _fits)
    if loader is not None and not all_at(setting, loader, lambda one: not one.changes):
        return (
            f"the data set of the loader at {loader.site} changes from epoch to epoch ({loader.changes or 'another'}): "
            "workers that live on would not see it"
        )
    return why_not_set(setting, loader) if loader else "no DataLoader of the script starts its workers anew"


def space(setting: Setting) -> Sequence[Parameters]:
    loader = waited_for(setting, _fits)
    call = None if loader is None or refuses(setting) else loader_call(setting, loader)
    return (call,) if call else ()


def install(parameters: Parameters) -> None:
    """At the call that makes the loader, when the script makes it."""
    set_when_made(parameters, SET)


def edit(parameters: Parameters) -> Sequence[Edit]:
    return (set_in_source(parameters, SET),)


def _fits(loader: LoaderFacts) -> bool:
    return loader.workers > 0 and not loader.persistent


FIX = Fix(
    name=NAME,
    does="keeps a DataLoader's worker processes from one epoch to the next",
    tag="exact",
    slot="persistent_workers",
    treats=("loader-workers-restart",),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.9,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
