"""NNCF's post-training quantisation for OpenVINO, as its tutorials do it: `nncf.quantize` on the user's requests.

For the encoder `model_type=TRANSFORMER` is given, as NNCF's own examples for language models do (without it the bias
correction fails on the table of embeddings).
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from _handmade import CALIBRATED, built_here, exported, feeds, need, openvino_model, peer

import unslow

GRAPH_FILE = "int8.xml"


def build(folder: Path, example: str) -> None:
    need("nncf")
    library: Any = importlib.import_module("openvino")
    nncf: Any = importlib.import_module("nncf")
    graph = library.Core().read_model(str(exported(folder, example)))
    seen = nncf.Dataset([list(feed.values()) for feed in feeds(folder, example)[-CALIBRATED:]])
    transformer = nncf.ModelType.TRANSFORMER if example == "encoder" else None
    library.save_model(nncf.quantize(graph, seen, model_type=transformer, subset_size=CALIBRATED), folder / GRAPH_FILE)


@unslow.workload
def encoder() -> unslow.Inference:
    return peer(__file__, "encoder", lambda folder: openvino_model(folder / GRAPH_FILE))


@unslow.workload
def classifier() -> unslow.Inference:
    return peer(__file__, "classifier", lambda folder: openvino_model(folder / GRAPH_FILE))


if __name__ == "__main__":
    built_here(build)
