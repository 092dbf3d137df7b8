"""Every runtime that is found answers like the live module, from two threads at once, and refuses what does not fit."""

from __future__ import annotations

import dataclasses
import importlib.util
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.core.calls import Request, leaves_of, structure_of, to_numpy
from unslow.core.errors import BadInput, BadUsage, MissingExtra
from unslow.core.workload import Host, Model
from unslow.runtimes import open_model, runtime_of, runtimes

torch = pytest.importorskip("torch")

SLOW = {"aot-inductor"}
NAMES = ["x", "scale"]
EVERY = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in runtimes()]


class Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide = torch.nn.Linear(8, 16)
        self.narrow = torch.nn.Linear(16, 4)

    def forward(self, x: Any, scale: Any) -> dict[str, Any]:
        hidden = torch.relu(self.wide(x))
        return {"y": self.narrow(hidden) * scale, "total": hidden.sum(-1)}


class Flat(torch.nn.Module):
    """What a converter gets: inputs by position, a tuple out."""

    def __init__(self, live: Any) -> None:
        super().__init__()
        self.live = live

    def forward(self, x: Any, scale: Any) -> tuple[Any, ...]:
        return tuple(self.live(x, scale).values())


@pytest.fixture(scope="module")
def live() -> Any:
    torch.manual_seed(0)
    return Small().eval()


@pytest.fixture(scope="module")
def opener(live: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Opens a runtime on an artefact of `live`; each is made once."""
    folder = tmp_path_factory.mktemp("artefacts")
    made: dict[str, Any] = {}

    def opened(name: str) -> Any:
        runtime = runtime_of(name)
        if any(importlib.util.find_spec(library) is None for library in runtime.libraries):
            pytest.skip(f"{name} needs {runtime.libraries}")
        if name not in made:
            structure = structure_of({"y": 0, "total": 0})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the exporters' own, about themselves
                model = MAKERS[name](live, folder)
            settings = {**model.settings, "inputs": NAMES, "structure": structure} if model.path else model.settings
            made[name] = open_model(dataclasses.replace(model, settings=settings), Host(), None if model.path else live)
        return made[name]

    return opened


def _exported(live: Any) -> Any:
    example = (torch.randn(3, 8), torch.ones(1))
    return torch.export.export(Flat(live).eval(), example, dynamic_shapes=({0: torch.export.Dim.AUTO}, None))


def _onnx(live: Any, folder: Path) -> str:
    pytest.importorskip("onnxscript")
    path = folder / "model.onnx"
    if path.is_file():
        return str(path)
    axes = {"x": {0: "rows"}, "scale": None}
    torch.onnx.export(
        Flat(live).eval(), (torch.randn(3, 8), torch.ones(1)), path, dynamo=True, dynamic_shapes=axes,
        input_names=NAMES, output_names=["y", "total"], external_data=False, verbose=False,
    )  # fmt: skip
    return str(path)


def _openvino(live: Any, folder: Path) -> Model:
    import openvino

    openvino.save_model(openvino.convert_model(_onnx(live, folder)), folder / "model.xml", compress_to_fp16=False)
    return Model("openvino", str(folder / "model.xml"))


def _program(live: Any, folder: Path, runtime: str) -> Model:
    torch.export.save(_exported(live), folder / f"{runtime}.pt2")
    return Model(runtime, str(folder / f"{runtime}.pt2"))


def _package(live: Any, folder: Path) -> Model:
    path = torch._inductor.aoti_compile_and_package(_exported(live), package_path=str(folder / "package.pt2"))
    return Model("aot-inductor", path)


MAKERS: dict[str, Callable[[Any, Path], Model]] = {
    "torch-module": lambda live, folder: Model("torch-module", settings={"inference_mode": True, "eval": True}),
    "function": lambda live, folder: Model("function"),
    "exported-program": lambda live, folder: _program(live, folder, "exported-program"),
    "aot-inductor": _package,
    "onnxruntime": lambda live, folder: Model("onnxruntime", _onnx(live, folder)),
    "openvino": _openvino,
}


def _request(rows: int, seed: int = 0) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    return generator.standard_normal((rows, 8)).astype("float32"), np.full(1, 2.0, "float32")


def _given(name: str, *arrays: Any) -> tuple[Any, ...]:
    """A function of the user's gets what the user gives: tensors."""
    return tuple(map(torch.from_numpy, arrays)) if name == "function" else arrays


def _expected(live: Any, rows: int, seed: int = 0) -> list[Any]:
    with torch.no_grad():
        return [to_numpy(leaf) for leaf in live(*map(torch.from_numpy, _request(rows, seed))).values()]


def _close(answer: Any, expected: list[Any]) -> None:
    for leaf, wanted in zip(leaves_of(answer), expected, strict=True):
        np.testing.assert_allclose(to_numpy(leaf), wanted, rtol=1e-4, atol=1e-5)


def test_every_runtime_has_its_artefact_here() -> None:
    assert set(MAKERS) == set(runtimes())


def test_a_name_that_no_runtime_has() -> None:
    with pytest.raises(BadUsage, match="no runtime named 'turbo'"):
        open_model(Model("turbo"), Host())


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"unslow\[onnx\]"):
        open_model(Model("onnxruntime", "model.onnx"), Host())


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "exported-program", "torch-module", "aot-inductor"])
def test_a_file_of_another_kind(name: str, tmp_path: Path) -> None:
    suffix = {"onnxruntime": ".onnx", "openvino": ".xml"}.get(name, ".pt2")
    (tmp_path / f"model{suffix}").write_text("hello")
    with pytest.raises(BadInput, match="cannot be opened as"):
        open_model(Model(name, str(tmp_path / f"model{suffix}")), Host())


