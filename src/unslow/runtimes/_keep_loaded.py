"""Known loaders of models give the same object again for the same arguments, while a call runs.

Only loaders whose result is used read-only are known: a session, a compiled model, a module in a file. They are
replaced where they are defined, and where the user's own modules hold them by name (`from torch import load`). A
library that is imported inside a call is found at the next one. Outside a call nothing is changed. A file that has
changed since (time or size) is loaded anew.
"""

from __future__ import annotations

import functools
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, Protocol

from unslow.core.calls import Request
from unslow.runtimes._kept import Keeper

Kind = Literal["function", "constructor", "method", "classmethod"]


@dataclass(frozen=True)
class Loader:
    """A loader by module and attribute. A method's object has no state that matters (an `openvino.Core`)."""

    module: str
    attribute: str
    kind: Kind = "function"


LOADERS = (
    Loader("onnxruntime", "InferenceSession.__init__", "constructor"),
    Loader("torch", "load"),
    Loader("torch.jit", "load"),
    Loader("torch.export", "load"),
    Loader("joblib", "load"),
    Loader("openvino", "Core.read_model", "method"),
    Loader("openvino", "Core.compile_model", "method"),
    Loader("transformers.modeling_utils", "PreTrainedModel.from_pretrained", "classmethod"),
    Loader("transformers.models.auto.auto_factory", "_BaseAutoModelClass.from_pretrained", "classmethod"),
    Loader("transformers.tokenization_utils_base", "PreTrainedTokenizerBase.from_pretrained", "classmethod"),
    Loader("transformers.models.auto.tokenization_auto", "AutoTokenizer.from_pretrained", "classmethod"),
)


class Loads(Protocol):
    """What is done where a loader is called: a `Keeper` loads once."""

    def once(self, loader: str, load: Callable[[], Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What takes the place of `load()`, the call of that loader with these arguments."""
        ...

    def replacement(self, before: Any, make: Callable[[], Any]) -> Any:
        """The replacement of a loader; `make` makes a new one."""
        ...


@dataclass(frozen=True)
class Change:
    """An attribute of a module or class: what it was (as its `__dict__` has it) and what takes its place."""

    owner: Any
    name: str
    before: Any
    after: Any


def keeping(call: Callable[[Request], Any], keeper: Keeper) -> Callable[[Request], Any]:
    """`call`, with the known loaders replaced while any call runs; its attribute `keeper` counts loads and hits."""
    lock = threading.Lock()
    running: list[int] = [0]
    changes: list[Change] = []

    def answer(request: Request) -> Any:
        with lock:
            if running[0] == 0:
                changes.extend(changes_for(keeper))
                for change in changes:
                    setattr(change.owner, change.name, change.after)
            running[0] += 1
        try:
            return call(request)
        finally:
            with lock:
                running[0] -= 1
                if running[0] == 0:
                    for change in reversed(changes):
                        setattr(change.owner, change.name, change.before)
                    changes.clear()

    answer.keeper = keeper  # pyright: ignore[reportFunctionMemberAccess]
    return answer


def changes_for(keeper: Loads) -> list[Change]:
    """What to replace, given what is imported now."""
    found: list[Change] = []
    for loader in LOADERS:
        change = _change(loader, keeper)
        if change is not None:
            found.append(change)
            if loader.kind == "function":
                found.extend(_held_by_name(change))
    return found


def _change(loader: Loader, keeper: Loads) -> Change | None:
    owner: Any = sys.modules.get(loader.module)
    *path, name = loader.attribute.split(".")
    for part in path:
        owner = getattr(owner, part, None)
    before = getattr(owner, "__dict__", {}).get(name)
    if before is None:
        return None
    return Change(owner, name, before, keeper.replacement(before, _wrapped(loader, before, keeper)))


def _wrapped(loader: Loader, before: Any, keeper: Loads) -> Callable[[], Any]:
    name = f"{loader.module}.{loader.attribute}"
    makers = {"function": _function, "constructor": _constructor, "method": _method, "classmethod": _classmethod}
    return lambda: makers[loader.kind](name, before, keeper)


def _function(name: str, load: Any, keeper: Loads) -> Any:
    @functools.wraps(load)
    def loaded(*args: Any, **kwargs: Any) -> Any:
        return keeper.once(name, lambda: load(*args, **kwargs), args, kwargs)

    return loaded


def _method(name: str, load: Any, keeper: Loads) -> Any:
    @functools.wraps(load)
    def loaded(self: Any, *args: Any, **kwargs: Any) -> Any:
        return keeper.once(name, lambda: load(self, *args, **kwargs), args, kwargs)

    return loaded


def _classmethod(name: str, load: Any, keeper: Loads) -> Any:
    @functools.wraps(load.__func__)
    def loaded(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return keeper.once(f"{name}:{cls}", lambda: load.__func__(cls, *args, **kwargs), args, kwargs)

    return classmethod(loaded)


def _constructor(name: str, build: Any, keeper: Loads) -> Any:
    """A second object of the same arguments takes over the state of the first, so that its class stays what it is."""

    @functools.wraps(build)
    def built(self: Any, *args: Any, **kwargs: Any) -> None:
        def state() -> dict[str, Any]:
            build(self, *args, **kwargs)
            return self.__dict__

        self.__dict__.update(keeper.once(f"{name}:{type(self)}", state, args, kwargs))

    return built


def _held_by_name(change: Change) -> list[Change]:
    """The places in the user's own modules that hold the function by a name of their own."""
    found: list[Change] = []
    for module in _user_modules(len(sys.modules)):
        held = [name for name, value in vars(module).items() if value is change.before]
        found.extend(Change(module, name, change.before, change.after) for name in held)
    return found


@functools.lru_cache(maxsize=1)
def _user_modules(imported: int) -> tuple[ModuleType, ...]:
    """The modules that are no library's; looked for again when the number of imported modules has changed."""
    libraries: tuple[str, ...] = tuple(map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")))
    found: list[ModuleType] = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and not file.startswith(libraries) and not module.__name__.startswith("unslow."):
            found.append(module)
    return tuple(found)
