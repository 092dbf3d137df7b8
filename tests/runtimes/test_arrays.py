"""Requests in the graph's order, answers in their structure: what the runtimes of flat arrays share."""

from __future__ import annotations

import numpy as np
import pytest

from unslow.core.calls import Answer, Request, structure_of
from unslow.core.errors import BadInput
from unslow.runtimes._arrays import Port, builder, misfit, reader

IDS = Port("ids", "int64", (None, None))
MASK = Port("mask", "int64", (None, 8))
ids, mask = np.zeros((2, 8), "int64"), np.ones((2, 8), "int64")


def test_an_input_given_as_none_is_missing() -> None:
    with pytest.raises(BadInput, match="'mask'"):
        reader([IDS, MASK], {})(Request((), {"ids": ids, "mask": None}))


def test_names_that_do_not_cover_the_graph() -> None:
    with pytest.raises(BadInput, match="'mask', which is not among the parameters: ids"):
        reader([IDS, MASK], {"inputs": ["ids"]})


def test_parameters_that_the_graph_does_not_take_are_left_out() -> None:
    read = reader([MASK], {"inputs": ["ids", "mask"]})
    (got,) = read(Request((ids, mask)))
    assert got is mask


def test_names_that_an_exporter_changed_go_by_position() -> None:
    first, second = reader([Port("arg0", "", None), Port("arg1", "", None)], {"inputs": ["ids", "mask"]})(
        Request((), {"mask": mask, "ids": ids})
    )
    assert first is ids and second is mask


def test_the_callers_order_is_not_the_graphs() -> None:
    got = reader([MASK, IDS], {"inputs": ["ids", "mask"]})(Request((ids, mask)))
    assert got[0] is mask and got[1] is ids


def test_numbers_become_arrays() -> None:
    (got,) = reader([Port("scale", "float64", ())], {})(Request((2.0,)))
    assert got.shape == () and got == 2.0


@pytest.mark.parametrize("array", [mask, np.ones((1, 8), "int64")])
def test_what_fits(array: np.ndarray) -> None:
    assert misfit(MASK, array.dtype.name, array.shape) is None


def test_an_unknown_rank_takes_anything() -> None:
    assert misfit(Port("x", "", None), "float32", (1, 2, 3)) is None


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.ones((2, 8), "int32"), "has dtype int32, the model takes int64"),
        (np.ones((2, 7), "int64"), r"has shape \(2, 7\), the model takes \(any, 8\)"),
        (np.ones(8, "int64"), r"has shape \(8,\)"),
    ],
)
def test_what_does_not_fit(array: np.ndarray, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        raise misfit(MASK, array.dtype.name, array.shape) or AssertionError


def test_without_a_structure_one_leaf_is_the_answer_and_several_go_by_name() -> None:
    assert builder(None, ["y"])([1]) == 1
    several = builder(None, ["y", "z"])([1, 2])
    assert isinstance(several, Answer) and several.z == 2 and several[0] == 1


@pytest.mark.parametrize(
    "answer", [5, (1, 2), [1, 2], {"y": 1, "z": 2}, (1, {"y": 2, "z": [3]}), {"y": 1, "none": None}, ((1,),)]
)
def test_every_structure_comes_back(answer: object) -> None:
    from unslow.core.calls import leaves_of

    assert builder(structure_of(answer), ())(list(leaves_of(answer))) == answer
