from __future__ import annotations

import pytest

from handmade import EMPTY, evidence, facts, found, op, step, the
from unslow.habits.cpu_fallback import HABIT

CPU, CUDA = {"provider": "CPUExecutionProvider"}, {"provider": "CUDAExecutionProvider"}
ONNX = facts("onnx")


def test_a_graph_on_one_provider() -> None:
    for provider in (CPU, CUDA, {}):
        assert not found(HABIT, evidence(step(op("Conv", 60, **provider), op("Relu", 30, **provider)), ONNX))
    assert not found(HABIT, evidence(EMPTY, ONNX))


def test_small_integers_that_are_kept_on_the_processor() -> None:
    assert not found(HABIT, evidence(step(op("Conv", 90, **CUDA), op("Shape", 0.5, **CPU)), ONNX))


def test_nodes_that_fell_back_and_the_copies_for_them() -> None:
    nodes = [
        op("Conv", 50, **CUDA, op="Conv"), op("to", 10, **CUDA, op="MemcpyToHost", category="transfer"),
        op("nms", 20, **CPU, op="NonMaxSuppression"),
    ]  # fmt: skip
    finding = the(HABIT, evidence(step(*nodes), ONNX))
    assert finding.share == pytest.approx(0.3) and finding.floor is None
    assert "NonMaxSuppression" in finding.title and "CUDA" in finding.title
