"""OpenVINO's side of the graphs, in a process of its own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from functools import cache, partial
from typing import Any, cast

import numpy as np

from unslow.machine._bench_onnxruntime import GRAPHS
from unslow.machine._graphs import graph
from unslow.machine._serve import THREADS, Case, serve
from unslow.machine._turns import Call, seconds_in_one_turn


def prepare() -> Mapping[str, Case]:
    # Importing OpenVINO sends usage statistics, from a process that it forks; without this library it uses a silent
    # stand-in. Nothing else of unslow lives in this process, so that the entry need not be taken back.
    sys.modules["openvino_telemetry"] = cast(Any, None)
    openvino: Any = importlib.import_module("openvino")
    core = openvino.Core()
    return {f"graph:{name}": partial(_seconds, core, name) for name in GRAPHS}


@cache
def _network(core: Any, name: str) -> Call:
    network, shape = graph(name)
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(core.read_model(network), "CPU", settings).create_infer_request()
    values = {"x": np.random.default_rng(1).standard_normal(shape, np.float32)}
    return partial(request.infer, values)


def _seconds(core: Any, name: str) -> list[float]:
    return seconds_in_one_turn(_network(core, name))


if __name__ == "__main__":
    serve(prepare)
