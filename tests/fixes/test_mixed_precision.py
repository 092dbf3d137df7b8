"""The fix `mixed-precision`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from handmade import gpu_model, model, noted
from unslow.core.script import Noted
from unslow.core.variant import Workshop
from unslow.fixes import float32
from unslow.fixes.mixed_precision import FIX
from unslow.search.order import LEAST_ODDS, UNHELPFUL_ODDS

from .scripted import both, setting, site_of
from .workshop import MACHINE

SOURCE = """
import torch

torch.manual_seed(0)
torch.set_num_threads(1)
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.GELU())
        self.head = torch.nn.Linear(8, 1)
        self.seen = []

    def forward(self, rows):
        found = self.body(rows)
        self.seen.append(str(found.dtype))
        return self.head(found)

net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for n in range(3):
    loss = (net(torch.ones(4, 8)) - n).square().mean()
    loss.backward()
    optimizer.step()
print(set(net.seen), loss.dtype, loss.item(), net.head.weight.dtype)
"""


@pytest.mark.parametrize(
    "called",
    [
        model(direct=False),
        model(times_in_steps=0),
        model(parameter_bytes={"bfloat16": 100}),
        model(device="mps"),
    ],
)
def test_calls_that_are_left(called: object) -> None:
    assert FIX.refuses(setting(noted=(called,)))


def test_autocast_is_on_already() -> None:
    known = setting(noted=(model(), noted("autocast", device="cpu", dtype="bfloat16")))
    assert "by itself" in FIX.refuses(known)


def test_a_model_in_float64_is_left_until_float32_is_on_board() -> None:
    doubles = setting(noted=(model(parameter_bytes={"float64": 100}, returns="float64"),))
    assert "on top of float32" in FIX.refuses(doubles) and not FIX.space(doubles)
    narrowed = replace(doubles, workload=float32.FIX.apply(doubles.workload, {"calls": []}, cast(Workshop, None)))
    assert not FIX.refuses(narrowed)
    (parameters,) = FIX.space(narrowed)
    assert [call["cast"] for call in parameters["calls"]] == [True]


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    parameters = {"calls": [{"site": site_of(SOURCE, "net(torch.ones(4, 8))"), "device": "cpu", "cast": True}]}
    text, line = both(tmp_path, SOURCE, FIX, parameters)
    assert line.startswith("{'torch.bfloat16'} torch.float32") and line.endswith("torch.float32")
    assert 'loss = (torch.autocast("cpu", torch.bfloat16)(net)(torch.ones(4, 8)).float() - n).square()' in text


def test_an_answer_that_is_no_tensor_is_not_cast(tmp_path: Path) -> None:
    source = SOURCE.replace("return self.head(found)", "return self.head(found), 1").replace(
        "(net(torch.ones(4, 8)) - n)", "(net(torch.ones(4, 8))[0].float() - n)"
    )
    (parameters,) = FIX.space(setting(noted=(model(returns=""),)))
    assert parameters["calls"][0]["cast"] is False
    calls = [{"site": site_of(source, "net(torch.ones(4, 8))"), "device": "cpu", "cast": False}]
    _, line = both(tmp_path, source, FIX, {"calls": calls})
    assert line.startswith("{'torch.bfloat16'} torch.float32")


def test_it_is_tried_without_the_instructions_and_the_report_names_them() -> None:
    plain = setting(noted=(model(),))
    emulated = replace(plain, machine=replace(MACHINE, flags=("avx2",)))
    assert not FIX.refuses(emulated) and len(FIX.space(emulated)) == 1
    assert "no avx512_bf16 or amx_bf16: bfloat16 is emulated" in FIX.why_slower(emulated)
    assert not FIX.why_slower(plain)
    assert not FIX.why_slower(replace(emulated, facts=setting(noted=(gpu_model(),)).facts))


def test_what_gave_nothing_once_is_not_tried_again() -> None:
    assert FIX.odds * UNHELPFUL_ODDS < LEAST_ODDS


class TestAnOldGpu:
    OLD = gpu_model(capability=[7, 5])
    LOSS, UPDATE = noted("goes-backward", line=4, arguments=0), noted("updates", line=5, arguments=0)

    @pytest.mark.parametrize(
        ("calls", "says"),
        [
            ((), "one loss and one optimizer"),
            ((LOSS, noted("goes-backward", line=9, arguments=0), UPDATE), "one loss"),
            ((LOSS, noted("updates", arguments=1)), "plain"),
            ((LOSS, noted("updates", direct=False, arguments=0)), "own source"),
            ((LOSS, UPDATE, noted("clips", call="clip_grad_norm_")), "clipped"),
            ((LOSS, UPDATE, noted("scaler")), "by itself"),
        ],
    )
    def test_losses_that_cannot_be_scaled(self, calls: tuple[Noted, ...], says: str) -> None:
        known = setting(noted=(self.OLD, *calls))
        assert says in FIX.refuses(known) and not FIX.space(known)

    def test_float16_with_a_scaled_loss(self) -> None:
        (parameters,) = FIX.space(setting(noted=(self.OLD, self.LOSS, self.UPDATE)))
        assert parameters["backward"]["site"]["line"] == 4 and parameters["step"]["site"]["line"] == 5

    @pytest.mark.parametrize("scheduled", ["", "schedule = torch.optim.lr_scheduler.StepLR(optimizer, 9)"])
    def test_the_run_time_form_and_the_edit_come_to_the_same(self, tmp_path: Path, scheduled: str) -> None:
        # The first steps are left out: with the scale that is begun with, gradients overflow.
        source = (
            SOURCE.replace("for n in range(3)", f"{scheduled}\nfor n in range(20)")
            .replace("- n)", "- 1)")
            .replace("    loss.back", "    optimizer.zero_grad()\n    loss.back")
        )
        parameters = {
            "calls": [{"site": site_of(source, "net(torch.ones(4, 8))"), "device": "cpu", "cast": True}],
            "backward": {"site": site_of(source, "loss.backward()")},
            "step": {"site": site_of(source, "optimizer.step()")},
        }
        text, line = both(tmp_path, source, FIX, parameters)
        assert line.startswith("{'torch.float16'} torch.float32")
        assert "scaled(loss).backward()" in text and "unscaled(optimizer).step()" in text
        assert float(line.split()[2]) < 0.01  # It has learned.


@pytest.mark.gpu
def test_on_a_gpu(tmp_path: Path) -> None:
    source = SOURCE.replace("net = Net()", "net = Net().cuda()").replace("torch.ones(4, 8)", "torch.ones(4, 8).cuda()")
    call = {"site": site_of(source, "net(torch.ones(4, 8).cuda())"), "device": "cuda", "cast": True}
    _, line = both(tmp_path, source, FIX, {"calls": [call]})
    assert line.startswith("{'torch.bfloat16'} torch.float32")
