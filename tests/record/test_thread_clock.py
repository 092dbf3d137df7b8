from __future__ import annotations

import ctypes
import sys
import threading

import pytest

from unslow.record._thread_clock import wake_in_time

GET_TIMER_SLACK = 30


def slack() -> int:
    return ctypes.CDLL(None).prctl(GET_TIMER_SLACK, 0, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such setting")
def test_only_the_asking_thread_wakes_in_time() -> None:
    before, seen = slack(), list[int]()

    def asks() -> None:
        wake_in_time()
        seen.append(slack())

    thread = threading.Thread(target=asks)
    thread.start()
    thread.join()
    assert seen == [1] and slack() == before


def test_a_system_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", None)
    wake_in_time()
