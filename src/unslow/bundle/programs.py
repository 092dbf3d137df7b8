"""Live PyTorch modules as exported programs without pickled parts.

`torch.export.save` (2.13) writes weights as raw bytes and the graph as JSON, and pickles the example inputs, tensors of
a subclass and custom objects. The example inputs are dropped; a program with the others is not bundled. Loading such a
file still runs code (the JSON's expressions go through SymPy's `sympify`, which evaluates them), so it needs trust.
"""

from __future__ import annotations

import importlib
import json
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.calls import Array, leaves_of, structure_of, to_numpy
from unslow.core.errors import BadInput
from unslow.core.facts import Facts

# Between a module and its export: the same operators in the same order, up to what an exporter folds.
RELATIVE, ABSOLUTE = 1e-3, 1e-4
NEEDS_SOURCE = "The bundle needs its source file."


@dataclass(frozen=True, eq=False)
class Calls:
    """A module with requests for it, as its runtime would call it: tensors by input name.

    `by_name`: the names are those of `forward`'s parameters; else the values go by position.
    """

    module: Any
    by_name: bool
    requests: Sequence[Mapping[str, Any]]


def free_axes(facts: Facts) -> dict[str, tuple[int, ...]]:
    """The axes of each input that must take any length: those that vary, and the rows where requests can be joined."""
    found: dict[str, tuple[int, ...]] = {}
    for leaf in facts.inputs:
        rows = (0,) if facts.batch_axis and leaf.shapes and leaf.shapes[0][0] else ()
        found[leaf.name] = tuple(sorted({*leaf.varying_axes, *rows}))
    return found


def save_live(calls: Calls, free: Mapping[str, tuple[int, ...]], path: Path) -> Any:
    """Exports the module to `path`, checked against the live one on every request; the structure of its answers.

    The program takes the inputs by position and gives a flat tuple of tensors.

    Raises
    ------
    BadInput
        It cannot be exported, or the export answers otherwise; the first line says why.
    """
    torch: Any = importlib.import_module("torch")
    structure = structure_of(_answer(calls, calls.requests[0]))
    program = _exported(torch, calls, free)
    _same_answers(torch, calls, program)
    save_program(torch, program, path)
    return structure


def save_program(torch: Any, program: Any, path: Path) -> None:
    """Saves an exported program without its example inputs, the only part that is usually pickled.

    Raises
    ------
    BadInput
        Other parts had to be pickled.
    OSError
        It cannot be written.
    """
    program.example_inputs = None
    try:
        torch.export.save(program, path)
    except RuntimeError as error:  # what its writer raises on a full disk
        raise OSError(str(error).splitlines()[0]) from error
    pickled = pickled_parts(path)
    if pickled:
        path.unlink()
        raise BadInput(f"The exported program keeps {pickled[0]} pickled; bundles hold no pickles.", NEEDS_SOURCE)


def pickled_parts(path: Path) -> list[str]:
    """The parts of a `.pt2` file that are pickles: example inputs, tensors of a subclass, custom objects."""
    with zipfile.ZipFile(path) as archive:
        found = [item.filename for item in archive.infolist() if item.filename.endswith(".pt") and item.file_size]
        for name in archive.namelist():
            if name.endswith(("_weights_config.json", "_constants_config.json")):
                config: dict[str, Any] = json.loads(archive.read(name)).get("config", {})
                found.extend(part for part, payload in config.items() if payload.get("use_pickle"))
    return found


def _answer(calls: Calls, request: Mapping[str, Any]) -> Any:
    return calls.module(**request) if calls.by_name else calls.module(*request.values())


def _exported(torch: Any, calls: Calls, free: Mapping[str, tuple[int, ...]]) -> Any:
    example = _widened(torch, max(calls.requests, key=_elements), free)
    dims = tuple(dict.fromkeys(free.get(name, ()), torch.export.Dim.AUTO) for name in example)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            return torch.export.export(_flat(torch, calls), tuple(example.values()), dynamic_shapes=(dims,))
    except Exception as error:  # exporters raise whatever the model's own code or the tracer raised
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        first = lines[0] if lines else type(error).__name__
        raise BadInput(f"torch.export cannot take this model: {first}", NEEDS_SOURCE) from error


def _elements(request: Mapping[str, Any]) -> int:
    return sum(int(tensor.numel()) for tensor in request.values())


def _widened(torch: Any, request: Mapping[str, Any], free: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """The request joined with itself where its free rows are one: exporters take a length of 1 for fixed."""
    if not all(0 in free.get(name, ()) for name in request) or any(tensor.shape[0] != 1 for tensor in request.values()):
        return dict(request)
    return {name: torch.cat([tensor, tensor]) for name, tensor in request.items()}


def _flat(torch: Any, calls: Calls) -> Any:
    """A module around the live one: inputs by position, the leaves of its answer as a tuple."""
    names = tuple(calls.requests[0])

    class Flat(torch.nn.Module):
        def __init__(self) -> None:
            torch.nn.Module.__init__(self)
            self.live = calls.module
            self.training = calls.module.training

        def forward(self, *arrays: Any) -> tuple[Any, ...]:
            if not calls.by_name:
                return tuple(leaves_of(self.live(*arrays)))
            return tuple(leaves_of(self.live(**dict(zip(names, arrays, strict=True)))))

    return Flat()


def _same_answers(torch: Any, calls: Calls, program: Any) -> None:
    module = program.module()
    for request in calls.requests:
        with torch.no_grad():
            wanted = [to_numpy(leaf) for leaf in leaves_of(_answer(calls, request))]
            try:
                found = [to_numpy(leaf) for leaf in module(*request.values())]
            except Exception as error:  # a guard of the export, of any type
                raise _differs("it refuses a shape of the requests") from error
        if not all(map(_alike, wanted, found)):
            raise _differs("its answers differ from the module's")


def _alike(wanted: Array, found: Array) -> bool:
    return wanted.shape == found.shape and np.allclose(wanted, found, RELATIVE, ABSOLUTE, equal_nan=True)


def _differs(how: str) -> BadInput:
    return BadInput(f"The exported program is not the model: {how}.", NEEDS_SOURCE)
