"""The devices of a recording: which one counts, why it waits, what its copies and its kernels are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from unslow.core.device import Activity, Device
from unslow.core.finding import Evidence
from unslow.core.intervals import Intervals, gaps, total_ns, union
from unslow.core.profile import Profile, Span
from unslow.habits._shares import is_empty

WITHIN = "device-to-device"
LEAST_LATE, LEAST_SHORT = 0.15, 0.5
SHORT_KERNEL_NS = 10_000
"""A kernel shorter than this takes no longer than launching it does. Source: nsys-ai's rule for tiny kernels; a launch
takes some 5 µs on the host, and 2 to 4 µs pass between two kernels of a stream."""


@dataclass(frozen=True)
class Waiting:
    """Why the busiest device did nothing, in parts of the time of the steps.

    `loading`: the script waited for a batch. `asking`: the host waited for the device, copied for it, or wrote a file,
    and so had launched nothing new. `late`: the host had not launched what came next yet. `queue`: it had, and the
    device took its time to begin. They sum to `idle`.
    """

    idle: float
    loading: float
    asking: float
    late: float
    queue: float


def the_device(evidence: Evidence) -> Device | None:
    """The device that was busy longest; None where none was recorded."""
    devices = () if is_empty(evidence.profile) else evidence.profile.devices
    return max(devices, key=lambda device: total_ns(device.intervals()), default=None)


def waiting(evidence: Evidence, device: Device) -> Waiting:
    """Of the device's idle time what is waited for: the shares of the profile, and the launch of what comes next."""
    shares = evidence.profile.shares
    copying = evidence.profile.share_of({at for at, span in enumerate(evidence.profile.spans) if _is_in_a_copy(span)})
    loading, asking = shares["data"], shares["sync"] + shares["io"] + copying
    host = shares["framework"] + shares["idle"] + shares["other"] + shares["setup"]
    late_part = late_of_gaps(device, _explained(evidence.profile))
    return Waiting(loading + asking + host, loading, asking, host * late_part, host * (1 - late_part))


def _explained(profile: Profile) -> Intervals:
    """When the steps waited for data, for the device or for a file: nobody asks what else was late then."""
    waits = (span for span in profile.spans if span.category in ("data", "sync", "io") or _is_in_a_copy(span))
    return union([(span.start_ns, span.end_ns) for span in waits])


def _is_in_a_copy(span: Span) -> bool:
    """Whether the host is in a call that copies, and the device does nothing yet: it moves pageable memory itself."""
    return span.category == "transfer" and span.details.get("kind") != "copy"


def late_of_gaps(device: Device, explained: Intervals) -> float:
    """Of the time in which the device is idle and nothing has `explained` it, the part before the launch of what comes
    next; 1 where no launch was recorded."""
    idle = gaps(device.intervals(), device.start_ns, device.end_ns)
    launches = {activity.start_ns: activity.launched_ns for activity in reversed(device.activities)}
    asked = [launches.get(end, -1) for end in idle[:, 1].tolist()]
    until = np.where(np.array(asked) < 0, idle[:, 1], np.clip(asked, idle[:, 0], idle[:, 1]))
    late = np.stack((idle[:, 0], until), axis=1)
    whole_ns = _beyond_ns(idle, explained)
    return _beyond_ns(late[late[:, 1] > late[:, 0]], explained) / whole_ns if whole_ns else 1.0


def _beyond_ns(intervals: Intervals, others: Intervals) -> int:
    """How long they last outside the others."""
    return total_ns(union(np.concatenate((intervals, others)))) - total_ns(others)


def short_kernels(device: Device) -> float:
    """The part of the kernels that is short; 0 where there are none. A graph that was recorded as a whole is none."""
    kernels = [one for one in device.activities if one.kind == "kernel" and "graph" not in one.details]
    lengths = np.array([one.duration_ns for one in kernels])
    return float((lengths < SHORT_KERNEL_NS).mean()) if len(lengths) else 0.0


def is_launch_bound(why: Waiting, short: float) -> bool:
    """Whether the host is late, with a `short` part of the kernels that take no longer than launching them."""
    return why.late >= LEAST_LATE and short >= LEAST_SHORT


def is_with_host(details: Mapping[str, Any]) -> bool:
    """Whether a copy comes from the host's memory or goes there; where no direction was recorded, it may."""
    direction = str(details.get("direction", ""))
    return not direction or "host" in direction


def copies(device: Device, direction: str = "", memory: str = "") -> list[Activity]:
    """The copies in the device's window, of this direction and from or to this kind of the host's memory, where
    given."""
    return [
        one
        for one in device.activities
        if one.kind == "copy"
        and device.start_ns <= one.start_ns < device.end_ns
        and (not direction or one.details.get("direction") == direction)
        and (not memory or one.details.get("memory") == memory)
    ]


def exposed_copies(evidence: Evidence, chosen: Callable[[Mapping[str, Any]], bool]) -> float:
    """The part of the steps in which the device made copies whose details are `chosen`, and computed nothing."""
    profile = evidence.profile
    if is_empty(profile):
        return 0.0
    return profile.share_of(
        {
            place
            for place, span in enumerate(profile.spans)
            if span.details.get("kind") == "copy" and chosen(span.details)
        }
    )
