"""A workshop in a folder of the test's own, small models, and settings with one field changed."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.calls import leaf_names, leaves_of, structure_of
from unslow.core.facts import Facts, Leaf
from unslow.core.jsonable import to_json
from unslow.core.machine import Machine
from unslow.core.variant import ArrayRequest, Objective, Setting, Workshop
from unslow.core.workload import Inference, Model, Target, Workload
from unslow.fixes._quantization import multiplies_safely
from unslow.machine.facts import this_machine

Request = dict[str, Any]

MACHINE = Machine(
    processor="a processor",
    cores=4,
    logical_cores=8,
    physical_cores=4,
    cpu_quota=None,
    memory_bytes=16 << 30,
    flags=("avx2", "avx512f", "avx512_vnni", "avx512_bf16"),
    accelerators=(),
    system="Linux",
    python="3.11",
)
FACTS = Facts("torch", 8, 0.01, 1.0, 1 << 30, 0.01)
WORKLOAD = Workload(Target("python-file", "/somewhere/model.py", "model"), Model("torch-module"))


class FakeWorkshop(Workshop):
    """Keeps what is made by name and key in `folder`; `made` counts the builds of each name."""

    def __init__(self, folder: Path, facts: Facts = FACTS, model: Any = None, requests: Sequence[Request] = ()) -> None:
        self.facts = facts
        self.machine = MACHINE
        self.folder = folder
        self.model = model
        self.given = requests
        self.made: dict[str, int] = {}

    def make(self, name: str, key: Mapping[str, Any], builder: Callable[[Path], None]) -> Path:
        text = json.dumps(to_json(key), sort_keys=True)
        path = self.folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        if not path.exists():
            path.mkdir(parents=True)
            builder(path)
            self.made[name] = self.made.get(name, 0) + 1
        return path

    def inference(self) -> Inference:
        return Inference(self.model, list(self.given) or [{}])

    def requests(self, most: int) -> Sequence[ArrayRequest]:
        return self.given[:most]


def setting(
    workload: Workload = WORKLOAD, facts: Facts = FACTS, machine: Machine = MACHINE, objective: Objective = "latency"
) -> Setting:
    return Setting(workload, facts, machine, objective)


EIGHT_BITS = 0.05
"""The largest error of 8 bits where no sum overflows, as `largest_error` counts it."""

WHOLE_RANGE = EIGHT_BITS if multiplies_safely(setting(machine=this_machine(floors=False))) else 0.15
"""The same with the whole range of 8 bits: without VNNI the sum of two products stops at 16 bits."""


def on(runtime: str, path: str = "", **settings: Any) -> Workload:
    """The workload with its model opened by `runtime`."""
    return replace(WORKLOAD, model=Model(runtime, path, settings))


def learned(model: Any, requests: Sequence[Request], **fields: Any) -> Facts:
    """The facts of a torch model and its requests, as the survey would find them."""
    torch: Any = importlib.import_module("torch")
    answers = [model(**{name: torch.from_numpy(array) for name, array in request.items()}) for request in requests]
    structure = structure_of(answers[0])
    leaves = [[leaf.detach().numpy() for leaf in leaves_of(answer)] for answer in answers]
    return replace(
        FACTS,
        requests=len(requests),
        inputs=tuple(_leaf(name, [request[name] for request in requests]) for name in requests[0]),
        outputs=tuple(
            _leaf(name, list(arrays))
            for name, arrays in zip(leaf_names(structure), zip(*leaves, strict=True), strict=True)
        ),
        output_structure=structure,
        **fields,
    )


def _leaf(name: str, arrays: Sequence[Any]) -> Leaf:
    shapes = [tuple(array.shape) for array in arrays]
    return Leaf(name, str(arrays[0].dtype), tuple((shape, shapes.count(shape)) for shape in dict.fromkeys(shapes)))


def answers_of(model: Any, requests: Sequence[Request]) -> list[list[Any]]:
    """The torch model's answers in evaluation mode, each as its leaves."""
    torch: Any = importlib.import_module("torch")
    was = model.training
    model.eval()
    with torch.no_grad():
        answers = [
            [
                leaf.numpy()
                for leaf in leaves_of(model(**{name: torch.from_numpy(array) for name, array in request.items()}))
            ]
            for request in requests
        ]
    model.train(was)
    return answers


def onnx_answers(path: str, requests: Sequence[Request]) -> list[list[Any]]:
    """What ONNX Runtime answers from this file, each as its outputs in order."""
    onnxruntime: Any = importlib.import_module("onnxruntime")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return [session.run(None, dict(request)) for request in requests]


def openvino_answers(path: str, requests: Sequence[Request]) -> list[list[Any]]:
    """What OpenVINO answers from this file in float32, each as its outputs in order."""
    openvino: Any = importlib.import_module("openvino")
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [[np.array(value) for value in compiled(dict(request)).values()] for request in requests]


def largest_error(answers: Sequence[Sequence[Any]], others: Sequence[Sequence[Any]]) -> float:
    """The largest absolute difference between two lists of answers, divided by the largest value of the first."""
    pairs = [
        (left, right)
        for answer, other in zip(answers, others, strict=True)
        for left, right in zip(answer, other, strict=True)
    ]
    scale = max(float(np.abs(left).max()) for left, _ in pairs)
    return max(float(np.abs(left - right).max()) for left, right in pairs) / scale


def operators(path: str) -> Counter[str]:
    """How often each operator occurs in an ONNX file."""
    onnx: Any = importlib.import_module("onnx")
    return Counter(node.op_type for node in onnx.load(path, load_external_data=False).graph.node)


def openvino_types(path: str) -> Counter[str]:
    """How often each element type occurs among the weights with more than one axis of an OpenVINO graph."""
    openvino: Any = importlib.import_module("openvino")
    weights = [
        node for node in openvino.Core().read_model(path).get_ordered_ops() if node.get_type_name() == "Constant"
    ]
    return Counter(
        node.get_element_type().get_type_name() for node in weights if sum(n > 1 for n in node.get_output_shape(0)) > 1
    )
