from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.machine import _bench_numpy, words
from unslow.machine._graphs import graph
from unslow.machine._quantized import VARIANTS, convolutions, products
from unslow.machine.facts import this_machine

KEYS = (
    "batched/single:dispatch", "batched/single:matmul", "batched/single:vector", "bfloat16/float32:conv",
    "bfloat16/float32:matmul", "float32/float64:elementwise", "float32/float64:matmul", "graph/eager:conv",
    "graph/eager:dispatch", "graph/eager:elementwise", "graph/eager:matmul", "inference_mode/autograd:dispatch",
    "int8/float32:conv", "int8/float32:matmul", "normal/subnormal:elementwise", "right/oversubscribed:matmul",
)  # fmt: skip


def run(network: bytes, shape: tuple[int, ...]) -> Any:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(network, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.random.default_rng(0).standard_normal(shape, np.float32)})[0]


@pytest.mark.parametrize("kind", ["elementwise", "matmul", "conv", "dispatch"])
def test_each_network_is_valid_and_runs(kind: str) -> None:
    onnx = pytest.importorskip("onnx")
    network, shape = graph(kind)
    onnx.checker.check_model(onnx.load_from_string(network), full_check=True)
    answer = run(network, shape)
    assert np.isfinite(answer).all()


@pytest.mark.parametrize("kind", ["elementwise", "dispatch"])
def test_eager_operators_compute_what_the_network_computes(kind: str) -> None:
    torch: Any = pytest.importorskip("torch")
    eager = importlib.import_module("unslow.machine._bench_torch").eager.__wrapped__
    torch.manual_seed(0)
    mine = eager(kind, torch)().numpy()
    torch.manual_seed(0)
    network, shape = graph(kind)
    values = torch.ones(shape) if kind == "dispatch" else torch.randn(shape)
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(network, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(mine, session.run(None, {"x": values.numpy()})[0], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("build", [products, convolutions])
@pytest.mark.parametrize(("activations", "per_channel"), VARIANTS)
def test_int8_networks_take_and_give_float32(build: Any, activations: Any, per_channel: bool) -> None:
    network, shape = build(activations, per_channel)
    try:
        answer = run(network, shape)
    except Exception as error:
        pytest.skip(f"no kernel here: {error}")
    assert answer.dtype == np.float32
    assert answer.shape == build(None)[1]


def test_numpy_s_benchmarks_give_ratios() -> None:
    ratios = _bench_numpy.prepare()["float32/float64:elementwise"]()
    assert len(ratios) == 9
    assert min(ratios) > 0


def test_every_floor_has_words_of_its_own() -> None:
    for name in KEYS:
        sentence = words.in_words(name, 0.456)
        assert "0.46" in sentence
        assert ":" not in sentence


def test_a_floor_without_words_is_still_a_sentence() -> None:
    assert words.in_words("new/old:thing", 0.5) == "thing: new takes 0.50 of the time of old"


def test_openvino_s_benchmark_sends_no_statistics() -> None:
    pytest.importorskip("openvino")
    code = (
        "import sys; from unslow.machine._bench_openvino import prepare; prepare();"
        "sys.exit(any(name.startswith('openvino_telemetry.') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


@pytest.mark.slow
def test_every_floor_is_measured_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("torch", "onnx", "onnxruntime"):
        pytest.importorskip(library)
    monkeypatch.setenv("UNSLOW_CACHE", str(tmp_path))
    floors = this_machine().floors
    for _ in range(6):
        # On a busy machine the first call may be cut off by its deadline; the next ones go on from there.
        floors = this_machine().floors
    assert tuple(floors) == KEYS
    assert all(0 < left < 100 for left in floors.values())
    assert floors["batched/single:dispatch"] < 0.5
    assert this_machine().floors == floors
