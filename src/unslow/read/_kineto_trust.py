"""What a Kineto recording says of itself: kernels that were launched and have no record, and what recording cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unslow.core.intervals import clipped, total_ns, union
from unslow.core.profile import Profile
from unslow.read._exposed import busiest_of
from unslow.read._kineto_table import KERNEL, OVERHEAD, RUNTIME, Table
from unslow.read._lost import CAPTURE, LAUNCH, lost_part

RECORDING = ("Buffer Flush", "Activity Buffer Request", "Instrumentation", "Resource")
"""Of CUPTI's kinds of overhead those that recording causes; kernels are loaded, and a queue is full, without it too."""


def trusted(profile: Profile, table: Table) -> Profile:
    """The profile with the part of its kernels that is `lost`, and the `distortion` by what recording took."""
    taken: list[tuple[int, int]] = []
    for name, start, end in table.each(table.rows(OVERHEAD), table.name, table.start, table.end):
        if table.names[name] in RECORDING:
            taken.append((start, end))
    return replace(profile, lost=_lost(table), distortion=_distortion(profile, taken))


def _lost(table: Table) -> float:
    """The part of what was launched, and captured by no graph, that has no record."""
    calls = table.rows(RUNTIME)
    calls = calls[table.correlation[calls] >= 0]
    launching = np.array([LAUNCH in name for name in table.names], dtype=np.bool_)
    if not len(calls) or any(CAPTURE in table.names[name] for name in np.unique(table.name[calls])):
        return 0.0
    launches = calls[launching[table.name[calls]]]
    launched = dict(zip(table.correlation[launches].tolist(), table.start[launches].tolist(), strict=True))
    recorded = set(table.correlation[table.rows(KERNEL)].tolist())
    return lost_part(launched, recorded, is_cut=table.left_out > 0)


def _distortion(profile: Profile, taken: list[tuple[int, int]]) -> float | None:
    """By how much recording lengthened the steps, as far as it has recorded itself and the device waited for it; None
    where it has not."""
    if not taken:
        return profile.distortion
    busy = busiest_of(profile.devices).intervals()
    either, within = union([*taken, *((int(start), int(end)) for start, end in busy)]), 0
    for step in profile.steps:
        both, alone = (total_ns(clipped(one, step.start_ns, step.end_ns)) for one in (either, busy))
        within += both - alone
    return within / (profile.wall_ns - within) if profile.wall_ns > within else 1.0
