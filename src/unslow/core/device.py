"""What accelerators did while a workload ran: a device's own timeline, beside the spans of the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

ActivityKind = Literal["kernel", "copy", "fill", "communication"]

if TYPE_CHECKING:  # NumPy takes a tenth of a second: only who asks for intervals waits for it.
    from unslow.core.intervals import Intervals


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that a device did, [start_ns, end_ns) on the recording's clock.

    `launched_ns` is when the host asked for it (-1: not recorded). `details` hold what is known: `bytes`; of a copy
    `direction` ("host-to-device", "device-to-host", "device-to-device") and `memory`, the host's ("pageable",
    "pinned", ""); of a kernel `op`, the operator that launched it, with its `shapes` and `dtypes`.
    """

    name: str
    kind: ActivityKind
    start_ns: int
    end_ns: int
    stream: str = ""
    launched_ns: int = -1
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


@dataclass(frozen=True)
class Device:
    """An accelerator ("GPU 0") and what it did between `start_ns` and `end_ns`, by start.

    The window is the steps', where they are marked, else from the first activity to the last. `model` is its name
    ("Tesla V100-DGXS-32GB"), `capability` that of CUDA ((7, 0); None: unknown), `memory_bytes` its memory (0: unknown),
    `peak_bytes` the most of it that the process had allocated (0: unknown), `steps` how many of its steps are in the
    window (0: none are marked).
    """

    name: str
    activities: tuple[Activity, ...]
    start_ns: int
    end_ns: int
    model: str = ""
    capability: tuple[int, int] | None = None
    memory_bytes: int = 0
    steps: int = 0
    peak_bytes: int = 0

    @property
    def window_ns(self) -> int:
        return self.end_ns - self.start_ns

    def intervals(self, chosen: Callable[[Activity], bool] = lambda activity: True) -> Intervals:
        """When any of the `chosen` activities ran, within the window."""
        from unslow.core.intervals import clipped, union

        pairs = [(one.start_ns, one.end_ns) for one in self.activities if chosen(one)]
        return clipped(union(pairs), self.start_ns, self.end_ns)

    def share(self, chosen: Callable[[Activity], bool] = lambda activity: True) -> float:
        """The part of the window in which any of the `chosen` activities ran; of all of them: how busy it was."""
        from unslow.core.intervals import total_ns

        return total_ns(self.intervals(chosen)) / self.window_ns if self.window_ns > 0 else 0.0
