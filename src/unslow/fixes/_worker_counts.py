"""How many loader workers a step can use: by the time of a batch, the cores, the memory and the length of an epoch."""

from __future__ import annotations

import math

from unslow.core.script import LoaderFacts
from unslow.core.variant import Setting

MOST_WORKERS = 64
"""However much items are waited for: each worker is a process."""
MEMORY_SHARE = 0.6
"""Of the machine's memory, what the script with all its workers may take."""


def predicted(loader: LoaderFacts, setting: Setting) -> int:
    """Workers whose batches come as fast as the step can go at all."""
    rest_s = max(setting.facts.seconds_per_request - loader.wait_s, 1e-3)
    step_s = max(rest_s, _cpu_s(loader, setting) / setting.machine.cores)
    return max(1, min(limit(loader, setting), math.ceil(_batch_s(loader) / step_s)))


def limit(loader: LoaderFacts, setting: Setting) -> int:
    """As many as keep all cores busy, as fit into memory, and as get a batch of an epoch each."""
    by_cores = math.ceil(setting.machine.cores / busy(loader, setting))
    taken = max(setting.facts.peak_memory_bytes, 1)
    by_memory = int(MEMORY_SHARE * setting.machine.memory_bytes / taken) - 1
    return max(1, min(MOST_WORKERS, by_cores, by_memory, loader.batches_per_epoch or MOST_WORKERS))


def _batch_s(loader: LoaderFacts) -> float:
    """What one process takes for a batch: by what it was waited for where nothing hides it, for items that are tried
    again may have become quicker (their files are in memory then)."""
    tried_s = loader.item_s * loader.batch_size + loader.collate_s
    return max(tried_s, loader.wait_s) if not loader.workers else tried_s or loader.wait_s


def busy(loader: LoaderFacts, setting: Setting) -> float:
    """The part of a worker's time in which it computes, above 0: of its items' where they were tried, else the
    step's."""
    if loader.item_cpu_s > 0:
        used, of = loader.item_cpu_s * loader.batch_size + loader.collate_s, _batch_s(loader)
    else:
        used, of = setting.facts.cpu_seconds_per_request, setting.facts.seconds_per_request
    return min(1.0, max(used / max(of, 1e-9), 1e-3))


def _cpu_s(loader: LoaderFacts, setting: Setting) -> float:
    """The processor time of a step with its batch: of both, whichever process makes the batch."""
    own_s = setting.facts.cpu_seconds_per_request
    return own_s + (busy(loader, setting) * _batch_s(loader) if loader.workers else 0.0)
