"""Gives a `DataLoader` worker processes, which make batches while the model computes.

What it is
----------
`DataLoader(…, num_workers=N)`: so many processes make batches ahead of time and hand them over through shared memory.
With `persistent_workers=True` they live on from one epoch to the next.

Why it is slow
--------------
With `num_workers=0`, the default, the training process makes each batch itself, and computes nothing meanwhile.

How it shows
------------
The habits `loader-in-main-process` and `too-few-loader-workers`. The number of workers is predicted from what an item,
joining a batch and the rest of the step take, and from the cores; one less and some more are measured beside it.

When it does not matter
-----------------------
Where batches are made faster than they are used; where all cores compute already.

Risk
----
Each worker is a copy of the process and takes memory. Random augmentation draws other numbers than before (of the same
kind), since each worker has a seed of its own. A data set that keeps state between items keeps it per worker.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from unslow.core.script import LoaderFacts
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import (
    SCRIPT,
    loader_call,
    set_in_source,
    set_when_made,
    waited_for,
    why_not_set,
    with_change,
)

NAME = "loader-workers"
WAITING_WORKERS = 16
"""The most workers where items are waited for (a network, a disk) more than they are computed."""
COMPUTED = 0.5
"""Of an item's time, the part in which the processor works, from which on cores limit the workers."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """One more change of the script; its steps are steady when every worker has given a batch."""
    return with_change(workload, NAME, parameters, 2 * int(parameters["workers"]))


def refuses(setting: Setting) -> str:
    loader = waited_for(setting, _fits)
    return why_not_set(setting, loader) if loader else "no DataLoader of the script is waited for"


def space(setting: Setting) -> Sequence[Parameters]:
    """Around the number that is predicted, that first."""
    loader = waited_for(setting, _fits)
    call = loader and loader_call(setting, loader)
    if loader is None or call is None:
        return ()
    most = predicted(loader, setting)
    counts = dict.fromkeys([most, max(1, most // 2), most * 2])
    now = loader.workers
    return tuple(
        {**call, "workers": n, "persistent": True} for n in counts if n != now and n <= _limit(setting, loader)
    )


def predicted(loader: LoaderFacts, setting: Setting) -> int:
    """Workers whose batches come as fast as the rest of the step goes, as far as the cores let them."""
    batch_s = loader.item_s * loader.batch_size + loader.collate_s or loader.wait_s
    rest_s = max(setting.facts.seconds_per_request - loader.wait_s, 1e-3)
    return max(1, min(_limit(setting, loader), math.ceil(batch_s / rest_s)))


def _limit(setting: Setting, loader: LoaderFacts) -> int:
    """As many as there are cores; many more where items are waited for and not computed."""
    step_s = max(setting.facts.seconds_per_request, 1e-9)
    is_computed = setting.facts.cpu_seconds_per_request >= COMPUTED * step_s
    return setting.machine.cores if is_computed else max(WAITING_WORKERS, setting.machine.cores)


def install(parameters: Parameters) -> None:
    """At the call that makes the loader, when the script makes it."""
    set_when_made(parameters, _set(parameters))


def edit(parameters: Parameters) -> Sequence[Edit]:
    """The same keywords, in the source."""
    return (set_in_source(parameters, _set(parameters)),)


def _set(parameters: Parameters) -> dict[str, Any]:
    return {"num_workers": int(parameters["workers"]), "persistent_workers": bool(parameters["persistent"])}


def _fits(loader: LoaderFacts) -> bool:
    return loader.wait_s > 0 and loader.batches > 0


FIX = Fix(
    name=NAME,
    does="gives a DataLoader worker processes, which make batches while the model computes",
    tag="numeric",
    slot="loader_workers",
    treats=("loader-in-main-process", "too-few-loader-workers"),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.8,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
