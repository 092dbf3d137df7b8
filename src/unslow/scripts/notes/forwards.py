"""`forward`: a model is called that no other model calls; `gradient`: gradients are asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, final

from unslow.core.calls import leaves_of
from unslow.core.modes import training_modules
from unslow.scripts.events import around_outermost
from unslow.scripts.imports import when_imported
from unslow.scripts.layers import put_around
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import Called, called_from

MASK = "attention_mask"


def begin(notes: Notes) -> None:
    """From now on."""
    seen = _Forwards(notes)
    when_imported("torch.nn.modules.module", lambda module: around_outermost(module, seen.called, notes))
    when_imported("torch.autograd", lambda module: _gradients(notes, module))


@final
class _Forwards:
    """Of each place what its calls have in common. What takes longer is looked at in the 1st, 2nd, 4th, 8th, … call."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._known: dict[Called, dict[str, Any]] = {}

    def called(self, call: Callable[[], Any], given: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        model, *args = given
        answer = call()
        place = called_from(2)
        if place is None:
            return answer
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = {
                "model": type(model).__name__, "with_graph": 0, "rows": 0, "least_rows": 1 << 60, "most_rows": 0,
                "shapes": [], "training": [], "masked": 0, "mask_size": 0, "cut": 0, "floats": False,
            }  # fmt: skip
        self._notes.note("forward", place, known)
        known["with_graph"] += _requires_grad(answer)
        first = _first_array(args, kwargs)
        shape = list(first.shape) if first is not None else []
        if shape:
            known["rows"] += shape[0]
            known["least_rows"] = min(known["least_rows"], shape[0])
            known["most_rows"] = max(known["most_rows"], shape[0])
        self._look_closely(known, model, first, kwargs)
        return answer

    def _look_closely(self, known: dict[str, Any], model: Any, first: Any, kwargs: dict[str, Any]) -> None:
        known["calls"] = known.get("calls", 0) + 1
        if known["calls"] & (known["calls"] - 1):
            return
        known["training"] = list(training_modules(model))
        if first is not None:
            known["floats"] = bool(first.is_floating_point())
            if list(first.shape) not in known["shapes"]:
                known["shapes"].append(list(first.shape))
        mask: Any = kwargs.get(MASK)
        if mask is not None and hasattr(mask, "numel") and mask.dim() == 2:
            known["masked"] += int((mask == 0).sum())
            known["mask_size"] += int(mask.numel())
            known["cut"] += len(mask) * int((mask == 0).all(0).sum())


def _requires_grad(answer: Any) -> bool:
    if hasattr(answer, "requires_grad"):
        return bool(answer.requires_grad)
    return any(getattr(leaf, "requires_grad", False) for leaf in leaves_of(answer))


def _first_array(args: Iterable[Any], kwargs: dict[str, Any]) -> Any:
    """The first argument that is a tensor with axes; None where there is none."""
    for value in (*args, *kwargs.values()):
        if hasattr(value, "is_floating_point") and value.dim():
            return value
    return None


def _gradients(notes: Notes, module: Any) -> None:
    for name in ("backward", "grad"):
        put_around(module, name, functools.partial(_noted, notes, name), notes)


def _noted(notes: Notes, name: str, call: Callable[[], Any], *_: Any) -> Any:
    notes.note("gradient", called_from(), {"call": name})
    return call()


WATCH = Watch(name="forwards", kinds=("forward", "gradient"), begin=begin)
