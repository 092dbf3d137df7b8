"""What measuring one variant gave, raw: what the journal keeps, and from which trials are derived."""

from __future__ import annotations

from dataclasses import dataclass

from unslow.core.variant import Variant
from unslow.core.workload import Workload


@dataclass(frozen=True)
class Heat:
    """One variant's part of the race. `workload` is None where it could not be built.

    `log_ratios` are ln(original ÷ variant) of its pairs of turns, in order. `build_s` is what making its files took at
    first, `setup_s` what opening it took, warm-up included. `failure` is the reason in one line; "" if it ran.
    `nothing_changed`: the fix left the workload as it was, or came to what another variant is (`same_as`).
    `still_warming`: its turns were still getting faster when its warm-up ended.
    """

    variant: Variant
    workload: Workload | None = None
    log_ratios: tuple[float, ...] = ()
    build_s: float = 0.0
    setup_s: float = 0.0
    peak_memory_bytes: int = 0
    seconds_per_request: float = 0.0
    failure: str = ""
    nothing_changed: bool = False
    lost: str = ""
    same_as: str = ""
    still_warming: bool = False

    @property
    def id(self) -> str:
        return self.variant.id

    @property
    def ran(self) -> bool:
        return bool(self.log_ratios)


@dataclass(frozen=True)
class Final:
    """One variant's bundle in fresh processes against fresh originals.

    `log_ratios` has one tuple of pairs of turns per process pair. `call_ms` are the variant's calls in the turns,
    `original_call_ms` the original's; `load_ms` and `original_load_ms` the latencies under the load that was asked for,
    one list per process pair (empty where none was). `cpu_seconds`, `seconds` and `requests` are the variant's sums.
    `joules` is what the processor's packages took for the variant's `requests`; None where the machine does not tell.
    `still_warming`: in one of the processes turns were still getting faster when its warm-up ended.
    """

    id: str
    log_ratios: tuple[tuple[float, ...], ...]
    call_ms: tuple[float, ...]
    original_call_ms: tuple[float, ...]
    seconds: float
    cpu_seconds: float
    requests: int
    original_seconds: float
    original_cpu_seconds: float
    original_requests: int
    setup_s: float
    original_setup_s: float
    peak_memory_bytes: int
    original_peak_memory_bytes: int = 0
    bundle: str = ""
    bundle_bytes: int = 0
    load_ms: tuple[tuple[float, ...], ...] = ()
    original_load_ms: tuple[tuple[float, ...], ...] = ()
    still_warming: bool = False
    original_still_warming: bool = False
    joules: float | None = None
    original_joules: float | None = None


@dataclass(frozen=True)
class Alone:
    """The original by itself in a fresh process, where there were no finals: sums over its turns, and its calls.

    `load_ms` as in `Final`: one list, from the one process.
    """

    call_ms: tuple[float, ...]
    seconds: float
    cpu_seconds: float
    requests: int
    setup_s: float
    peak_memory_bytes: int
    load_ms: tuple[tuple[float, ...], ...] = ()
    joules: float | None = None
