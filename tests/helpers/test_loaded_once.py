"""The helper that keeps what was loaded."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unslow.helpers import loaded_once as module

loaded_once: Any = module.loaded_once


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    module._kept.clear()
    yield
    module._kept.clear()


class Loads:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.times += 1
        return [self.times]


def test_other_arguments_are_loaded_anew(tmp_path: Path) -> None:
    load = Loads()
    for args, kwargs in ((("a",), {}), (("b",), {}), (("a",), {"x": 1}), ((True,), {}), ((1,), {})):
        loaded_once(load)(*args, **kwargs)
    assert load.times == 5


def test_what_says_nothing_of_its_content_is_loaded_each_time() -> None:
    load = Loads()
    for _ in range(2):
        loaded_once(load)(io.BytesIO())
        loaded_once(load)("a", map_location=lambda storage, place: storage)
    assert load.times == 4


def test_a_file_that_has_changed_is_loaded_anew(tmp_path: Path) -> None:
    load, file = Loads(), tmp_path / "model"
    file.write_text("a")
    loaded_once(load)(file)
    os.utime(file, ns=(1, 1))
    assert loaded_once(load)(file) == [2]
    file.write_text("ab")
    os.utime(file, ns=(1, 1))
    assert loaded_once(load)(file) == [3]


def test_only_the_last_few_are_kept() -> None:
    load = Loads()
    for n in range(module.MOST_KEPT + 1):
        loaded_once(load)(str(n))
    assert loaded_once(load)("0") == [module.MOST_KEPT + 2]


def test_the_same_is_loaded_once_and_a_dict_is_copied(tmp_path: Path) -> None:
    load = Loads()
    assert loaded_once(load)("a", strict=True) is loaded_once(load)("a", strict=True) and load.times == 1
    first = loaded_once(lambda path: {"w": 1}, "named")("a")
    first["w"] = 2
    assert loaded_once(lambda path: {"w": 3}, "named")("a") == {"w": 1}
