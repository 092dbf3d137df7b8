"""The fix `float32`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from handmade import loader, noted
from unslow.core.facts import Leaf
from unslow.fixes.float32 import FIX

from . import scripted
from .workshop import FACTS, WORKLOAD, FakeWorkshop, on, setting

SINGLE = replace(FACTS, parameter_bytes={"float32": 100}, inputs=(Leaf("x", "float32", (((1, 8), 1),)),))
DOUBLE = replace(FACTS, parameter_bytes={"float64": 100}, outputs=(Leaf("y", "float64", (((1, 8), 1),)),))


def test_changes_nothing_where_nothing_is_double(tmp_path: Path) -> None:
    assert FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path, SINGLE)) is WORKLOAD
    assert "64-bit" in FIX.refuses(setting(facts=SINGLE))


def test_refuses_where_a_type_is_chosen() -> None:
    assert "chosen" in FIX.refuses(setting(on("torch-module", dtype="bfloat16"), DOUBLE))


def test_double_weights_become_single_and_answers_stay_double(tmp_path: Path) -> None:
    after = FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path, DOUBLE))
    assert after.model.settings == {"dtype": "float32", "output_dtypes": ["float64"]}


def test_double_inputs_are_enough(tmp_path: Path) -> None:
    facts = replace(SINGLE, inputs=(Leaf("x", "float64", (((1, 8), 1),)),))
    assert FIX.refuses(setting(facts=facts)) == ""
    assert FIX.apply(WORKLOAD, {}, FakeWorkshop(tmp_path, facts)).model.settings["dtype"] == "float32"


SCRIPT = """
import numpy as np
import torch

rows = torch.from_numpy(np.ones((2, 3)))
model = torch.nn.Linear(3, 1).double()
print(rows.dtype, model(rows).dtype)
"""


LAYERS = """
import torch


class Norm(torch.nn.LayerNorm):
    def __init__(self, kind):
        super().__init__(2, dtype=kind)


model = torch.nn.Sequential(torch.nn.Linear(3, 2, dtype=torch.float64), Norm(torch.float64))
other = torch.nn.Linear(2, 3, dtype=torch.float64)
print(model[0].weight.dtype, model[1].weight.dtype, other.weight.dtype)
"""


LOADED = """
import numpy as np
import torch
from torch.utils.data import DataLoader


class Rows:
    def __len__(self):
        return 4

    def __getitem__(self, index):
        tensor = torch.ones(2, dtype=torch.float64)
        return {"row": np.ones(3), "more": (tensor, [0.5, index]), "name": "ab"[index % 2]}


model = torch.nn.Linear(3, 1).double()
for batch in DataLoader(Rows(), batch_size=2):
    tensor, (number, index) = batch["more"]
    made = model(batch["row"])
print(batch["row"].dtype, tensor.dtype, number.dtype, index.dtype, made.dtype, batch["name"][1])
"""
DEFAULT = """
import torch

torch.set_default_dtype(torch.float64)
print(torch.nn.Linear(3, 1)(torch.ones(2, 3)).dtype)
"""

ASKED = """
import torch

