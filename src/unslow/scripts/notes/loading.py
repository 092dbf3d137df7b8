"""`load`: a model, or its weights, are read from a file; `load-state`: weights are copied into a model."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch, around
from unslow.scripts.sites import Called, called_from


@dataclass(frozen=True)
class Loader:
    """What reads a file: a function of a module, or the constructor or a class method of a class in it."""

    module: str
    name: str
    kind: Literal["function", "constructor", "classmethod"] = "function"

    @property
    def called(self) -> str:
        return f"{self.module.partition('.')[0]}.{self.name}"


LOADERS = (
    Loader("torch", "load"),
    Loader("torch.jit", "load"),
    Loader("torch.export", "load"),
    Loader("joblib", "load"),
    Loader("onnxruntime.capi.onnxruntime_inference_collection", "InferenceSession", "constructor"),
    Loader("transformers.modeling_utils", "PreTrainedModel.from_pretrained", "classmethod"),
    Loader("transformers.models.auto.auto_factory", "_BaseAutoModelClass.from_pretrained", "classmethod"),
)


def replace_loader(loader: Loader, module: Any, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put `around(function)` in the place of a loader's function; of a class method, it takes the class first."""
    if loader.kind == "function":
        setattr(module, loader.name, around(getattr(module, loader.name)))
        return
    owner, _, name = loader.name.partition(".")
    kind, name = getattr(module, owner), name or "__init__"
    inner = kind.__dict__[name]
    setattr(kind, name, classmethod(around(inner.__func__)) if loader.kind == "classmethod" else around(inner))


def begin(notes: Notes) -> None:
    """From now on."""
    seen = _Loads(notes)
    for loader in LOADERS:
        when_imported(loader.module, functools.partial(seen.patch, loader))
    when_imported("torch.nn.modules.module", functools.partial(_states, notes))


def _states(notes: Notes, module: Any) -> None:
    def copied(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, seconds: float) -> None:
        notes.note("load-state", called_from(2), {"model": type(args[0]).__name__}, seconds)

    around(module.Module, "load_state_dict", copied)


@final
class _Loads:
    """One loader may call another (a scripted model that `torch.load` finds): the one that the user calls counts."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._inside = False
        self._known: dict[Called, tuple[str, dict[str, Any]]] = {}

    def patch(self, loader: Loader, module: Any) -> None:
        replace_loader(loader, module, functools.partial(self._watched, loader))

    def _watched(self, loader: Loader, inner: Callable[..., Any]) -> Callable[..., Any]:
        first = 0 if loader.kind == "function" else 1

        @functools.wraps(inner)
        def loaded(*args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return inner(*args, **kwargs)
            self._inside, started = True, time.perf_counter()
            try:
                result = inner(*args, **kwargs)
            finally:
                self._inside = False
            seconds = time.perf_counter() - started
            made = args[0] if loader.kind == "constructor" else None
            self._note(loader, made, args[first:], kwargs, seconds)
            return result

        return loaded

    def _note(self, loader: Loader, made: Any, args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float) -> None:
        called = called_from(2, making=made)
        if called is None:
            return
        said, known = repr((args, kwargs)), self._known.get(called)
        if known is None:
            paths = _paths(args, kwargs)
            size, file = sum(path.stat().st_size for path in paths), paths[0].name if paths else ""
            known = said, {"call": loader.called, "file": file, "bytes": size, "again": 0}
            self._known[called] = known
        elif said == known[0]:
            known[1]["again"] += 1
        self._notes.note("load", called, known[1], seconds)


def _paths(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Path]:
    named = [value for value in (*args, *kwargs.values()) if isinstance(value, (str, Path))]
    return [Path(value) for value in named if Path(value).is_file()]


WATCH = Watch(name="loading", kinds=("load", "load-state"), begin=begin)
