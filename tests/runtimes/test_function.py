"""Any callable, called as it is; subnormal numbers are flushed in a process of its own, since it lasts."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from unslow.core.calls import Request
from unslow.core.errors import BadInput, CannotRun
from unslow.core.workload import Host, Model
from unslow.runtimes import _flush, open_model

FLUSHED = """
import threading
import numpy as np
from unslow.core.calls import Request
from unslow.core.workload import Host, Model
from unslow.runtimes import open_model
small = np.full(64, 1e-310)
call = open_model(Model("function"), Host(flush_subnormals={flush}), lambda: float((small * 0.5).sum()))
found = []
thread = threading.Thread(target=lambda: found.append(call(Request())))
thread.start(); thread.join()
print(call(Request()) == 0, found[0] == 0)
"""


def _flushes(flush: bool) -> str:
    command = [sys.executable, "-c", FLUSHED.format(flush=flush)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_what_cannot_be_called() -> None:
    with pytest.raises(BadInput, match="of type int, which cannot be called"):
        open_model(Model("function"), Host(), 3)


def test_what_it_raises_becomes_two_lines() -> None:
    call = open_model(Model("function"), Host(), lambda x: {}[x])
    with pytest.raises(BadInput, match=r"KeyError: 'a'") as caught:
        call(Request(("a",)))
    assert isinstance(caught.value.__cause__, KeyError) and caught.value.todo.startswith("The request holds 0: str")


def test_it_is_called_with_the_users_own_values() -> None:
    given = object()
    call = open_model(Model("function"), Host(threads=1), lambda *args, **kwargs: (args, kwargs))
    assert call(Request((given,), {"by": 2})) == ((given,), {"by": 2})


def test_another_processor_says_that_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(CannotRun, match="riscv64"):
        _flush.flush_subnormals()


def test_subnormal_numbers_stay_unless_flushed() -> None:
    assert _flushes(False) == "False False"


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="no control word known")
def test_subnormal_numbers_become_zero_in_threads_too() -> None:
    assert _flushes(True) == "True True"
