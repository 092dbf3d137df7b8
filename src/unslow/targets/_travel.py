"""Requests that travel to other targets: as an `.npz` that any of them takes, and a digest that tells two apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from unslow.core.calls import Array, as_request, dtype_name, is_array, to_numpy
from unslow.core.errors import BadInput


def named_arrays(requests: Sequence[Any]) -> dict[str, Array]:
    """Requests by the names that `requests_from_npz` reads: `number/input`; `number/arr_0` for positional ones.

    Raises
    ------
    BadInput
        There are none, a value is no array of numbers, or a request has positional and named values.
    """
    if len(requests) == 0:
        raise BadInput("There are no inputs: nothing could be timed.", "Give at least one request.")
    named: dict[str, Array] = {}
    for number, raw in enumerate(requests):
        request = as_request(raw)
        if request.args and request.kwargs:
            raise BadInput(f"Request {number} has positional and named values.", "Give all of its inputs by name.")
        values = {f"arr_{place}": value for place, value in enumerate(request.args)} | dict(request.kwargs)
        for name, value in values.items():
            named[f"{number}/{name}"] = _array(value, number)
    return named


def _array(value: Any, number: int) -> Array:
    found = to_numpy(value) if is_array(value) or isinstance(value, (bool, int, float)) else None
    if found is None or found.dtype.hasobject:
        raise BadInput(
            f"Request {number} holds a {type(value).__name__}, which a model file cannot take.",
            "Give arrays or tensors, tuples of them, or dicts by input name.",
        )
    return found


def write_arrays(arrays: Mapping[str, Array], path: Path) -> None:
    """Save what `named_arrays` gave."""
    saved: dict[str, Any] = dict(arrays)
    np.savez(path, **saved)


def digest_of(requests: Sequence[Any]) -> str:
    """A hash of the requests' values, the same for tensors and arrays; "" where they hold objects that have none."""
    digest = hashlib.sha256()
    for raw in requests:
        request = as_request(raw)
        if not _fed(digest, [list(request.args), dict(request.kwargs)]):
            return ""
    return digest.hexdigest()[:16]


def _fed(digest: Any, value: Any) -> bool:
    """Whether the value has a content that could be hashed."""
    if value is None or isinstance(value, (str, bytes, bool, int, float, Path)):
        digest.update(f"{type(value).__name__}:{value!r};".encode())
        return True
    if is_array(value):
        array = to_numpy(value)
        digest.update(f"{dtype_name(value)}{array.shape};".encode())
        if array.dtype.hasobject:
            return False
        digest.update(np.ascontiguousarray(array).tobytes())
        return True
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value)
        return all(_fed(digest, key) and _fed(digest, item) for key, item in items.items())
    if isinstance(value, (list, tuple)):
        values = cast("Sequence[Any]", value)
        digest.update(f"{len(values)};".encode())
        return all(_fed(digest, item) for item in values)
    return False
