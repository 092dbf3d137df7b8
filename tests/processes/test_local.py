"""Really spawns, suspends and kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from unslow.core.errors import WorkerFailed
from unslow.core.jsonable import to_json
from unslow.core.workload import Target
from unslow.processes.base import Conditions, Process
from unslow.processes.local import LocalProcesses
from unslow.targets import locate

PATIENCE_S = 30.0


def started(tmp_path: Path, memory_bytes: int = 0) -> Process:
    return LocalProcesses().start(Conditions(tmp_path / "log", {}, memory_bytes))


def target_of(tmp_path: Path, body: str) -> Target:
    """A workload whose model is the function `model` of `body`."""
    file = tmp_path / "work.py"
    file.write_text(
        f"import unslow\n{textwrap.dedent(body)}\n"
        "@unslow.workload\ndef work():\n    return unslow.Inference(model, [1, 2, 3, 4])\n"
    )
    return locate(f"{file}:work")


def opened(tmp_path: Path, body: str, memory_bytes: int = 0) -> Process:
    process = started(tmp_path, memory_bytes)
    try:
        process.ask("open_target", PATIENCE_S, target=to_json(target_of(tmp_path, body)), seed=0)
    except WorkerFailed:
        process.close()
        raise
    return process


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_an_unknown_job_is_an_answer_and_the_process_lives_on(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        for _ in range(2):
            with pytest.raises(WorkerFailed, match="no job"):
                process.ask("nonsense", PATIENCE_S)


def test_what_a_model_raises_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match="ValueError: out of range") as error:
        opened(tmp_path, "def model(x):\n    raise ValueError('out of range\\nmore')")
    assert "\n" not in error.value.what


@pytest.mark.parametrize(
    ("raised", "cannot_run"),
    [
        ("ValueError('no')", False),
        ("BadInput('It is broken.', 'Mend it.')", False),
        ("MissingExtra('onnx', 'onnx', 'This')", True),
    ],
)
def test_whether_it_is_the_environment_s_fault_comes_along(tmp_path: Path, raised: str, cannot_run: bool) -> None:
    body = f"from unslow.core.errors import BadInput, MissingExtra\ndef model(x):\n    raise {raised}"
    with pytest.raises(WorkerFailed) as error:
        opened(tmp_path, body)
    assert error.value.cannot_run == cannot_run


def test_a_turn_is_timed_and_counted(tmp_path: Path) -> None:
    with opened(tmp_path, "import time\ndef model(x):\n    time.sleep(0.002); return x") as process:
        turn = process.ask("turn", PATIENCE_S, start=1, count=5, untimed=1)
    assert turn["requests"] == 5
    assert len(turn["call_seconds"]) == 5
    assert turn["seconds"] >= 0.01 > turn["cpu_seconds"]


def test_a_segmentation_fault_ends_that_process_only_and_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match="SIGSEGV"):
        opened(tmp_path, "import ctypes\ndef model(x):\n    ctypes.string_at(0)")


def test_a_hang_is_ended_after_its_time(tmp_path: Path) -> None:
    process = started(tmp_path)
    target = target_of(tmp_path, "import time\ndef model(x):\n    time.sleep(1000)")
    with pytest.raises(WorkerFailed, match="hung"):
        process.ask("open_target", 3.0, target=to_json(target), seed=0)
    process.close()


SLEEPS = """
    import time
    def model(x):
        time.sleep(1.0)
        return x
"""


def beside_others(tmp_path: Path, left: int, memory_bytes: int) -> Process:
    """One that starts while 1 GB is free, of which `left` is there when it is looked at."""
    free = iter([10**9])
    conditions = Conditions(tmp_path / "log", {}, memory_bytes)
    process = LocalProcesses(free_bytes=lambda: next(free, left)).start(conditions)
    try:
        process.ask("open_target", PATIENCE_S, target=to_json(target_of(tmp_path, SLEEPS)), seed=0)
    except WorkerFailed:
        process.close()
        raise
    return process


@pytest.mark.parametrize(("left", "memory_bytes"), [(60_000_000, 10**12), (1_000, 0)])
def test_one_that_leaves_enough_or_has_no_limit_goes_on(tmp_path: Path, left: int, memory_bytes: int) -> None:
    beside_others(tmp_path, left, memory_bytes).close()


def test_one_within_its_limit_that_leaves_too_little_to_all_is_ended(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match=r"out of memory.*to everybody"):
        beside_others(tmp_path, 40_000_000, 10**12)


def test_one_that_eats_memory_is_ended_and_says_how_much(tmp_path: Path) -> None:
    body = "import time\nkept = []\ndef model(x):\n    while True:\n        kept.append(b'x' * 20_000_000)"
    with pytest.raises(WorkerFailed, match="out of memory"):
        opened(tmp_path, body, memory_bytes=600_000_000)


def test_suspended_it_does_nothing_and_resumed_it_answers(tmp_path: Path) -> None:
    with opened(tmp_path, "def model(x):\n    return x") as process:
        process.suspend()
        pid = process.pid  # pyright: ignore[reportAttributeAccessIssue]
        until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "it is not stopped")
        process.resume()
        assert process.ask("turn", PATIENCE_S, start=0, count=1, untimed=0)["requests"] == 1


def test_closing_ends_it_while_it_is_suspended_with_its_children(tmp_path: Path) -> None:
    body = "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\ndef model(x):\n    return x"
    process = opened(tmp_path, body)
    pid = process.pid  # pyright: ignore[reportAttributeAccessIssue]
    children = psutil.Process(pid).children(recursive=True)
    process.suspend()
    process.close()
    process.close()
    assert not psutil.pid_exists(pid)
    until(lambda: not any(map(lives, children)), "a child is left")


def test_after_kill_9_of_the_parent_no_process_is_left_stopped_or_running(tmp_path: Path) -> None:
    body = "import subprocess\nchild = subprocess.Popen(['sleep', '1000'])\ndef model(x):\n    return x"
    target_of(tmp_path, body)
    script = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from unslow.core.jsonable import to_json
        from unslow.processes.base import Conditions
        from unslow.processes.local import LocalProcesses
        from unslow.targets import locate
        process = LocalProcesses().start(Conditions(Path({str(tmp_path / "log")!r})))
        process.ask("open_target", 60.0, target=to_json(locate({str(tmp_path / "work.py") + ":work"!r})), seed=0)
        process.suspend()
        print(process.pid, flush=True)
        time.sleep(1000)
    """)
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    assert len(family) == 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: not any(map(lives, family)), "a process is left")
