"""What is put around a library's function: one wrapper for all who want to, and a look at each while none does.

A function of Python's that only calls the next takes a microsecond, and several where tensors have emptied the caches
meanwhile; a step calls some functions from a dozen places, and five wrappers around each of them showed in its time.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, Protocol, final

_OURS = f"{Path(__file__).resolve().parents[1]}{os.sep}"
Around = Callable[[Callable[[], Any], tuple[Any, ...], dict[str, Any]], Any]
"""`(call, args, kwargs) -> result`, in place of `function(*args, **kwargs)`, which is what `call()` does."""


class Switch(Protocol):
    """Whoever wants to be asked."""

    @property
    def on(self) -> bool:
        """Read at every call."""
        ...


@final
class Always:
    """A switch that nobody turns off."""

    on = True


ALWAYS = Always()


@final
class Layers:
    """Those around one function, the one that came last outermost."""

    def __init__(self, inner: Callable[..., Any]) -> None:
        self.inner = inner
        self.put: list[tuple[Switch, Around]] = []

    def through(self, place: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The call, by way of those from `place` on that are switched on."""
        for at in range(place, len(self.put)):
            switch, around = self.put[at]
            if switch.on:
                return around(functools.partial(self.through, at + 1, args, kwargs), args, kwargs)
        return self.inner(*args, **kwargs)


_known: dict[int, tuple[Any, Layers]] = {}
"""By the wrapper's id; the wrapper is held, so that its id stays its own."""


def put_around(
    owner: Any,
    name: str,
    around: Around,
    switch: Switch = ALWAYS,
    wrapper_of: Callable[[Layers], Callable[..., Any]] | None = None,
) -> None:
    """Call `around` in place of the function or method `name` of `owner` while `switch` is on; for methods `args`
    begins with self. `wrapper_of` makes what goes by way of the layers, where not every call is to."""
    present = getattr(owner, name)
    is_its_own = name in vars(owner)  # A base's wrapper is the base's own.
    if id(present) not in _known or not is_its_own:
        layers = Layers(present)
        present = (wrapper_of or _wrapper)(layers)
        _known[id(present)] = present, layers
        setattr(owner, name, present)
    _known[id(present)][1].put.insert(0, (switch, around))


def original_of(function: Any) -> Any:
    """What one of our functions stands in the place of; any other as it is."""
    while type(function) is FunctionType and function.__code__.co_filename.startswith(_OURS):
        inner: Any = getattr(function, "__wrapped__", None)
        if inner is None:
            break
        function = inner
    return function


def outermost_only(layers: Layers) -> Callable[..., Any]:
    """A wrapper for what calls itself (a module calls others): calls within a call go past the layers."""
    inner, put, is_inside = layers.inner, layers.put, False

    @functools.wraps(inner)
    def called(*args: Any, **kwargs: Any) -> Any:
        nonlocal is_inside
        if is_inside:
            return inner(*args, **kwargs)
        for at, (switch, around) in enumerate(put, 1):
            if switch.on:
                is_inside = True
                try:
                    return around(functools.partial(layers.through, at, args, kwargs), args, kwargs)
                finally:
                    is_inside = False
        return inner(*args, **kwargs)

    return called


def _wrapper(layers: Layers) -> Callable[..., Any]:
    inner, put = layers.inner, layers.put

    @functools.wraps(inner)
    def called(*args: Any, **kwargs: Any) -> Any:
        for at, (switch, around) in enumerate(put, 1):
            if switch.on:
                return around(functools.partial(layers.through, at, args, kwargs), args, kwargs)
        return inner(*args, **kwargs)

    return called
