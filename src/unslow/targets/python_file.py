"""`file.py:name`: a function marked `@unslow.workload`, a module of PyTorch, or any callable."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from unslow.core.errors import BadInput, CannotRun, UnslowError
from unslow.core.workload import MARK, Inference, Model, Target
from unslow.targets._adapter import Adapter, Declared, located, requests_from_npz

KEPT_PREFIX = "unslow_target_"


def claims(path: Path, name: str, declared: Declared) -> bool:
    return path.suffix == ".py" and declared.arguments is None and (bool(name) or marks_any(path))


def marks_any(path: Path) -> bool:
    """Whether a file marks a function with `@workload` at its top level; it is read, not run."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    functions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    marks = [mark for function in functions for mark in function.decorator_list]
    return any(ast.unparse(mark).rpartition(".")[2] == "workload" for mark in marks)


def locate(path: Path, name: str, declared: Declared) -> Target:
    return located("python-file", path, name, declared)


def load(target: Target) -> Inference:
    module = _imported(Path(target.location))
    name = target.name or _only_workload(module, target.location)
    found = getattr(module, name, None)
    if found is None:
        offered = ", ".join(_offered(module)) or "none"
        raise BadInput(f"{target.location} has no {name!r}.", f"Marked @unslow.workload there: {offered}.")
    if getattr(found, MARK, False):
        if target.inputs:
            raise BadInput(
                f"{target} is marked @unslow.workload: it says itself what its inputs are.",
                "Leave --inputs out, or name a model or a plain function.",
            )
        inference = _call(found, target)
        if not isinstance(inference, Inference):
            raise BadInput(
                f"{target} returned {type(inference).__name__}, not unslow.Inference.",
                "End it with `return unslow.Inference(model, inputs)`.",
            )
        return inference
    return _plain(found, target)


def _plain(found: Any, target: Target) -> Inference:
    """A module or callable that says nothing about its inputs."""
    if not target.inputs:
        raise BadInput(
            f"{target} is not marked @unslow.workload, so its inputs are unknown.",
            "Give them with --inputs FILE.npz, or mark a function that returns unslow.Inference with @unslow.workload.",
        )
    is_model_class = inspect.isclass(found) and hasattr(found, "forward")
    model = _call(found, target) if is_model_class else found
    if not callable(model):
        raise BadInput(
            f"{target} is a {type(model).__name__}, which cannot be called.", "Name a model, a function, or a workload."
        )
    return Inference(model, requests_from_npz(target.inputs))


def _call(function: Any, target: Target) -> Any:
    try:
        return function()
    except UnslowError:
        raise
    except ModuleNotFoundError as error:
        raise CannotRun(
            f"{target} needs the module {error.name}, which is not installed.", f"pip install {error.name}"
        ) from error
    except Exception as error:
        line = _last_line_in(error, target.location)
        raise BadInput(
            f"{target} raised {type(error).__name__} at {line}: {error}", "Make it run by itself first."
        ) from error


def _last_line_in(error: BaseException, location: str) -> str:
    place, trace = location, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == location:
            place = f"{location}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _imported(path: Path) -> ModuleType:
    """The user's file as a module, with its own folder importable, as when Python runs it."""
    name = KEPT_PREFIX + path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadInput(f"{path} cannot be imported.", "It must be a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    _call(lambda: spec.loader.exec_module(module), Target("python-file", str(path)))  # pyright: ignore[reportOptionalMemberAccess]
    return module


def _offered(module: ModuleType) -> list[str]:
    return [name for name, value in vars(module).items() if getattr(value, MARK, False)]


def _only_workload(module: ModuleType, location: str) -> str:
    offered = _offered(module)
    if len(offered) == 1:
        return offered[0]
    if not offered:
        raise BadInput(f"{location} marks nothing with @unslow.workload.", f"Name what to run: {location}:NAME.")
    raise BadInput(f"{location} marks several workloads: {', '.join(offered)}.", f"Name one: {location}:{offered[0]}.")


def model(target: Target, inference: Inference) -> Model:
    """Opened as the user would: a module is called as it stands, a model file with its runtime's defaults."""
    given = inference.model
    if isinstance(given, (str, Path)):
        return _file_model(Path(given))
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(given, torch.nn.Module):
        return Model("torch-module")
    return Model("function")


def _file_model(path: Path) -> Model:
    runtimes = {".onnx": "onnxruntime", ".pt2": "exported-program", ".xml": "openvino"}
    if path.suffix not in runtimes:
        raise BadInput(
            f"The workload's model is the file {path}, of a kind that is not known.", f"Known: {', '.join(runtimes)}."
        )
    if not path.is_file():
        raise BadInput(f"There is no model file {path}.", "Give its whole path.")
    return Model(runtimes[path.suffix], str(path.resolve()))


ADAPTER = Adapter("python-file", claims, locate, load, model)
