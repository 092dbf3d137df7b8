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
The habits `loader-in-main-process` and `too-few-loader-workers`. N workers give a batch every (time of a batch ÷ N):
Little's law. The number is predicted so that this is as short as the step can become, which is the rest of the step, or
the processor time of everything over all cores, whichever is longer. It is bounded by the cores (where items are
computed; where a disk or a network is waited for, a core carries many workers), by memory (each worker is counted as a
whole process), and by the batches of an epoch. Half and twice as many are measured beside it.

`prefetch_factor` stays as it is (2 batches for each worker), unless so many batches would take too much memory, or some
items take much longer than others: then more of them ahead are measured too. Workers are forked, unless a forked
process was tried and could not make an item (threads, device contexts): then they start afresh (`forkserver`).

When it does not matter
-----------------------
Where batches are made faster than they are used; where all cores compute already.

Risk
----
Each worker is a copy of the process and takes memory. Random augmentation draws other numbers than before (of the same
kind), since each worker has a seed of its own. A data set that keeps state between items keeps it per worker. Workers
that start afresh import the script again, which must therefore begin below `if __name__ == "__main__"`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

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
from unslow.fixes._worker_counts import busy, limit, predicted

NAME = "loader-workers"
PREFETCHED = 2
"""Batches that PyTorch lets each worker make ahead."""
PREFETCHED_SHARE = 0.1
"""Of the machine's memory, what batches that were made ahead may take."""
UNEVEN, FURTHER_AHEAD = 3.0, 4
"""How many times as long as usual the slowest item takes, from which on more batches ahead are tried; how many."""
AFRESH = "forkserver"


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters, warm_steps(parameters))


def warm_steps(parameters: Parameters) -> int:
    """Every worker has given a batch."""
    return 2 * int(parameters["workers"])


def beside(setting: Setting, parameters: Parameters) -> Sequence[str]:
    """Fewer threads, where the workers keep every core busy: else they take the cores from each other."""
    loader = waited_for(setting, functools.partial(_fits, setting))
    part = busy(loader, setting) if loader is not None else 0.0
    return ("threads",) if part * int(parameters["workers"]) > setting.machine.cores - 1 else ()


def refuses(setting: Setting) -> str:
    loader = waited_for(setting, functools.partial(_fits, setting))
    if loader is not None:
        return why_not_set(setting, loader)
    streaming = waited_for(setting, _would_repeat)
    if streaming is not None:
        return (
            f"the loader at {streaming.site} has an iterable data set: each worker would give all of its items again, "
            "unless it divides them by get_worker_info(); where it does, give num_workers by hand"
        )
    alone = waited_for(setting, lambda loader: loader.start_method == "none")
    if alone is not None:
        return f"no other process can make the items of the loader at {alone.site}: {alone.why_not_forked}"
    return "no DataLoader of the script is waited for"


def space(setting: Setting) -> Sequence[Parameters]:
    """Around the number that is predicted, that first."""
    loader = waited_for(setting, functools.partial(_fits, setting))
    call = loader and loader_call(setting, loader)
    if loader is None or call is None:
        return ()
    most = predicted(loader, setting)
    counts = dict.fromkeys([most, max(1, most // 2), most * 2])
    # Workers that live on would not see what a data set is told between epochs: they are started anew, then.
    call = {**call, "persistent": all_at(setting, loader, lambda one: not one.changes)}
    tried = [_parameters(loader, call, n, _ahead(loader, setting, n)) for n in counts if n <= limit(loader, setting)]
    if loader.slowest_item_s > UNEVEN * loader.item_s > 0:
        tried.append(_parameters(loader, call, most, _ahead(loader, setting, most, FURTHER_AHEAD)))
    usual = loader.prefetch_factor or PREFETCHED
    return tuple(one for one in tried if (one["workers"], one.get("prefetch", usual)) != (loader.workers, usual))


def _ahead(loader: LoaderFacts, setting: Setting, workers: int, wanted: int = 0) -> int:
    """Batches that each worker makes ahead; 0: as many as now, or as is usual."""
    many = wanted or loader.prefetch_factor or PREFETCHED
    batch_bytes = max(loader.item_bytes * loader.batch_size, 1)
    room = int(PREFETCHED_SHARE * setting.machine.memory_bytes / (batch_bytes * workers))
    return max(1, room) if room < many else wanted


def _parameters(loader: LoaderFacts, call: Parameters, workers: int, prefetch: int) -> Parameters:
    """Of arguments that stand for the loader, only what they have a name for."""
    chosen: dict[str, Any] = {**call, "workers": workers}
    if prefetch:
        chosen["prefetch"] = prefetch
    if loader.start_method == AFRESH and "arguments" not in call:
        chosen["start"] = AFRESH
    return chosen


def install(parameters: Parameters) -> None:
    """At the call that makes the loader, when the script makes it."""
    set_when_made(parameters, _set(parameters))


def edit(parameters: Parameters) -> Sequence[Edit]:
    """The same keywords, in the source."""
    return (set_in_source(parameters, _set(parameters)),)


def _set(parameters: Parameters) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "num_workers": int(parameters["workers"]),
        "persistent_workers": bool(parameters["persistent"]),
    }
    if parameters.get("prefetch"):
        chosen["prefetch_factor"] = int(parameters["prefetch"])
    if parameters.get("start"):
        chosen["multiprocessing_context"] = str(parameters["start"])
    return chosen


def _fits(setting: Setting, loader: LoaderFacts) -> bool:
    return loader.wait_s > 0 and loader.batches > 0 and all_at(setting, loader, _can_have_workers)


def _can_have_workers(loader: LoaderFacts) -> bool:
    return loader.start_method != "none" and not _would_repeat(loader)


def _would_repeat(loader: LoaderFacts) -> bool:
    """Workers of its own make it likely that its data set divides its items among them."""
    return loader.iterable and loader.workers == 0


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
    warm_steps=warm_steps,
    beside=beside,
    install=install,
    edit=edit,
)
