from __future__ import annotations

from pathlib import Path

import pytest

from fake_bench import Yard
from unslow.core.workload import Host
from unslow.measure.bench import environment_of, memory_limit, orders, start


def test_few_requests_are_used_by_race_and_finals_alike() -> None:
    assert orders(3, 0, in_sequence=False) == ((0, 1, 2), (0, 1, 2))


def test_race_and_finals_share_no_request() -> None:
    race, final = orders(11, 0, in_sequence=False)
    assert not set(race) & set(final)
    assert sorted((*race, *final)) == list(range(11))


def test_a_stream_that_hangs_together_stays_in_order() -> None:
    assert orders(6, 0, in_sequence=True) == ((0, 1, 2), (3, 4, 5))


def test_the_cut_is_the_same_for_the_same_seed() -> None:
    assert orders(100, 7, in_sequence=False) == orders(100, 7, in_sequence=False)
    assert orders(100, 7, in_sequence=False) != orders(100, 8, in_sequence=False)


def test_threads_are_set_before_anything_is_imported_only_if_chosen() -> None:
    assert "OMP_NUM_THREADS" not in environment_of(Host(), Path("x"))
    assert environment_of(Host(threads=3), Path("x"))["OMP_NUM_THREADS"] == "3"


def test_a_script_finds_its_environment_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    assert environment_of(Host(), Path("x"))["TOKENIZERS_PARALLELISM"] == "false"
    assert "TOKENIZERS_PARALLELISM" not in environment_of(Host(), Path("x"), "script")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    assert "HF_HUB_OFFLINE" not in environment_of(Host(), Path("x"))


def test_memory_is_what_was_asked_for_else_most_of_what_is_free() -> None:
    assert memory_limit(5) == 5
    assert memory_limit(0) > 10_000_000
    assert memory_limit(0, lambda: 1000) == 800


@pytest.mark.parametrize(
    ("asked", "free", "limits"),
    [
        (0, [1000, 500], [0, 0]),
        (400, [1000, 1000], [400, 400]),
        (400, [1000, 300], [400, 240]),
        (800, [1000, 300], [800, 240]),
    ],
)
def test_who_starts_beside_others_may_take_most_of_what_they_leave(
    tmp_path: Path, asked: int, free: list[int], limits: list[int]
) -> None:
    yard = Yard({})
    readings = iter(free)
    bench = yard.bench(tmp_path, memory_bytes=asked, free_bytes=lambda: next(readings))
    for name in ("original", "variant"):
        start(bench, name, Host())
    assert [conditions.memory_bytes for conditions in yard.conditions] == limits
