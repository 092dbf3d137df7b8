"""What the 8-bit fixes share: the float graph made ready, and the layers that can be quantised."""

from __future__ import annotations

import importlib
import importlib.util
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unslow.core.errors import BadInput
from unslow.core.facts import Facts
from unslow.core.variant import Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._nncf import openvino_layers
from unslow.fixes._onnx import LARGEST_INLINE_BYTES, MODEL_FILE
from unslow.fixes._quiet import quiet
from unslow.fixes._settings import is_convolutional

WITH_WEIGHTS = ("Conv", "MatMul", "Gemm")


def float_graph(workload: Workload, workshop: Workshop) -> Path:
    """The workload's ONNX graph with shapes inferred and constants and normalisations folded into their neighbours.

    Quantisation works on this graph, and `exclude` names its nodes: each node has a name.
    """
    source = workload.model.path or workload.target.location
    return (
        workshop.make("onnx-float", {"source": source}, lambda folder: _prepare(source, folder / MODEL_FILE))
        / MODEL_FILE
    )


def _prepare(source: str, path: Path) -> None:
    onnx: Any = importlib.import_module("onnx")
    shape_inference: Any = importlib.import_module("onnxruntime.quantization.shape_inference")
    large = _size_on_disk(Path(source)) > LARGEST_INLINE_BYTES
    options: dict[str, Any] = {"save_as_external_data": large, "all_tensors_to_one_file": large}
    if large:
        options["external_data_location"] = f"{MODEL_FILE}.data"
    symbolic = importlib.util.find_spec("sympy") is not None
    with quiet():
        try:
            shape_inference.quant_pre_process(
                source, str(path), skip_symbolic_shape=not symbolic, auto_merge=True, **options
            )
        except Exception:  # symbolic inference stops at operators that it does not know; the plain one leaves them open
            shape_inference.quant_pre_process(source, str(path), skip_symbolic_shape=True, **options)
    model = onnx.load(str(path), load_external_data=False)
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{index}"
    onnx.save(model, str(path))


def _size_on_disk(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def layers(graph: Path, types: Sequence[str] = WITH_WEIGHTS) -> tuple[str, ...]:
    """The names of the nodes that multiply by constant weights, in the graph's order."""
    model = _read(graph)
    constants = {tensor.name for tensor in model.initializer}
    constants |= {node.output[0] for node in model.node if node.op_type == "Constant"}
    return tuple(
        node.name for node in model.node if node.op_type in types and len(node.input) > 1 and node.input[1] in constants
    )


def layers_to_quantise(graph: Path, types: Sequence[str], parameters: Parameters) -> tuple[str, ...]:
    """The layers of these types less the excluded ones.

    Raises
    ------
    BadInput
        None is left.
    """
    excluded = set(parameters.get("exclude", ()))
    chosen = tuple(name for name in layers(graph, types) if name not in excluded)
    if not chosen:
        raise BadInput(
            "The model has no layer that could be quantised.", f"Looked for {', '.join(types)} with constant weights."
        )
    return chosen


def no_tool(setting: Setting) -> str:
    """Why an OpenVINO model cannot be quantised: NNCF is missing; "" otherwise."""
    if setting.workload.model.runtime == "openvino" and importlib.util.find_spec("nncf") is None:
        return "nncf is not installed: pip install 'unslow[openvino]'"
    return ""


def no_layers(facts: Facts) -> str:
    """Why an ONNX file cannot be quantised: none of its products is in the main graph; "" where one is, or nobody
    knows."""
    if facts.framework == "onnx" and facts.products == 0:
        return "its products are in branches or loops of the graph, which quantisation leaves as they are"
    return ""


def convolutional(facts: Facts) -> str:
    """Why fixes for matrix products do not help here, in one sentence: the work is in convolutions; "" otherwise."""
    if is_convolutional(facts):
        return "the model's products are convolutions, which this leaves as they are"
    return ""


def rescuable(workload: Workload, workshop: Workshop, types: Sequence[str] = WITH_WEIGHTS) -> tuple[str, ...]:
    """The names that `exclude` of the 8-bit fixes takes for this workload (before them), in the graph's order."""
    if workload.model.runtime == "openvino":
        return openvino_layers(workload.model.path)
    return layers(float_graph(workload, workshop), types)


def multiplies_safely(setting: Setting) -> bool:
    """Whether 8-bit products are summed without overflow (VNNI or its kin); else weights need a smaller range."""
    return any(setting.machine.has(flag) for flag in ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp"))


def operators(graph: Path) -> Counter[str]:
    """How often each operator occurs."""
    return Counter(node.op_type for node in _read(graph).node)


def graph_inputs(graph: Path) -> tuple[str, ...]:
    """The names of the inputs, without weights that older files list among them."""
    read = _read(graph)
    weights = {tensor.name for tensor in read.initializer}
    return tuple(value.name for value in read.input if value.name not in weights)


def _read(graph: Path) -> Any:
    onnx: Any = importlib.import_module("onnx")
    return onnx.load(str(graph), load_external_data=False).graph
