"""Energy that the processor's packages took, where the machine tells: Linux's powercap counters (RAPL).

`/sys/class/powercap/intel-rapl:N` is a domain (AMD's processors are shown there too): `name` says which, `energy_uj`
counts microjoules up to `max_energy_range_uj` and starts again at 0 (kernel documentation, *Power Capping Framework*).
Only packages are read: what lies inside one (cores, memory controllers) would count twice, and `psys` is more than the
processor. Since 2020 the counters are for root alone unless an administrator opens them (CVE-2020-8694): where any of
them cannot be read, nothing is known.

The counters are of whole packages: of everything that runs on them, idle power included. They are read while a turn's
process is the only one of ours that is awake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

POWERCAP = Path("/sys/class/powercap")
MICROJOULES = 1e-6


@dataclass(frozen=True)
class Domain:
    """One package's counter, and the value at which it starts again."""

    counter: Path
    range_uj: int

    def read(self) -> int | None:
        """Microjoules so far; None where the counter cannot be read."""
        return _number(self.counter)


Reading = tuple[int | None, ...]


@final
@dataclass(frozen=True)
class Meter:
    """The counters of all packages; one without any measures nothing."""

    domains: Sequence[Domain] = ()

    def read(self) -> Reading:
        return tuple(domain.read() for domain in self.domains)

    def joules(self, before: Reading, after: Reading) -> float | None:
        """Between two readings that lie less than one round of the counters apart (minutes, at full load)."""
        if not self.domains or None in before or None in after:
            return None
        spent = 0
        for domain, start, end in zip(self.domains, before, after, strict=True):
            assert start is not None and end is not None
            spent += end - start if end >= start else end + domain.range_uj - start
        return spent * MICROJOULES


NO_METER = Meter()


def rapl(root: Path = POWERCAP) -> Meter:
    """The meter of this machine."""
    found = [_domain(folder) for folder in sorted(root.glob("intel-rapl:*")) if _is_package(folder)]
    domains = [domain for domain in found if domain is not None]
    # With one package of two unread the sum would be too small, and look like a number all the same.
    return Meter(tuple(domains)) if len(domains) == len(found) else Meter()


def _is_package(folder: Path) -> bool:
    try:
        return (folder / "name").read_text().strip().startswith("package")
    except OSError:
        return False


def _domain(folder: Path) -> Domain | None:
    range_uj = _number(folder / "max_energy_range_uj")
    domain = Domain(folder / "energy_uj", range_uj or 0)
    return domain if range_uj and domain.read() is not None else None


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
