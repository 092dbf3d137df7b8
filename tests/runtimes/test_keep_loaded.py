"""What known loaders give is kept while a call runs, by value of their arguments; nothing else is."""

from __future__ import annotations

import io
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from unslow.core.calls import Request
from unslow.core.workload import Host, Model
from unslow.runtimes import open_model
from unslow.runtimes._keep_loaded import keeping
from unslow.runtimes._kept import MOST_KEPT, Keeper


class Loaded:
    """What the stand-in loader gives, a new one each time."""


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A library named joblib, with its loader."""
    library: Any = ModuleType("joblib")
    library.load = lambda path, **options: Loaded()
    monkeypatch.setitem(sys.modules, "joblib", library)
    return library


def kept_call(function: Any) -> Any:
    return open_model(Model("function", settings={"keep_loaded": True}), Host(), function)


def test_without_the_setting_each_call_loads(library: Any) -> None:
    call = open_model(Model("function"), Host(), lambda: library.load("m"))
    assert call(Request()) is not call(Request())


def test_outside_a_call_nothing_is_changed(library: Any) -> None:
    before = library.load
    call = kept_call(lambda: library.load("m"))
    call(Request())
    assert library.load is before and library.load("m") is not library.load("m")


def test_it_is_restored_when_the_function_raises(library: Any) -> None:
    before = library.load

    def failing() -> None:
        library.load("m")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept_call(failing)(Request())
    assert library.load is before


@pytest.mark.parametrize("second", [("other",), ("m", 1), ("m", 1.0), ("m", True)])
def test_other_arguments_load_anew(second: tuple[Any, ...]) -> None:
    keeper = Keeper()
    first = keeper.once("load", Loaded, ("m",), {})
    assert keeper.once("load", Loaded, second, {}) is not first
    assert keeper.once("other loader", Loaded, ("m",), {}) is not first
    assert keeper.hits == 0


def test_one_and_true_are_not_the_same_argument() -> None:
    keeper = Keeper()
    assert keeper.once("load", Loaded, (1,), {}) is not keeper.once("load", Loaded, (True,), {})


def test_open_files_are_never_kept() -> None:
    keeper, stream = Keeper(), io.BytesIO(b"model")
    assert keeper.once("load", Loaded, (stream,), {}) is not keeper.once("load", Loaded, (stream,), {})


def test_a_changed_file_is_loaded_anew(tmp_path: Path) -> None:
    path, keeper = tmp_path / "model", Keeper()
    path.write_text("one")
    first = keeper.once("load", Loaded, (path,), {})
    assert keeper.once("load", Loaded, (str(path),), {}) is first
    path.write_text("more")
    os.utime(path, ns=(1, 1))
    assert keeper.once("load", Loaded, (path,), {}) is not first


def test_no_more_than_a_bounded_number_is_held() -> None:
    keeper = Keeper()
    first = keeper.once("load", Loaded, (-1,), {})
    for number in range(MOST_KEPT):
        keeper.once("load", Loaded, (number,), {})
    assert keeper.once("load", Loaded, (-1,), {}) is not first


def test_a_dict_of_weights_may_be_emptied_by_its_user() -> None:
    keeper = Keeper()
    keeper.once("load", lambda: {"weight": 1}, ("m",), {}).clear()
    assert keeper.once("load", dict, ("m",), {}) == {"weight": 1}


def test_the_same_object_from_the_second_call_on(library: Any) -> None:
    call = kept_call(lambda: library.load("m", mode="r"))
    assert call(Request()) is call(Request()) is call(Request())
    assert (call.keeper.loads, call.keeper.hits) == (1, 2)


def test_a_name_of_its_own_in_the_users_module(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    user: Any = ModuleType("user_code")
    user.__file__ = "/project/user_code.py"
    user.read = library.load
    monkeypatch.setitem(sys.modules, "user_code", user)
    call = kept_call(lambda: user.read("m"))
    assert call(Request()) is call(Request())
    assert user.read is library.load


def test_two_clients_load_once(library: Any) -> None:
    call = kept_call(lambda: library.load("m"))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(call, [Request()] * 20))
    assert len(set(map(id, answers))) == 1 and call.keeper.loads == 1


def test_a_class_keeps_its_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    class InferenceSession:
        def __init__(self, path: str, providers: list[str] | None = None) -> None:
            self.state = Loaded()

    library: Any = ModuleType("onnxruntime")
    library.InferenceSession = InferenceSession
    monkeypatch.setitem(sys.modules, "onnxruntime", library)
    call = keeping(lambda request: InferenceSession("m", providers=["CPU"]), Keeper())
    first, second = call(Request()), call(Request())
    assert isinstance(second, InferenceSession) and second.state is first.state
    assert InferenceSession("m").state is not first.state


def test_onnxruntime_sessions_with_new_options_of_equal_values(tmp_path: Path) -> None:
    runtime, onnx = pytest.importorskip("onnxruntime"), pytest.importorskip("onnx")
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in "xy"]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", values[:1], values[1:]), ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")

    def answer() -> Any:
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        return runtime.InferenceSession(tmp_path / "m.onnx", options, providers=["CPUExecutionProvider"])

    call = kept_call(answer)
    first, second = call(Request()), call(Request())
    assert [one.get_inputs()[0].name for one in (first, second)] == ["x", "x"]
    assert (call.keeper.loads, call.keeper.hits) == (1, 1)
