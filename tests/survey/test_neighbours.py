"""Cores that other programs take."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from unslow.survey.neighbours import Neighbours


def counted(busy: list[float], own: list[float], clock: list[float]) -> float:
    neighbours = Neighbours(lambda: busy.pop(0), lambda: own.pop(0), lambda: clock.pop(0))
    return neighbours.cores()


@pytest.mark.parametrize("busy, own, cores", [([0, 20], [0, 20], 0.0), ([5, 5], [0, 1], 0.0), ([0, 20], [0, 5], 1.5)])
def test_what_is_busy_and_not_ours(busy: list[float], own: list[float], cores: float) -> None:
    assert counted(busy, own, [0, 10]) == pytest.approx(cores)


def test_no_time_at_all() -> None:
    assert counted([0, 20], [0, 5], [3, 3]) == 0.0


def test_what_is_ours_or_would_be() -> None:
    own, clock, queued = [3.0, 8.0], [0.0, 10.0], [1.0, 8.0]
    neighbours = Neighbours(lambda: 0.0, lambda: own.pop(0), lambda: clock.pop(0), lambda: queued.pop(0))
    assert neighbours.wanted_cores() == pytest.approx(1.2)


def test_waiting_for_nothing_wants_no_core() -> None:
    neighbours = Neighbours()
    time.sleep(0.3)
    assert 0 <= neighbours.wanted_cores() < 0.5


def test_what_this_process_starts_is_its_own() -> None:
    neighbours = Neighbours()
    program = "import time; end = time.monotonic() + 1\nwhile time.monotonic() < end: pass"
    child = subprocess.Popen([sys.executable, "-c", program])
    time.sleep(0.5)
    running = neighbours.cores()
    child.wait()
    assert running >= 0 and neighbours.cores() >= 0  # how busy others are is not ours to say
