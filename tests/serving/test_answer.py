"""Joined, trimmed, padded and split, the answers are those of one request at a time."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unslow.core.calls import Request
from unslow.core.errors import BadInput
from unslow.core.workload import Serving
from unslow.serving.answer import Answered, Answerer

NAMES = ("ids", "mask")
WIDTH = 4


def model(request: Request) -> dict[str, Any]:
    """Masked sums: a stand-in for an encoder, whose answers at masked columns are zeros."""
    named = request.named(NAMES)
    ids, mask = named["ids"], named["mask"]
    hidden = (ids * mask)[..., None] * np.arange(1, WIDTH + 1)
    return {"hidden": hidden, "pooled": hidden.sum(1), "pairs": hidden @ hidden.swapaxes(1, 2)}


def one(*tokens: int, length: int = 0, left: int = 0) -> Request:
    length = length or len(tokens)
    ids = np.zeros((1, length), "int64")
    ids[0, left : left + len(tokens)] = tokens
    return Request((), {"ids": ids, "mask": (ids > 0).astype("int64")})


def answered(requests: Sequence[Request], call: Callable[[Request], Any] = model, **serving: Any) -> Answered:
    answerer = Answerer(call, Serving(**serving), NAMES)
    try:
        return answerer.answer(requests)
    finally:
        answerer.close()


def same(answers: Sequence[Any], requests: Sequence[Request]) -> None:
    for answer, request in zip(answers, requests, strict=True):
        wanted = model(request)
        assert list(answer) == list(wanted)
        for name, leaf in wanted.items():
            np.testing.assert_array_equal(answer[name], leaf)


def shapes_called(requests: Sequence[Request], **serving: Any) -> list[tuple[int, ...]]:
    seen: list[tuple[int, ...]] = []

    def spy(request: Request) -> Any:
        seen.append(request.named(NAMES)["ids"].shape)
        return model(request)

    same(answered(requests, spy, **serving).answers, requests)
    return seen


def test_no_requests() -> None:
    assert answered([], batch_size=2).answers == []


def test_one_at_a_time_the_call_gets_the_very_request() -> None:
    request, seen = one(1, 2), []
    answered([request], lambda got: seen.append(got) or model(got))
    assert seen[0] is request


def test_only_the_call_is_timed_and_by_the_clock_that_is_handed_in() -> None:
    ticks = itertools.count()
    answerer = Answerer(model, Serving(), NAMES, clock=lambda: float(next(ticks)))
    got = answerer.answer([one(1), one(2)])
    assert got.call_seconds == (1.0, 1.0) and got.call_requests == (1, 1)


def test_other_shapes_other_dtypes_and_other_ways_to_call_are_not_joined() -> None:
    by_position = Request((np.ones((1, 2), "int64"), np.ones((1, 2), "int64")))
    other_dtype = Request((), {"ids": np.ones((1, 2), "int32"), "mask": np.ones((1, 2), "int64")})
    requests = [one(1, 2), one(1, 2, 3), by_position, other_dtype]
    assert len(shapes_called(requests, batch_size=4)) == 4


def test_values_without_rows_are_not_joined() -> None:
    call = lambda request: request.kwargs["x"] * request.kwargs["scale"]  # noqa: E731
    requests = [Request((), {"x": np.ones((2, 3)), "scale": scale}) for scale in (2.0, 3.0)]
    assert answered(requests, call, batch_size=2).call_requests == (1, 1)


def test_values_with_other_numbers_of_rows_are_not_joined() -> None:
    call = lambda request: request.kwargs["x"] * request.kwargs["scale"]  # noqa: E731
    requests = [Request((), {"x": np.ones((2, 3)), "scale": np.ones(1)})] * 2
    assert answered(requests, call, batch_size=2).call_requests == (1, 1)


def test_an_answer_without_rows_cannot_be_split() -> None:
    with pytest.raises(BadInput, match="cannot be split by requests"):
        answered([one(1), one(2)], lambda request: np.zeros(7), batch_size=2)


def test_padding_that_is_left_alone() -> None:
    assert shapes_called([one(1, 2, length=6)]) == [(1, 6)]


def test_a_mask_of_another_name_trims_nothing() -> None:
    assert shapes_called([one(1, 2, length=6)], trim_padding=True, padding_mask="attention_mask") == [(1, 6)]


def test_joined_in_order_and_split_again() -> None:
    requests = [one(number, number + 1) for number in range(1, 6)]
    assert shapes_called(requests, batch_size=2) == [(2, 2), (2, 2), (1, 2)]


def test_requests_of_several_rows() -> None:
    many = Request((), {"ids": np.arange(6).reshape(3, 2), "mask": np.ones((3, 2), "int64")})
    assert shapes_called([many, one(1, 2)], batch_size=2) == [(4, 2)]


def test_trimmed_to_the_longest_of_the_call_and_answers_keep_their_shapes() -> None:
    requests = [one(1, 2, length=8), one(3, length=8), one(4, 5, 6, length=8), one(7, length=8)]
    # One call more: the first trimmed one is repeated untrimmed, to learn which axes of the answers follow.
    shapes = shapes_called(requests, batch_size=2, trim_padding=True, padding_mask="mask")
    assert shapes == [(2, 2), (2, 8), (2, 3)]


def test_a_feature_axis_as_long_as_the_trimmed_text_stays() -> None:
    requests = [one(1, 2, 3, 4, length=9)]
    same(answered(requests, trim_padding=True, padding_mask="mask").answers, requests)


def test_padding_on_the_left() -> None:
    assert shapes_called([one(1, 2, length=8, left=6)], trim_padding=True, padding_mask="mask")[0] == (1, 2)


def test_nothing_but_padding() -> None:
    assert shapes_called([one(length=4)], trim_padding=True, padding_mask="mask")[0] == (1, 1)


def test_sorted_by_what_the_mask_leaves() -> None:
    requests = [one(1, 1, 1, length=8), one(2, length=8), one(3, 3, 3, length=8), one(4, length=8)]
    shapes = shapes_called(requests, batch_size=2, bucket=True, trim_padding=True, padding_mask="mask")
    assert shapes == [(2, 1), (2, 8), (2, 3)]


def test_padded_to_share_a_call_and_cut_back() -> None:
    requests = [one(1, 2, 3), one(4), one(5, 6)]
    assert shapes_called(requests, batch_size=3, pad=True, padding_mask="mask")[0] == (3, 3)


def test_two_clients_at_once() -> None:
    both = threading.Barrier(2, timeout=20)

    def meeting(request: Request) -> Any:
        both.wait()
        return model(request)

    requests = [one(1), one(2), one(3), one(4)]
    same(answered(requests, meeting, clients=2).answers, requests)


def test_an_error_of_a_client_comes_through() -> None:
    def failing(request: Request) -> Any:
        raise BadInput("no")

    with pytest.raises(BadInput, match="no"):
        answered([one(1), one(2)], failing, clients=2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 3)), min_size=1, max_size=12
    ),
    st.integers(1, 5),
    *[st.booleans()] * 3,
)
def test_served_in_any_way_the_answers_are_the_same(
    given_tokens: list[tuple[list[int], int]], batch_size: int, bucket: bool, trim: bool, pad: bool
) -> None:
    requests = [one(*tokens, length=len(tokens) + padding) for tokens, padding in given_tokens]
    how = {"batch_size": batch_size, "bucket": bucket, "trim_padding": trim, "pad": pad, "padding_mask": "mask"}
    same(answered(requests, **how).answers, requests)


def test_tensors_are_served_as_arrays_are() -> None:
    torch = pytest.importorskip("torch")

    def call(request: Request) -> Any:
        return (request.kwargs["x"] * 2, request.kwargs["x"].sum(1))

    requests = [Request((), {"x": torch.arange(1, length + 1).reshape(1, length).float()}) for length in (2, 4, 3)]
    got = answered(requests, call, batch_size=3, pad=True)
    assert got.call_requests == (3,)
    for (doubled, total), request in zip(got.answers, requests, strict=True):
        assert torch.equal(doubled, request.kwargs["x"] * 2) and torch.equal(total, request.kwargs["x"].sum(1))
