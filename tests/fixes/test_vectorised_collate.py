"""The fix `vectorised-collate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from handmade import loader, noted
from unslow.core.script import Noted, Site
from unslow.fixes.vectorised_collate import FIX

from .scripted import both, setting, site_of

SOURCE = """
import numpy as np
import torch
from torch.utils.data import DataLoader

joins = 0

def collate(items):
    global joins
    joins += 1
    return {"x": torch.tensor([[float(v) for v in row] for row, _ in items]), "n": torch.tensor([n for _, n in items])}

rows = [(np.arange(4.0) / (n + 3), n) for n in range(6)]
total = 0.0
for batch in DataLoader(rows, batch_size=2, num_workers=0, collate_fn=collate):
    total += (batch["x"].sum() + batch["n"].sum()).item()
for _ in range(2):
    made = torch.tensor([row for row, _ in rows], dtype=torch.float32)
    total += made.sum().item()
with torch.device("meta"):
    elsewhere = torch.tensor([1.0]).device
print(joins, total, elsewhere, batch["x"].dtype, batch["n"].dtype, made.dtype)
"""
LOADER = "DataLoader(rows, batch_size=2, num_workers=0, collate_fn=collate)"
TENSOR = "torch.tensor([row for row, _ in rows], dtype=torch.float32)"
JOINED = {
    "form": "dict",
    "fields": [
        {"key": "x", "place": 0, "dtype": "torch.float32", "shape": None},
        {"key": "n", "place": 1, "dtype": "torch.int64", "shape": None},
    ],
}


def stacked(why: str = "", direct: bool = True) -> Noted:
    known = noted("arrays", direct, call="tensor", bytes=96, why_not_stacked=why)
    return replace(known, times_in_steps=20, seconds_in_steps=1.0)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"why_not_vectorised": "joining draws random numbers", "joined": {}}, "random"),
        ({"why_not_vectorised": "its collate function is not passed by name"}, "by name"),
        ({"vector_collate_s": 0.9e-3}, "no faster"),
        ({"direct": False}, "not in the source"),
        ({"collate_s": 0.0}, "joins no items"),
    ],
)
def test_what_cannot_be_joined_at_once_is_refused(fields: dict[str, object], reason: str) -> None:
    known = {"collate_s": 1e-3, "vector_collate_s": 1e-5, "joined": JOINED, **fields}
    assert reason in FIX.refuses(setting(loader(**known))) and not FIX.space(setting(loader(**known)))


@pytest.mark.parametrize("call", [stacked("its arrays differ in shape or type"), stacked(direct=False)])
def test_arrays_that_cannot_be_stacked(call: Noted) -> None:
    assert FIX.refuses(setting(noted=(call,))) and FIX.refuses(setting())


def test_a_call_in_the_function_that_is_exchanged_is_left_alone() -> None:
    joins = loader(collate_s=1e-3, vector_collate_s=1e-5, joined=JOINED, collate=Site("train.py", 2, 0, 5))
    (parameters,) = FIX.space(setting(joins, noted=(stacked(),)))
    assert len(parameters["loaders"]) == 1 and not parameters["calls"]
    (alone,) = FIX.space(setting(noted=(stacked(),)))
    assert not alone["loaders"] and len(alone["calls"]) == 1


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    parameters = {
        "loaders": [{"site": site_of(SOURCE, LOADER), "joined": JOINED}],
        "calls": [{"site": site_of(SOURCE, TENSOR), "call": "tensor"}],
    }
    text, line = both(tmp_path, SOURCE, FIX, parameters)
    assert line.startswith("0 ") and line.endswith(" torch.float32 torch.int64 torch.float32")
    assert 'collate_fn=Joined({"x": ' in text.replace("'", '"') and "torch.tensor(numpy.asarray([row for" in text
    _, before = both(tmp_path / "before", SOURCE, FIX, {"loaders": [], "calls": []})
    assert before.split()[1:] == line.split()[1:] and before.startswith("3 ")