@pytest.mark.parametrize("name", EVERY)
class TestEveryRuntime:
    def test_wrong_dtype(self, name: str, opener: Any) -> None:
        x, scale = _request(3)
        with pytest.raises(BadInput, match=r"float64|Double"):
            opener(name)(Request(_given(name, x.astype("float64"), scale)))

    def test_wrong_length_of_a_fixed_axis(self, name: str, opener: Any) -> None:
        x, scale = _request(3)
        with pytest.raises(BadInput):
            opener(name)(Request(_given(name, x[:, :5].copy(), scale)))

    def test_an_input_left_out(self, name: str, opener: Any) -> None:
        with pytest.raises(BadInput, match="scale"):
            opener(name)(Request(_given(name, _request(3)[0])))

    def test_an_input_too_many(self, name: str, opener: Any) -> None:
        x, scale = _request(3)
        with pytest.raises(BadInput):
            opener(name)(Request(_given(name, x, scale, scale)))

    def test_an_unknown_name(self, name: str, opener: Any) -> None:
        x, scale = _given(name, *_request(3))
        with pytest.raises(BadInput, match="factor"):
            opener(name)(Request((), {"x": x, "factor": scale}))

    def test_answers_like_the_live_module(self, name: str, opener: Any, live: Any) -> None:
        answer = opener(name)(Request(_given(name, *_request(3))))
        assert list(answer) == ["y", "total"]
        _close(answer, _expected(live, 3))

    def test_another_number_of_rows(self, name: str, opener: Any, live: Any) -> None:
        _close(opener(name)(Request(_given(name, *_request(7, 1)))), _expected(live, 7, 1))

    def test_by_keyword_in_any_order(self, name: str, opener: Any, live: Any) -> None:
        x, scale = _given(name, *_request(3))
        _close(opener(name)(Request((), {"scale": scale, "x": x})), _expected(live, 3))

    def test_part_by_keyword(self, name: str, opener: Any, live: Any) -> None:
        x, scale = _given(name, *_request(3))
        _close(opener(name)(Request((x,), {"scale": scale})), _expected(live, 3))

    def test_tensors_are_taken_too(self, name: str, opener: Any, live: Any) -> None:
        _close(opener(name)(Request(tuple(map(torch.from_numpy, _request(3))))), _expected(live, 3))

    def test_an_answer_outlives_the_next_call(self, name: str, opener: Any, live: Any) -> None:
        first = opener(name)(Request(_given(name, *_request(3))))
        opener(name)(Request(_given(name, *_request(3, 1))))
        _close(first, _expected(live, 3))

    def test_from_two_threads_at_once(self, name: str, opener: Any, live: Any) -> None:
        call = opener(name)
        requests = [(seed, Request(_given(name, *_request(3, seed)))) for seed in range(20)]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda pair: call(pair[1]), requests))
        for (seed, _), answer in zip(requests, answers, strict=True):
            _close(answer, _expected(live, 3, seed))
