from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from unslow.core.calls import Request
from unslow.core.errors import BadInput
from unslow.core.workload import Serving
from unslow.serving.stream import Around, Stream


class Model:
    """Doubles; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def __call__(self, request: Request) -> Any:
        values = request.named(["x", "state"])
        self.asked.append(values["x"].copy())
        if "state" in values:
            return {"y": values["x"] * 2, "next": values["state"] + 1}
        return values["x"] * 2


def stream_of(count: int = 5, serving: Serving | None = None, **around: Any) -> tuple[Stream, Model]:
    model = Model()
    requests = [np.full((1, 2), float(number)) for number in range(count)]
    return Stream(model, serving or Serving(), ["x"], requests, Around(**around)), model


def firsts(answers: Any) -> list[float]:
    return [float(np.ravel(answer)[0]) for answer in answers]


def test_requests_are_answered_in_the_order_that_is_asked_for() -> None:
    stream, model = stream_of()
    assert firsts(stream.answers([3, 0, 4])) == [6, 0, 8]
    assert [value[0, 0] for value in model.asked] == [3, 0, 4]


def test_the_stream_starts_again_at_its_end() -> None:
    stream, _ = stream_of()
    assert firsts(stream.answers([4, 5, 11])) == [8, 0, 2]
    assert firsts([stream.answer(7)]) == [4]


@pytest.mark.parametrize("serving", [Serving(batch_size=2), Serving(clients=2), Serving(batch_size=3, bucket=True)])
def test_however_it_is_served_answers_come_in_order(serving: Serving) -> None:
    stream, _ = stream_of(serving=serving)
    assert firsts(stream.answers(list(range(9)))) == [0, 2, 4, 6, 8, 0, 2, 4, 6]
    assert stream.granularity == serving.batch_size * serving.clients


def test_a_batch_is_one_call_and_a_turn_counts_requests() -> None:
    stream, model = stream_of(serving=Serving(batch_size=2))
    turn = stream.turn([0, 1, 2, 3])
    assert [value.shape for value in model.asked] == [(2, 2), (2, 2)]
    assert (turn.requests, len(turn.call_seconds)) == (4, 2)
    assert turn.seconds >= sum(turn.call_seconds)


def test_a_turn_of_single_requests_times_each() -> None:
    stream, _ = stream_of()
    turn = stream.turn([0, 1, 2])
    assert (turn.requests, len(turn.call_seconds)) == (3, 3)
    assert sum(turn.call_seconds) <= turn.seconds


@pytest.mark.parametrize("serving", [Serving(), Serving(batch_size=2)])
def test_prepare_and_finish_are_part_of_the_request(serving: Serving) -> None:
    model = Model()
    prepare, finish = (lambda text: np.full((1, 2), float(len(text)))), (lambda answer: f"<{np.ravel(answer)[0]:g}>")
    stream = Stream(model, serving, ["x"], ["a", "bb", "ccc"], Around(prepare, finish))
    assert list(stream.answers([0, 1, 2, 3])) == ["<2>", "<4>", "<6>", "<2>"]
    stream.turn([0, 1])
    assert len(model.asked) == (6 if serving.batch_size == 1 else 3)


def test_a_finish_that_was_written_for_tensors_gets_tensors() -> None:
    pytest.importorskip("torch")
    stream, _ = stream_of(finish=lambda answer: answer.unsqueeze(0), as_tensors=True)
    assert tuple(stream.answer(1).shape) == (1, 1, 2)


def carrying(count: int = 4, serving: Serving | None = None) -> Stream:
    requests = [{"x": np.ones(1), "state": np.zeros(1)} for _ in range(count)]
    return Stream(Model(), serving or Serving(), ["x", "state"], requests, Around(carry={"next": "state"}))


def states(stream: Stream, places: list[int]) -> list[float]:
    return [float(answer["next"][0]) for answer in stream.answers(places)]


def test_what_is_carried_goes_from_each_request_to_the_next() -> None:
    assert states(carrying(), [0, 1, 2, 3]) == [1, 2, 3, 4]


def test_a_request_out_of_order_begins_with_its_own_state() -> None:
    assert states(carrying(), [0, 1, 3]) == [1, 2, 1]


def test_the_stream_begins_afresh_at_its_start_however_often_it_is_answered() -> None:
    stream = carrying()
    assert states(stream, [0, 1, 2, 3, 4, 5]) == [1, 2, 3, 4, 1, 2]
    assert states(stream, [0, 1]) == [1, 2]


def test_what_is_carried_is_not_batched() -> None:
    assert states(carrying(serving=Serving(batch_size=4)), [0, 1, 2]) == [1, 2, 3]


def test_a_carried_output_that_is_not_there_is_bad_input() -> None:
    stream, _ = stream_of(carry={"nothing": "x"})
    with pytest.raises(BadInput, match="nothing"):
        stream.answer(0)
