"""The fix `channels-last`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from handmade import model
from unslow.core.facts import Leaf
from unslow.fixes import all_fixes
from unslow.fixes.channels_last import FIX

from . import scripted
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


SCRIPT = """
import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
        self.head = nn.Linear(16, 1)
        self.seen = []

    def forward(self, images, scale=1.0):
        found = self.body(images)
        self.seen.append(found.is_contiguous(memory_format=torch.channels_last))
        return self.head(found.mean(3).reshape(len(images), -1)) * scale

net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for n in range(3):
    loss = (net(torch.ones(2, 3, 8, 8).abs()) - n).square().mean()
    loss.backward()
    optimizer.step()
print(net.seen, [round(float(p.detach().sum()), 4) for p in net.parameters()], round(loss.item(), 4))
"""
SEEN = {"convolutions": 2, "images": 1}
CALL = "net(torch.ones(2, 3, 8, 8).abs())"


class TestOfAScript:
    @pytest.mark.parametrize(
        "called", [model(), model(convolutions=2), model(**SEEN, channels_last=True), model(**SEEN, direct=False)]
    )
    def test_calls_that_are_left(self, called: object) -> None:
        assert FIX.refuses(scripted.setting(noted=(called,)))

    def test_all_models_at_once(self) -> None:
        known = scripted.setting(noted=(model(**SEEN), model(**SEEN, line=9)))
        assert not FIX.refuses(known) and len(FIX.space(known)[0]["calls"]) == 2

    def test_the_run_time_form_and_the_edit_come_to_the_same(self, tmp_path: Path) -> None:
        parameters = {"calls": [{"site": scripted.site_of(SCRIPT, CALL)}]}
        text, line = scripted.both(tmp_path, SCRIPT, FIX, parameters)
        assert line.startswith("[True, True, True]") and f"channels_last(net){CALL[3:]}" in text
        before = scripted.both(tmp_path / "before", SCRIPT, FIX, {"calls": []})[1]
        assert before.startswith("[False") and before.partition("]")[2] == line.partition("]")[2]

    def test_around_and_within_mixed_precision(self, tmp_path: Path) -> None:
        half = all_fixes()["mixed-precision"]
        assert half.edit is not None and FIX.edit is not None
        site = scripted.site_of(SCRIPT, CALL)
        halves = half.edit({"calls": [{"site": site, "device": "cpu", "cast": True}]})
        ours = FIX.edit({"calls": [{"site": site}]})
        for number, edits in enumerate(([*halves, *ours], [*ours, *halves])):
            assert scripted.run_with(tmp_path / str(number), SCRIPT, edits).startswith("[True, True, True]")
