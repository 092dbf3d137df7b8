"""`python -m unslow.worker FD PARENT`: the loop of a spawned process."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve jobs until the other end closes."""
    line = WorkerLine(Connection(int(sys.argv[1])))
    _tie_to(int(sys.argv[2]))
    jobs: Any = None
    while True:
        job, arguments = line.receive()
        try:
            if jobs is None:
                from unslow.worker.jobs import Jobs

                jobs = Jobs(line)
            line.answer(jobs.do(job, arguments))
        except Exception as error:  # Whatever a user's model raises is this process's answer, not its end.
            with contextlib.suppress(OSError):  # The log may lie on a disk that is full; the answer must still go out.
                traceback.print_exc()
            line.fail(error)


class WorkerLine:
    """The socket to the parent, as jobs that run in the middle of a script see it (`unslow.scripts.line.Line`)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def receive(self) -> tuple[str, dict[str, Any]]:
        try:
            message = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)  # No clean-up of frameworks' threads: some hang in it.
        return message["job"], message["arguments"]

    def tell(self, text: str) -> None:
        self._connection.send_bytes(json.dumps({"told": text}).encode())

    def answer(self, result: Any) -> None:
        self._send({"result": result})

    def fail(self, error: Exception) -> None:
        self._send(_explained(error))

    def _send(self, answer: dict[str, Any]) -> None:
        answer["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self._connection.send_bytes(json.dumps(answer).encode())


def _explained(error: Exception) -> dict[str, Any]:
    from unslow.core.errors import CannotRun

    what, todo = getattr(error, "what", ""), getattr(error, "todo", "")
    if not what:
        first = (str(error).strip() or "no message").splitlines()[0]
        what = f"{type(error).__name__}: {first}"[:400]
    return {"error": what, "todo": todo, "cannot_run": isinstance(error, CannotRun)}


def _tie_to(parent: int) -> None:
    """End with the parent, be the first to go when memory runs out, leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    main()
