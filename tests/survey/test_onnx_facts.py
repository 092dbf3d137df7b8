from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.survey.onnx_facts import graph_facts

onnx: Any = pytest.importorskip("onnx")


def saved(folder: Path, *weights: np.ndarray) -> str:
    values = [onnx.numpy_helper.from_array(array, f"w{number}") for number, array in enumerate(weights)]
    graph = onnx.helper.make_graph([], "g", [], [], initializer=values)
    path = folder / "m.onnx"
    onnx.save(onnx.helper.make_model(graph), str(path))
    return str(path)


def test_a_file_that_cannot_be_parsed_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\xff\xff")
    assert graph_facts(str(tmp_path / "m.onnx")) == {}


def test_a_graph_without_weights_tells_of_no_types(tmp_path: Path) -> None:
    assert graph_facts(saved(tmp_path)) == {"products": 0}


def test_weights_are_counted_in_bytes_by_type(tmp_path: Path) -> None:
    path = saved(tmp_path, np.ones((3, 4), np.float32), np.ones(5, np.float32), np.ones(2, np.int64))
    assert graph_facts(path)["parameter_bytes"] == {"float32": 68, "int64": 16}


def test_weights_in_a_branch_and_constant_nodes_count_too(tmp_path: Path) -> None:
    tensor = onnx.numpy_helper.from_array(np.ones(7, np.float32), "inner")
    output = [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [7])]
    node = onnx.helper.make_node("Constant", [], ["y"], value=tensor)
    branch = onnx.helper.make_graph([node], "branch", [], output)
    given = [onnx.helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, [])]
    choice = onnx.helper.make_node("If", ["c"], ["z"], then_branch=branch, else_branch=branch)
    graph = onnx.helper.make_graph([choice], "g", given, [])
    onnx.save(onnx.helper.make_model(graph), str(tmp_path / "m.onnx"))
    assert graph_facts(str(tmp_path / "m.onnx")) == {"products": 0, "parameter_bytes": {"float32": 56}}


def test_products_of_the_main_graph_are_counted(tmp_path: Path) -> None:
    nodes = [onnx.helper.make_node(kind, ["a", "b"], [kind]) for kind in ("MatMul", "Gemm", "Add")]
    graph = onnx.helper.make_graph(nodes, "g", [], [])
    onnx.save(onnx.helper.make_model(graph), str(tmp_path / "m.onnx"))
    assert graph_facts(str(tmp_path / "m.onnx"))["products"] == 2
