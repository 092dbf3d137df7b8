from __future__ import annotations

import pytest

from unslow.serving.load import closed_loop, open_loop


class World:
    """A clock that moves when somebody sleeps, or when the model answers (by the number of the call)."""

    def __init__(self, *seconds: float) -> None:
        self.now, self.seconds, self.calls = 0.0, seconds, list[int]()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def answer(self, places: object) -> None:
        self.now += self.seconds[min(len(self.calls), len(self.seconds) - 1)]
        self.calls.append(len(places))  # pyright: ignore[reportArgumentType]


def test_an_idle_server_answers_at_once() -> None:
    world = World(0.001)
    latencies = open_loop(world.answer, range(50), 1, 1.0, 0, world.clock, world.sleep)
    assert sorted(latencies)[25] == pytest.approx(0.001)


def test_one_stall_is_felt_by_all_who_arrive_meanwhile() -> None:
    closed, opened = World(1.0, 0.001), World(1.0, 0.001)
    seen = closed_loop(closed.answer, range(200), 1, closed.clock)
    felt = open_loop(opened.answer, range(200), 1, 100.0, 0, opened.clock, opened.sleep)
    assert sum(latency > 0.1 for latency in seen) == 1
    assert sum(latency > 0.1 for latency in felt) > 50


def test_above_its_capacity_the_queue_grows() -> None:
    world = World(0.02)
    latencies = open_loop(world.answer, range(200), 1, 100.0, 0, world.clock, world.sleep)
    assert latencies[-1] > 10 * latencies[0]


def test_those_who_wait_share_a_call_up_to_the_group() -> None:
    world = World(0.05)
    open_loop(world.answer, range(100), 8, 1000.0, 0, world.clock, world.sleep)
    assert max(world.calls) == 8
    assert sum(world.calls) == 100


def test_arrivals_are_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[float]:
        world = World(0.01)
        return open_loop(world.answer, range(20), 1, 50.0, seed, world.clock, world.sleep)

    assert run(1) == run(1) != run(2)


def test_a_closed_loop_gives_a_latency_to_every_request_of_a_group() -> None:
    world = World(0.5)
    assert closed_loop(world.answer, range(5), 2, world.clock) == [0.5] * 5
