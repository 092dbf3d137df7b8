"""The fix `keep-model-loaded`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx

from handmade import noted
from unslow.core.facts import FileRead
from unslow.fixes.keep_model_loaded import FIX

from . import scripted
from .workshop import FACTS, FakeWorkshop, on, setting

FUNCTION = on("function")
RELOADING = replace(FACTS, files_read=(FileRead("/models/model.onnx", 90 << 20, 1.0),))


def test_refuses_where_files_are_opened_once() -> None:
    once = replace(FACTS, files_read=(FileRead("/models/model.onnx", 90 << 20, 0.03),))
    assert "no file" in FIX.refuses(setting(FUNCTION, once))
    assert "no file" in FIX.refuses(setting(FUNCTION))


def test_changes_nothing_where_it_is_on(tmp_path: Path) -> None:
    before = on("function", keep_loaded=True)
    assert FIX.apply(before, {}, FakeWorkshop(tmp_path)) is before
    assert "already" in FIX.refuses(setting(before, RELOADING))


def test_is_for_functions_and_scripts_only() -> None:
    assert FIX.runtimes == {"function", "script"}


def test_switches_it_on(tmp_path: Path) -> None:
    assert FIX.refuses(setting(FUNCTION, RELOADING)) == ""
    assert FIX.apply(FUNCTION, {}, FakeWorkshop(tmp_path)).model.settings == {"keep_loaded": True}


SCRIPT = """
import torch

torch.save({"w": torch.ones(2)}, "a.pt")
torch.save({"w": torch.zeros(2)}, "b.pt")
seen = []
for n in range(3):
    seen.append(torch.load("a.pt", map_location=torch.device("cpu")))
    other = torch.load("b.pt")
    seen[-1]["extra"] = n
print(seen[0]["w"] is seen[1]["w"], seen[0] is seen[1], [state["extra"] for state in seen], other["w"].tolist())
"""
SESSIONS = """
import numpy as np, onnxruntime as ort

ids = []
for n in range(3):
    session = ort.InferenceSession("model.onnx")
    ids.append(id(session._sess))
print(len(set(ids)), type(session).__name__, session.run(None, {"x": np.ones(2, np.float32)}))
"""


def tiny_model() -> bytes:
    nodes = [onnx.helper.make_node("Add", ["x", "x"], ["y"])]
    kinds = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in ("x", "y")]
    graph = onnx.helper.make_graph(nodes, "g", kinds[:1], kinds[1:])
    opsets = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, ir_version=8, opset_imports=opsets).SerializeToString()


class TestOfAScript:
    def test_nothing_is_loaded_again_by_a_call_of_its_own(self) -> None:
        once, by_a_library = noted("load", times=0, again=0), noted("load", False, times=9, again=8)
        others = noted("load", times=9, again=0)
        known = scripted.setting(noted=(once, by_a_library, others))
        assert FIX.refuses(known) and not FIX.space(known)
        assert len(FIX.space(scripted.setting(noted=(noted("load", times=9, again=8),)))[0]["calls"]) == 1

    def test_the_run_time_form_and_the_edit_come_to_the_same(self, tmp_path: Path) -> None:
        call = {"site": scripted.site_of(SCRIPT, 'torch.load("a.pt", map_location=torch.device("cpu"))')}
        text, line = scripted.both(tmp_path, SCRIPT, FIX, {"calls": [call]})
        assert line == "True False [0, 1, 2] [0.0, 0.0]"
        assert 'loaded_once(torch.load)("a.pt", map_location' in text

    def test_a_session(self, tmp_path: Path) -> None:
        source = SESSIONS.replace('"model.onnx"', repr(str(tmp_path / "model.onnx")))
        (tmp_path / "model.onnx").write_bytes(tiny_model())
        call = {"site": scripted.site_of(source, f"ort.InferenceSession({str(tmp_path / 'model.onnx')!r})")}
        _, line = scripted.both(tmp_path, source, FIX, {"calls": [call]})
        assert line.startswith("1 InferenceSession [array([2., 2.]")
