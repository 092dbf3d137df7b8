"""This machine, as far as speed is concerned; what a habit's floor and a fix's choice depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Machine:
    """`cores` can really be used: the least of affinity, cgroup quota and what is there. Memory in bytes.

    `flags` are the processor's own names of its instruction sets ("avx2", "avx512_vnni", "amx_bf16").
    `floors` maps the name of a micro-benchmark to what is left of the time: "float32/float64:matmul" 0.5 means that
    float32 takes half of float64's time here. A name that is missing was not measured. `libraries` maps names to
    versions. `environment` holds the variables that steer threads, where set.
    """

    processor: str
    cores: int
    logical_cores: int
    physical_cores: int
    cpu_quota: float | None
    memory_bytes: int
    flags: tuple[str, ...]
    accelerators: tuple[str, ...]
    system: str
    python: str
    libraries: Mapping[str, str] = field(default_factory=dict[str, str])
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    floors: Mapping[str, float] = field(default_factory=dict[str, float])

    def has(self, *flags: str) -> bool:
        """Whether the processor has all of these instruction sets."""
        return all(flag in self.flags for flag in flags)
