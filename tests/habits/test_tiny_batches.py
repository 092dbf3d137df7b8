from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from handmade import EMPTY, evidence, facts, found, loader, machine, noted, op, phase, scoring, script, step, the
from unslow.core.facts import Facts, Leaf
from unslow.core.finding import Evidence
from unslow.core.profile import Profile
from unslow.core.script import Noted, ScriptFacts
from unslow.habits._batches import DISPATCH, PRODUCT, VECTOR, floor_from, rows_per_request
from unslow.habits.tiny_batches import HABIT

FLOORED = machine(floors={PRODUCT: 0.5, VECTOR: 0.1, DISPATCH: 0.0625})
STEP = step(op("aten::addmm", 80))


def stream(
    *shapes: tuple[tuple[int, ...], int], dtype: str = "float32", joins: bool = True, requests: int = 32
) -> Facts:
    return facts(inputs=(Leaf("x", dtype, shapes),), batch_axis=joins, requests=requests)


def test_requests_that_cannot_be_joined_stay_alone() -> None:
    assert not found(HABIT, evidence(STEP, stream(((1, 8), 32), joins=False), FLOORED))


def test_large_batches_are_left_alone() -> None:
    assert not found(HABIT, evidence(STEP, stream(((16, 8), 30), ((1, 8), 2)), FLOORED))


def test_few_requests_say_nothing_of_a_stream() -> None:
    assert not found(HABIT, evidence(STEP, stream(((1, 8), 3), requests=3), FLOORED))


def test_inputs_without_axes_have_no_rows() -> None:
    assert not found(HABIT, evidence(STEP, stream(((), 32)), FLOORED), evidence(STEP, facts(batch_axis=True), FLOORED))


def test_says_nothing_where_joining_does_not_pay() -> None:
    no_gain = machine(floors={PRODUCT: 1.0, VECTOR: 1.1, DISPATCH: 1.0})
    assert not found(HABIT, evidence(STEP, stream(((1, 8), 32)), no_gain))


def test_rows_that_are_vectors_gain_most() -> None:
    vectors = the(HABIT, evidence(STEP, stream(((1, 8), 32)), FLOORED))
    tokens = the(HABIT, evidence(STEP, stream(((1, 64), 32), dtype="int64"), FLOORED))
    assert vectors.share == tokens.share == 1.0
    assert vectors.floor == pytest.approx(0.2 * 0.0625 + 0.8 * 0.1)
    assert tokens.floor == pytest.approx(0.2 * 0.0625 + 0.8 * 0.5)
    assert "latency" in str(vectors.evidence["pays_for"])


def test_one_product_stands_in_for_what_was_not_measured() -> None:
    assert the(HABIT, evidence(STEP, stream(((1, 8), 32)), machine(floors={PRODUCT: 0.5}))).floor == pytest.approx(0.5)


def test_is_unbounded_without_figures_or_profile() -> None:
    assert the(HABIT, evidence(STEP, stream(((1, 8), 32)))).ceiling is None
    assert the(HABIT, evidence(EMPTY, stream(((1, 8), 32)), FLOORED)).ceiling is None


def test_rows_that_share_a_call_already_gain_less() -> None:
    assert floor_from(0.5, 1) == pytest.approx(0.5)
    assert 0.5 < floor_from(0.5, 2) < floor_from(0.5, 4) < 1
    assert floor_from(0.5, 16) == pytest.approx(1.0)
    assert floor_from(0.0, 1) == 0.0


def test_rows_are_the_mean_of_the_stream() -> None:
    assert rows_per_request(stream(((1, 8), 3), ((3, 8), 1))) == pytest.approx(1.5)


def called(rows: float, times: int = 20, line: int = 3, shape: Sequence[int] = (1, 8), floats: bool = True) -> Noted:
    details = {"model": "Net", "rows": rows * times, "shapes": [list(shape)], "floats": floats}
    return noted("forward", line=line, times=times, **details)


