"""`einsum`: `numpy.einsum` loops over all indices at once, or `torch.einsum` goes through its operands from left to
right, where a planned order takes less. Noted of operands in the processor's memory; tried once at each place.
"""

from __future__ import annotations

import functools
import importlib
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import called_from

LEAST_MULTIPLICATIONS = 100_000.0
"""Less than this takes no longer than finding an order does."""
FEW = 5
"""Up to so many operands all orders are gone through; of more the greedy one is taken, as `optimize=True` does."""
TRIES, MOST_TRIES, TRIED_S = 3, 30, 0.2
"""At least, at most, and for how long: the threads of a matrix library take a moment to have their cores."""
NAIVE, PLANNED = (re.compile(rf"{kind} FLOP count:\s+([\d.e+]+)") for kind in ("Naive", "Optimized"))
CONTRACTION = re.compile(r"Complete contraction:\s+(\S+)")


def begin(notes: Notes) -> None:
    """From now on."""
    when_imported("numpy", lambda numpy: _watch_numpy(notes, numpy))
    when_imported("torch", lambda torch: _watch_torch(notes, torch))


def _watch_numpy(notes: Notes, numpy: Any) -> None:
    inner = numpy.einsum

    def describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        described, path = _described(args, [])
        if described["operands"] < 2 or described["multiplications"] < LEAST_MULTIPLICATIONS:
            return described
        planned = functools.partial(inner, *args, **{**kwargs, "optimize": path})
        return described | _tried(functools.partial(inner, *args, **kwargs), planned)

    @functools.wraps(inner)
    def noted(*args: Any, **kwargs: Any) -> Any:
        if not notes.on or kwargs.get("optimize", False) is not False or "out" in kwargs:
            return inner(*args, **kwargs)
        started = time.perf_counter()
        result = inner(*args, **kwargs)
        note("numpy", time.perf_counter() - started, lambda: describe(args, kwargs))
        return result

    note = _notes_of(notes)
    numpy.einsum = noted


def _watch_torch(notes: Notes, torch: Any) -> None:
    """Where `torch.einsum` ends up, in whatever form it was called; with a path where `opt_einsum` has planned one."""
    functions: Any = torch.functional._VF
    inner = functions.einsum

    def describe(equation: str, operands: Sequence[Any]) -> dict[str, Any]:
        stand_ins = [np.broadcast_to(np.float32(0), tuple(operand.shape)) for operand in operands]
        described, path = _described((equation, *stand_ins), _from_the_left(len(operands)))
        pairs = [place for pair in path[1:] for place in pair]
        if described["multiplications"] < LEAST_MULTIPLICATIONS or len(pairs) != 2 * (len(operands) - 1):
            return described
        with torch.no_grad():
            planned = functools.partial(inner, equation, operands, path=pairs)
            return described | _tried(functools.partial(inner, equation, operands), planned)

    @functools.wraps(inner)
    def noted(equation: str, operands: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        looks = notes.on and not args and not kwargs and len(operands) > 2
        if not looks or not all(type(one) in (torch.Tensor, torch.nn.Parameter) and one.is_cpu for one in operands):
            return inner(equation, operands, *args, **kwargs)
        started = time.perf_counter()
        result = inner(equation, operands)
        note("torch", time.perf_counter() - started, lambda: describe(equation, operands))
        return result

    note = _notes_of(notes)
    functions.einsum = noted


def _notes_of(notes: Notes) -> Callable[[str, float, Callable[[], dict[str, Any]]], None]:
    """Notes a call of a library that took so long; what it is, is found out once at each place."""
    known: dict[Any, dict[str, Any]] = {}

    def note(library: str, seconds: float, describe: Callable[[], dict[str, Any]]) -> None:
        called = called_from(2)
        if called is None:
            return
        if called not in known:
            try:
                with notes.aside():
                    known[called] = {"library": library, **describe()}
            except Exception:  # Operands that only the library itself understands.
                known[called] = {}
        if known[called]:
            notes.note("einsum", called, known[called], seconds)

    return note


def _described(args: tuple[Any, ...], as_it_is: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    """What is contracted, its cost as it is (in this order; in one loop, where it is empty) and planned, and the plan;
    costs are NumPy's own counts."""
    _, text = np.einsum_path(*args, optimize="greedy")
    contraction = _first(CONTRACTION, text)
    operands = contraction.partition("->")[0].count(",") + 1
    path, planned = np.einsum_path(*args, optimize="optimal" if operands <= FEW else "greedy")
    now = np.einsum_path(*args, optimize=as_it_is)[1] if as_it_is else ""
    described: dict[str, Any] = {
        "expression": contraction,
        "operands": operands,
        "shapes": [list(one.shape) for one in args if hasattr(one, "shape")],
        "multiplications": float(_first(PLANNED, now) if as_it_is else _first(NAIVE, planned)),
        "planned": float(_first(PLANNED, planned)),
        "order": [list(pair) for pair in path[1:]],
        "tried_seconds": 0.0,
        "planned_seconds": 0.0,
    }
    return described, list(path)


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise ValueError("NumPy describes its orders otherwise")
    return found[1]


def _from_the_left(operands: int) -> list[Any]:
    """Of what is left, the first result comes last."""
    return ["einsum_path", (0, 1), *((0, left - 1) for left in range(operands - 1, 1, -1))]


def _tried(as_it_is: Callable[[], Any], planned: Callable[[], Any]) -> dict[str, float]:
    """The plan with one thread too: where other work holds some of the cores, several wait for each other."""
    pools: Any = importlib.import_module("threadpoolctl")
    with pools.threadpool_limits(1):
        alone = _quickest(planned)
    return {"tried_seconds": _quickest(as_it_is), "planned_seconds": min(alone, _quickest(planned))}


def _quickest(call: Callable[[], Any]) -> float:
    taken: list[float] = []
    while len(taken) < TRIES or (len(taken) < MOST_TRIES and sum(taken) < TRIED_S):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return min(taken)


WATCH = Watch(name="einsums", kinds=("einsum",), begin=begin)
