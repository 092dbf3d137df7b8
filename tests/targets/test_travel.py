"""Requests that travel: what cannot, what can, and what a digest tells apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.core.errors import BadInput
from unslow.targets import requests_from_npz
from unslow.targets._travel import digest_of, named_arrays, write_arrays

ONE, TWO = np.ones((1, 3), np.float32), np.full((2, 3), 2, np.int64)


@pytest.mark.parametrize(
    ("requests", "says"),
    [([], "no inputs"), ([{"x": object()}], "holds a object"), (["a text"], "holds a str"), ([(ONE, [ONE])], "list")],
)
def test_what_is_no_array_cannot_travel(requests: list[Any], says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        named_arrays(requests)
    assert error.value.todo


@pytest.mark.parametrize("requests", [[ONE, ONE], [(ONE, TWO)] * 12, [{"in/put": ONE, "y": TWO}] * 12])
def test_requests_come_back_as_they_were(tmp_path: Path, requests: list[Any]) -> None:
    write_arrays(named_arrays(requests), tmp_path / "in.npz")
    assert digest_of(requests_from_npz(str(tmp_path / "in.npz"))) == digest_of(requests)


def test_a_tensor_is_the_same_as_its_array() -> None:
    torch = pytest.importorskip("torch")
    assert digest_of([{"x": torch.ones(1, 3)}]) == digest_of([{"x": ONE}])


@pytest.mark.parametrize("other", [[ONE, TWO], [ONE.astype(np.float64)], [ONE.T], [ONE + 1], [{"x": ONE}], ["1"], [()]])
def test_other_requests_have_another_digest(other: list[Any]) -> None:
    assert digest_of(other) not in ("", digest_of([ONE]))


def test_objects_have_none() -> None:
    assert digest_of([ONE, object()]) == "" == digest_of([np.array([{}], dtype=object)])
