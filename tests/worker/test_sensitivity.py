"""Probes of layers: what one rounded layer does to the answers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from tests.fixes import models
from tests.fixes.conftest import Exported, _exported

from unslow.core.errors import BadInput
from unslow.core.variant import Rounding
from unslow.fixes import all_fixes
from unslow.search.rescue import most_harmful
from unslow.worker.probe import Probe
from unslow.worker.rounding import rounded_inputs, rounded_weights
from unslow.worker.sensitivity import MOST_SECONDS, layers_probed, measure

KINDS: tuple[Literal["floats", "each", "fixed"], ...] = ("floats", "each", "fixed")


class Products(Probe):
    """Layers one after another, each a product with a matrix; `outlier` makes one layer's input hard to round."""

    def __init__(self, outlier: str) -> None:
        random = np.random.default_rng(0)
        self.names = ("a", "b", "c")
        self.weights = {name: random.normal(size=(16, 16)) for name in self.names}
        self.channels = dict.fromkeys(self.names, -1)
        self.weights[outlier][0] *= 300
        self.asked: list[tuple[str, ...]] = []

    def _run(self, request: Any, added: Any, weights: Any, seen: dict[str, Any]) -> list[Any]:
        value = request["x"]
        for name in self.names:
            seen[name] = value
            value = np.tanh((value + added.get(name, 0)) @ weights.get(name, self.weights[name]))
        return [value]

    def inputs(self, request: Any) -> Any:
        seen: dict[str, Any] = {}
        self._run(request, {}, {}, seen)
        return seen

    def answer(self, request: Any, added: Any, weights: Any) -> list[Any]:
        self.asked.append(tuple(weights))
        return self._run(request, added, weights, {})


def requests(n: int) -> list[dict[str, Any]]:
    return [{"x": np.random.default_rng(seed).normal(size=(1, 16))} for seed in range(n)]


def test_rounding_keeps_what_needs_no_rounding() -> None:
    assert np.array_equal(rounded_weights(np.zeros((2, 3)), 8, -1), np.zeros((2, 3)))
    assert np.allclose(rounded_inputs(np.array([0.0, 255.0, 7.0])), [0, 255, 7])
    assert rounded_inputs(np.zeros((0, 4))).size == 0


def test_weights_keep_their_type_and_small_channels_their_detail() -> None:
    weights = np.array([[1000.0, 0.5], [400.0, 0.25]], np.float32)
    assert rounded_weights(weights, 8, -1).dtype == np.float32
    assert np.allclose(rounded_weights(weights, 8, -1), weights, rtol=0.01)
    assert rounded_weights(weights, 8, None)[1, 1] == 0
    errors = [np.abs(rounded_weights(weights, bits, -1) - weights).max() for bits in (7, 8)]
    assert errors[0] > errors[1]


def test_inputs_beyond_a_fixed_range_are_cut_off() -> None:
    assert rounded_inputs(np.array([5.0, -3.0]), -1.0, 2.0).tolist() == [2.0, -1.0]


@pytest.mark.parametrize("outlier", ["a", "b", "c"])
def test_the_layer_that_hurts_is_found(outlier: str) -> None:
    found = measure(Products(outlier), ("a", "b", "c"), Rounding(8, False, "each"), requests(3), clock=lambda: 0.0)
    assert most_harmful(found.layers)[0] == outlier
    distances = [rung.distance for rung in found.rungs]
    assert [rung.k for rung in found.rungs] == [0, 1, 2] and distances == sorted(distances, reverse=True)
    assert found.requests == 3


def test_floats_in_leave_only_the_weights_to_round() -> None:
    probe = Products("a")
    probe.weights = {name: np.eye(16) for name in probe.names}
    found = {kind: measure(probe, ("b",), Rounding(8, True, kind), requests(1), clock=lambda: 0.0) for kind in KINDS}
    assert found["floats"].layers[0].distance < 1e-12
    assert found["each"].layers[0].distance > 1e-7 and found["fixed"].layers[0].distance > 1e-7


def test_a_model_that_is_too_slow_is_not_probed() -> None:
    times = iter(range(0, 10**9, int(MOST_SECONDS)))
    with pytest.raises(BadInput, match="one at a time"):
        measure(Products("a"), ("a", "b", "c"), Rounding(), requests(2), clock=lambda: float(next(times)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    return {
        kind: _exported(build, tmp_path_factory.mktemp(kind))
        for kind, build in (("encoder", models.encoder), ("convolutions", models.convolutions))
    }


@pytest.mark.parametrize(
    ("kind", "fix", "n"),
    [("encoder", "int8-dynamic", 5), ("convolutions", "int8-static", 3), ("encoder", "weight-only-int8", 5)],
)
def test_every_layer_of_a_graph_is_probed(made: dict[str, Exported], kind: str, fix: str, n: int) -> None:
    exported = made[kind]
    found = layers_probed(all_fixes()[fix], exported.onnx, {"reduce_range": False}, exported.workshop)
    assert len(found.layers) == n and all(0 < layer.distance < 0.05 for layer in found.layers)
    assert found.rungs[0].distance > found.rungs[-1].distance


@pytest.mark.parametrize(("kind", "n"), [("encoder", 5), ("convolutions", 3)])
def test_layers_of_an_openvino_graph_are_probed(made: dict[str, Exported], kind: str, n: int) -> None:
    exported = made[kind]
    workload = all_fixes()["openvino"].apply(exported.onnx, {}, exported.workshop)
    found = layers_probed(all_fixes()["int8-static"], workload, {}, exported.workshop)
    assert len(found.layers) == n and all(0 < layer.distance < 0.05 for layer in found.layers)


def test_fixes_without_layers_are_refused(made: dict[str, Exported]) -> None:
    with pytest.raises(BadInput):
        layers_probed(all_fixes()["threads"], made["encoder"].onnx, {}, made["encoder"].workshop)
