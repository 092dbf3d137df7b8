"""What an adapter is, and what adapters share: fingerprints, and requests from an `.npz` file."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.errors import BadInput
from unslow.core.workload import Inference, Model, Target, Workload

MADE_REQUESTS = 16
"""How many requests are made where the user gave none."""


@dataclass(frozen=True)
class Declared:
    """What the user said beside the target: a file of inputs, shapes for declared inputs, whether to trust code in
    files, and a script's own arguments (None: nobody said that it has any)."""

    inputs: str = ""
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    trust: bool = False
    arguments: tuple[str, ...] | None = None

    def encoded(self) -> str:
        """Shapes as text, for `Target.name` of model files, which have no name inside them."""
        return ",".join(f"{name}={'x'.join(map(str, shape))}" for name, shape in sorted(self.shapes.items()))


def _one_at_a_time(workload: Workload) -> Workload:
    return workload


def _itself(path: Path) -> Path:
    return path


@dataclass(frozen=True)
class Adapter:
    """`claims(path, name, declared)`: whether it takes this file, of which the user names `name` ("": none).

    `locate` makes the plain target, `load` the live workload, `model` says how the original is opened, `served` how its
    requests meet it, where that is not one at a time, `content` which file stands for what lies at the target's
    location; `takes_shapes`: its inputs can be made from declared shapes.
    """

    name: str
    claims: Callable[[Path, str, Declared], bool]
    locate: Callable[[Path, str, Declared], Target]
    load: Callable[[Target], Inference]
    model: Callable[[Target, Inference], Model]
    served: Callable[[Workload], Workload] = _one_at_a_time
    content: Callable[[Path], Path] = _itself
    takes_shapes: bool = False


def decoded(text: str) -> dict[str, tuple[int, ...]]:
    """The shapes that `Declared.encoded` wrote.

    Raises
    ------
    BadInput
        It is not of the form `name=1x3x224x224`.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for part in filter(None, text.split(",")):
        name, _, sizes = part.partition("=")
        try:
            shapes[name] = tuple(int(size) for size in sizes.split("x"))
        except ValueError as error:
            raise BadInput(
                f"The shape {part!r} is not of the form name=1x3x224x224.", "Give it as --shape NAME=AxBxC."
            ) from error
    return shapes


def content_hash(*paths: Path) -> str:
    """SHA-256 over the content of files, hex, first 16 digits."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def located(kind: str, path: Path, name: str, declared: Declared, content: Path | None = None) -> Target:
    """The target of a file, with the hash of its content (and of the inputs'); of a folder, that of `content` in it."""
    inputs = Path(declared.inputs).expanduser().resolve() if declared.inputs else None
    if inputs is not None and not inputs.is_file():
        raise BadInput(f"There is no file of inputs {inputs}.", "Give an .npz that numpy.savez wrote.")
    hashed = content_hash(content or path, *([inputs] if inputs else []))
    return Target(kind, str(path), name, str(inputs or ""), declared.trust, hashed)


def requests_from_npz(path: str) -> list[Any]:
    """The requests of an `.npz` file.

    Arrays named `input` make one request of all of them; arrays named `3/input` belong to request 3. Names that
    `numpy.savez` makes up (`arr_0`, `arr_1`) are positional.

    Raises
    ------
    BadInput
        It is no such file, or holds nothing, or Python objects.
    """
    try:
        # Opened here, since NumPy leaves its own file open where it is no archive.
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            named = {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise BadInput(
            f"{path} cannot be read as .npz: {error}", "Write it with numpy.savez(path, input_name=array)."
        ) from error
    if not named:
        raise BadInput(f"{path} holds no arrays.", "Write it with numpy.savez(path, input_name=array).")
    by_request: dict[str, dict[str, Any]] = {}
    for name, array in named.items():
        number, slash, rest = name.partition("/")
        by_request.setdefault(number if slash else "0", {})[rest if slash else name] = array
    ordered = sorted(by_request.items(), key=lambda item: (len(item[0]), item[0]))
    return [_positional(request) for _, request in ordered]


def _positional(request: dict[str, Any]) -> Any:
    if all(name == f"arr_{index}" for index, name in enumerate(request)):
        return tuple(request.values())
    return request


def made_array(name: str, shape: Sequence[int], dtype: str, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """One input that nobody gave: normal floats, small ids, masks of ones, made so that most models accept them."""
    if "float" in dtype or dtype == "double":
        return rng.standard_normal(tuple(shape)).astype(dtype)
    if dtype == "bool" or "mask" in name:
        return np.ones(tuple(shape), dtype=dtype)
    if "token_type" in name or "segment" in name or 0 in (len(shape),):
        return np.zeros(tuple(shape), dtype=dtype)
    return rng.integers(1, 100, size=tuple(shape)).astype(dtype)