class TestOfAScript:
    STEP = step(phase("forward", 80))
    FLOORED = machine(floors={DISPATCH: 0.2, VECTOR: 0.3, PRODUCT: 0.7})

    def test_near_misses(self) -> None:
        fine = (scoring(called(16)), scoring(called(0)), scoring(called(1, times=3)), scoring())
        trains = (script(noted=(called(1),)), scoring(called(1), noted("gradient", call="backward")))
        assert not found(HABIT, *(evidence(self.STEP, known, self.FLOORED) for known in (*fine, *trains)))
        assert not found(HABIT, evidence(step(phase("data", 90, "data")), scoring(called(1)), self.FLOORED))

    def test_one_row_at_a_time(self) -> None:
        finding = the(HABIT, evidence(self.STEP, scoring(called(1, times=9), called(1, line=7)), self.FLOORED))
        assert finding.share == pytest.approx(0.8) and finding.floor == pytest.approx(0.2)
        assert finding.site == "train.py:7" and "1 row at a time, 20 times" in finding.title

    def test_what_is_no_vector_is_a_product(self) -> None:
        on = machine(floors={VECTOR: 0.3, PRODUCT: 0.7})
        for known in (called(1, shape=(1, 3, 8)), called(1, floats=False)):
            assert the(HABIT, evidence(self.STEP, scoring(known), on)).floor == pytest.approx(0.7)
        assert the(HABIT, evidence(self.STEP, scoring(called(1)))).floor is None


class TestOfWhatIsComputedForEachRow:
    FLOORED = machine(floors={DISPATCH: 0.1, VECTOR: 0.3, PRODUCT: 0.9})

    def floor(self, name: str, us: float, *shapes: tuple[int, ...]) -> float | None:
        known = {"shapes": [list(shape) for shape in shapes], "dtypes": ["float32"] * len(shapes)}
        seen = step(phase("forward", 1000, calls=[op(name, us, dtype="", **known)]), us=1000)
        return the(HABIT, evidence(seen, scoring(called(1, shape=(1, 640))), self.FLOORED)).floor

    def test_what_starts_it_or_reads_weights_is_shared(self) -> None:
        assert self.floor("aten::_softmax", 90, (4, 640, 640)) == pytest.approx(0.1), "short"
        assert self.floor("aten::addmm", 900, (512,), (1, 512), (512, 512)) == pytest.approx(0.1), "one row"
        assert self.floor("aten::mm", 900, (512, 2), (2, 512)) == pytest.approx(0.1), "its gradient"
        assert self.floor("aten::_embedding_bag", 900, (128, 512)) == pytest.approx(0.1), "a table"

    def test_scores_many_rows_and_freeing_are_not(self) -> None:
        long = 0.9 * 0.9 + 0.1 * 0.1
        assert self.floor("aten::_softmax", 900, (4, 640, 640)) == pytest.approx(long)
        assert self.floor("aten::bmm", 900, (4, 640, 32), (4, 32, 640)) == pytest.approx(long)
        assert self.floor("aten::addmm", 900, (512,), (640, 512), (512, 512)) == pytest.approx(long)
        assert self.floor("memory::free", 900, (4, 640, 640)) == pytest.approx(long)


class TestOfTraining:
    STEP = step(phase("forward", 30), phase("backward", 40), phase("optimizer", 20), op("aten::add", 10))
    FLOORED = machine(floors={DISPATCH: 0.2, PRODUCT: 0.7})

    def seen(self, profile: Profile = STEP, **fields: float) -> Evidence:
        known = replace(loader(batch_size=2, items=1000), **fields)
        return evidence(profile, facts("script", script=ScriptFacts("optimizer", 20, loaders=(known,))), self.FLOORED)

    @pytest.mark.parametrize("fields", [{"batch_size": 5}, {"batch_size": 0}, {"items": 100}])
    def test_batches_that_are_large_or_all_there_is(self, fields: dict[str, int]) -> None:
        assert not found(HABIT, self.seen(**fields))

    def test_a_step_that_is_spent_elsewhere(self) -> None:
        assert not found(HABIT, self.seen(step(phase("forward", 0.5), op("aten::add", 99))))

    def test_items_that_are_waited_for_stay(self) -> None:
        waiting = step(phase("data", 50, "data"), phase("optimizer", 50))
        finding = the(HABIT, self.seen(waiting, item_s=20e-6, wait_s=50e-6))
        assert finding.floor == pytest.approx(0.5 * 0.8 + 0.5 * 2 / 16)

    def test_costs_that_no_row_shares(self) -> None:
        finding = the(HABIT, self.seen())
        assert finding.share == pytest.approx(1.0)
        assert finding.floor == pytest.approx(0.7 * floor_from(0.2, 2) + 0.3 * 2 / 16)
        assert "--allow batch-size" in finding.advice
