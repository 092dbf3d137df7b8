"""Runs the user's command after a script has ended, in the folder that it has written into: its last number counts."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from unslow.core.errors import BadInput

NUMBER = re.compile(
    r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|(?<![\w.])[-+]?(?:nan|inf(?:inity)?)(?!\w)", re.IGNORECASE
)


def metric_of(command: str, folder: Path) -> float:
    """The last number that `command` prints; higher is better.

    Raises
    ------
    BadInput
        It cannot be run, fails, or prints no number.
    """
    words = shlex.split(command)
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise BadInput(f"--evaluate {command!r} cannot be run: {error.strerror}.", "Name a program.") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise BadInput(
            f"--evaluate {command!r} ended with exit code {done.returncode}: {said}",
            "It is run in a copy of the script's working folder, after the script has ended.",
        )
    numbers = NUMBER.findall(done.stdout)
    if not numbers:
        raise BadInput(
            f"--evaluate {command!r} printed no number.", "Its last number is the metric, and higher is better."
        )
    return float(numbers[-1])