weight = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
row = torch.full((3,), 0.5, dtype=torch.double)
(row @ weight).sum().backward()
print(weight.is_leaf, weight.grad.dtype, row.dtype)
"""


class TestOfAScript:
    def test_no_call_of_its_own_makes_doubles(self) -> None:
        by_a_library = noted("double", False, call="tensor", elements=9)
        known = scripted.setting(noted=(by_a_library, noted("double", False, call="set_default_dtype", elements=0)))
        assert "no call of the script's own" in FIX.refuses(known)

    def test_the_loaders_whose_items_are_doubles_are_changed_too(self) -> None:
        made = noted("double", call="Module.double", elements=9)
        loaders = loader(doubles=True), loader(doubles=True), loader(), loader(doubles=True, direct=False)
        (parameters,) = FIX.space(scripted.setting(*loaders, noted=(made,)))
        assert len(parameters["loaders"]) == 1 and len(parameters["calls"]) == 1
        assert not FIX.space(scripted.setting(*loaders))

    def test_items_of_numpy_by_both_forms(self, tmp_path: Path) -> None:
        made = [("torch.nn.Linear(3, 1).double()", "Module.double")]
        parameters = {
            "calls": [{"site": scripted.site_of(LOADED, text), "call": call} for text, call in made],
            "loaders": [{"site": scripted.site_of(LOADED, "DataLoader(Rows(), batch_size=2)")}],
        }
        text, line = scripted.both(tmp_path, LOADED, FIX, parameters)
        assert line == "torch.float32 torch.float32 torch.float32 torch.int64 torch.float32 b"
        assert "DataLoader(InFloat32(Rows()), batch_size=2)" in text and "from in_float32 import InFloat32" in text

    def test_the_default_type_by_both_forms(self, tmp_path: Path) -> None:
        site = scripted.site_of(DEFAULT, "torch.set_default_dtype(torch.float64)")
        text, line = scripted.both(tmp_path, DEFAULT, FIX, {"calls": [{"site": site, "call": "set_default_dtype"}]})
        assert line == "torch.float32" and "torch.set_default_dtype(torch.float32)" in text

    def test_factories_that_are_told_their_type_by_both_forms(self, tmp_path: Path) -> None:
        known = [noted("double", call="zeros", elements=9, by_dtype=True), noted("double", call="zeros", elements=9)]
        (parameters,) = FIX.space(scripted.setting(noted=tuple(known)))
        assert [call.get("by_dtype") for call in parameters["calls"]] == [True]
        made = [
            ("torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)", "zeros"),
            ("torch.full((3,), 0.5, dtype=torch.double)", "full"),
        ]
        calls = [{"site": scripted.site_of(ASKED, text), "call": call, "by_dtype": True} for text, call in made]
        text, line = scripted.both(tmp_path, ASKED, FIX, {"calls": calls})
        assert line == "True torch.float32 torch.float32"
        assert "torch.zeros(3, 2, dtype=torch.float32, requires_grad=True)" in text

    def test_layers_that_are_told_their_type_by_both_forms(self, tmp_path: Path) -> None:
        kinds = [("torch.nn.modules.linear", "Linear"), ("torch.nn.modules.normalization", "LayerNorm")]
        known = [noted("double", call=kind, elements=9, by_dtype=True, module=module) for module, kind in kinds]
        (parameters,) = FIX.space(scripted.setting(noted=tuple(known)))
        assert [(call["module"], call["call"]) for call in parameters["calls"]] == kinds
        made = ["torch.nn.Linear(3, 2, dtype=torch.float64)", "super().__init__(2, dtype=kind)"]
        calls = [
            {"site": scripted.site_of(LAYERS, text), "call": kind, "module": module, "by_dtype": True}
            for text, (module, kind) in zip(made, kinds, strict=True)
        ]
        text, line = scripted.both(tmp_path, LAYERS, FIX, {"calls": calls})
        assert line == "torch.float32 torch.float32 torch.float64"
        assert "torch.nn.Linear(3, 2, dtype=torch.float32)" in text
        assert "super().__init__(2, dtype=torch.float32)" in text

    def test_the_run_time_form_and_the_edit_come_to_the_same(self, tmp_path: Path) -> None:
        made = [
            ("torch.from_numpy(np.ones((2, 3)))", "from_numpy"),
            ("torch.nn.Linear(3, 1).double()", "Module.double"),
        ]
        calls = [{"site": scripted.site_of(SCRIPT, text), "call": call} for text, call in made]
        text, line = scripted.both(tmp_path, SCRIPT, FIX, {"calls": calls})
        assert line == "torch.float32 torch.float32"
        assert "torch.from_numpy(np.ones((2, 3))).float()" in text and "torch.nn.Linear(3, 1).float()" in text
