"""How long `unslow --help` takes: the median of ten runs of the installed command, in seconds; the limit is 0.3."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 10


def main() -> None:
    command = [str(Path(sys.executable).with_name("unslow")), "--help"]
    subprocess.run(command, check=True, capture_output=True)  # writes the byte code, which later runs find
    times: list[float] = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    spread = f"least {min(times):.3f}, most {max(times):.3f}"
    print(f"unslow --help: median {statistics.median(times):.3f} s of {RUNS} ({spread})")


if __name__ == "__main__":
    main()
