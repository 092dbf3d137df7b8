"""The fix `defer-sync`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handmade import noted
from unslow.core.jsonable import to_json
from unslow.core.script import Noted, Site
from unslow.core.variant import Parameters
from unslow.fixes.defer_sync import FIX
from unslow.scripts.deferral import Deferral, deferral

from .scripted import both, setting, site_of

SOURCE = """
import torch

torch.manual_seed(0)
values = torch.rand(7, 4)
for epoch in range(2):
    total = 0.0
    said = 0.0
    right = 0
    for n, row in enumerate(values):
        total += row.mean().item() * len(row)
        right += (row > 0.5).sum().item()
        said += row.max().item()
        if n % 3 == 2:
            # Now and then.
            print(said, f"{said / 3:.4f}")
            said = 0.0
    print(epoch, total / 3, repr(right), repr(said), right == right + 0.0)
"""
SUM, COUNT, SAID = "row.mean().item()", "(row > 0.5).sum().item()", "row.max().item()"


def asked(numbers: str = "float", times: int = 20, device: str = "cuda", **known: Any) -> Noted:
    details = {"call": "item", "device": device, "numbers": numbers, "deferral": to_json(Deferral(**known))}
    return replace(noted("sync", **details), times_in_steps=times, seconds_in_steps=1.0)


def parameters_for(*calls: tuple[str, str]) -> Parameters:
    """As the survey finds them: the texts of calls, and of which kind their numbers are."""
    found: list[Noted] = []
    for text, numbers in calls:
        site = Site(**site_of(SOURCE, text))
        found.append(replace(asked(numbers, **to_json(deferral(SOURCE, site))), site=site))
    (parameters,) = FIX.space(setting(noted=tuple(found)))
    return parameters


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (asked(times=2), "no call"),
        (asked(why_not="it is said in every step"), "it is said in every step"),
        (asked("complex", name="total"), "complex"),
        (asked("int", name="total", begins="int", multiplied=True), "whole numbers"),
        (asked(device="mps", name="total"), "no float64"),
    ],
)
def test_what_cannot_be_put_off_is_refused_with_its_reason(call: Noted, why: str) -> None:
    assert why in FIX.refuses(setting(noted=(call,))) and not FIX.space(setting(noted=(call,)))


def test_a_script_that_asks_for_nothing() -> None:
    assert FIX.refuses(setting())


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    parameters = parameters_for((SUM, "float"), (COUNT, "int"), (SAID, "float"))
    text, line = both(tmp_path, SOURCE, FIX, parameters)
    assert line == original(tmp_path)
    assert "total += row.mean().detach().double() * len(row)\n" in text
    assert "right += (row > 0.5).sum().long()\n" in text
    again = 'said = said.item() if hasattr(said, "item") else said\n'
    assert f"            # Now and then.\n            {again}            print(said" in text
    assert f"    {again}    print(epoch" in text


def test_an_int_added_to_a_float(tmp_path: Path) -> None:
    source = SOURCE.replace("right = 0", "right = 0.0")
    site = Site(**site_of(source, COUNT))
    call = replace(asked("int", **to_json(deferral(source, site))), site=site)
    (parameters,) = FIX.space(setting(noted=(call,)))
    assert parameters["calls"][0]["numbers"] == "float"
    _, line = both(tmp_path, source, FIX, parameters)
    assert ".0 0" in line  # a float, as it was


def original(tmp_path: Path) -> str:
    """The script's last line without any change."""
    _, line = both(tmp_path / "original", SOURCE, FIX, {"calls": []})
    return line
