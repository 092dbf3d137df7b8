"""Data sets that are another one in the next epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from unslow.scripts.epochs import changed, is_told, state_of


class Plain:
    def __init__(self, dataset: Any = None, **fields: Any) -> None:
        self.dataset = dataset
        vars(self).update(fields)

    @property
    def asked(self) -> int:
        raise RuntimeError("a property is none of its state")


class Told(Plain):
    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch


class Slotted:
    __slots__ = ("epoch",)


@pytest.mark.parametrize("dataset", [None, [1, 2], Slotted(), Plain(), Plain(Plain([1])), Plain(set_epoch=3)])
def test_data_sets_that_nobody_tells_anything(dataset: object) -> None:
    assert not is_told(dataset)
    assert changed(state_of(dataset), state_of(dataset)) == ""


def test_one_that_is_told_the_epoch_also_within_others() -> None:
    assert is_told(Told()) and is_told(Plain(Plain(Told())))


def test_what_it_keeps_and_makes_is_none_of_its_state() -> None:
    kept, rows = dict[int, str](), np.zeros(3)
    one = Plain(kept=kept, rows=rows, nothing=float("nan"))
    before = state_of(one)
    kept[1] = "decoded"
    rows += 1
    assert changed(before, state_of(one)) == ""


@pytest.mark.parametrize("name", ["epoch", "strength"])
def test_the_attribute_that_changes_is_named(name: str) -> None:
    one = Plain(Plain(epoch=0, strength=0.5))
    before = state_of(one)
    setattr(one.dataset, name, 2)
    assert changed(before, state_of(one)) == name


def test_one_that_comes_or_goes() -> None:
    one = Plain(epoch=0)
    with_it = state_of(one)
    delattr(one, "epoch")
    assert changed(with_it, state_of(one)) == "epoch" and changed(state_of(one), with_it) == "epoch"


def test_data_sets_that_hold_themselves() -> None:
    one = Plain(epoch=0)
    one.dataset = one
    assert changed(state_of(one), state_of(one)) == "" and not is_told(one)
