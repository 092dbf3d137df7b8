"""The fix `channels-last`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unslow.core.facts import Leaf
from unslow.fixes.channels_last import FIX

from .workshop import FACTS, WORKLOAD, FakeWorkshop, on, setting

IMAGES = replace(FACTS, modules={"Conv2d": 3}, inputs=(Leaf("image", "float32", (((1, 3, 8, 8), 4),)),))


def test_refuses_models_without_convolutions_over_images() -> None:
    assert "no convolution" in FIX.refuses(setting(facts=replace(IMAGES, modules={"Linear": 3, "Conv1d": 2})))


def test_refuses_where_no_input_is_an_image() -> None:
    texts = (Leaf("ids", "int64", (((1, 8), 4),)),)
    assert "no input" in FIX.refuses(setting(facts=replace(IMAGES, inputs=texts)))


def test_changes_nothing_where_it_is_set(tmp_path: Path) -> None:
    before = on("torch-module", memory_format="channels_last")
    assert FIX.apply(before, {}, FakeWorkshop(tmp_path, IMAGES)) is before
    assert "already" in FIX.refuses(setting(before, IMAGES))


def test_is_tried_for_images_and_where_the_modules_are_unknown(tmp_path: Path) -> None:
    for facts in (IMAGES, replace(IMAGES, modules={}), replace(IMAGES, modules={"MyConv2d": 1})):
        assert FIX.refuses(setting(facts=facts)) == ""
    assert FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path, IMAGES)).model.settings == {"memory_format": "channels_last"}
