"""The child's side of a benchmark process: names what it can measure, then measures what it is asked, a line each."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

# One thread a kernel: on a shared machine a team of threads waits at barriers for whoever lost its core, which says
# nothing about the kernel; and what starting a team costs, no change of type removes: one thread is the optimistic end.
THREADS = 1
CORES_VARIABLE = "UNSLOW_BENCH_CORES"

# A case gives ratios (changed ÷ original, in turns) or, where the other side lives in another process, seconds.
Case = Callable[[], list[float]]


def cores() -> int:
    """The cores that can really be used, as the parent knows them."""
    return int(os.environ.get(CORES_VARIABLE, "1"))


def serve(prepare: Callable[[], Mapping[str, Case]]) -> None:
    """Answers `{"ready": [names]}`, then for each line with a name `{"values": [...]}` or `{"error": "..."}`.

    Ends when the parent closes the pipe, so no process stays behind. Whatever the libraries print goes to stderr.
    """
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        cases = prepare()
        _say(answers, {"ready": list(cases)})
        for line in sys.stdin:
            _say(answers, _measured(cases[line.strip()]))


def _measured(case: Case) -> dict[str, Any]:
    try:
        return {"values": case()}
    except Exception as error:
        # A kernel that this processor lacks is an answer, not an accident: the floor stays unknown.
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0]}


def _say(answers: Any, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()
