"""`unslow --help` answers at once, and importing `unslow` imports no framework.

python -m bench.bars.startup
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench._common import Bar, ended, told

RUNS = 10
MOST_S = 0.3
HEAVY = ("numpy", "torch", "onnx", "onnxruntime", "openvino", "nncf", "transformers", "altair", "tensorflow", "ray")


def main() -> None:
    ended(help_bar(), import_bar())


def help_bar() -> Bar:
    """The median of ten runs of the installed command, after one that wrote the byte code."""
    command = [str(Path(sys.executable).with_name("unslow")), "--help"]
    seconds = [_seconds(command) for _ in range(RUNS + 1)][1:]
    median = statistics.median(seconds)
    return told(
        Bar(
            "help",
            "`unslow --help`, median of ten",
            f"≤ {MOST_S} s",
            median,
            median <= MOST_S,
            " s",
            min(seconds),
            max(seconds),
        )
    )


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def import_bar() -> Bar:
    """How many heavy libraries `import unslow` brings along."""
    code = f"import sys, unslow; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    return told(
        Bar("import", "heavy libraries that `import unslow` imports", "0", len(said), not said, details={"found": said})
    )


if __name__ == "__main__":
    main()
