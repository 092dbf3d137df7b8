"""A loaded bundle: call it like the model that it came from."""

from __future__ import annotations

import html
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from unslow.bundle.manifest import Manifest
from unslow.core.calls import Request, as_request, leaves_of, rebuild, structure_of, to_numpy
from unslow.core.runtime import Call
from unslow.core.workload import Serving
from unslow.serving.answer import Answerer


@final
class Bundle:
    """Answers as the original did, in the same structure.

    The leaves of an answer are torch tensors if any input was one, else NumPy arrays (bfloat16 as float32). Dicts come
    back with their values as attributes too. `call` is the runtime itself, without these conversions.
    """

    def __init__(self, folder: Path, manifest: Manifest, call: Call) -> None:
        self.folder = folder
        self.manifest = manifest
        self.call = call
        self._answerer: Answerer | None = None

    @property
    def serving(self) -> Serving:
        """How requests met the model when it was measured."""
        return self.manifest.serving

    @property
    def names(self) -> tuple[str, ...]:
        """The model's inputs in the order of its parameters."""
        return tuple(leaf.name for leaf in self.manifest.inputs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The answer to one request.

        Raises
        ------
        BadInput
            An input is missing, unknown, or of a dtype or shape that the model does not take.
        """
        request = Request(args, kwargs)
        if self.serving.trim_padding:
            return self.answer_many([request])[0]
        return _as_given(self.call(request), request)

    def answer_many(self, requests: Sequence[Any]) -> list[Any]:
        """The answers to many requests in their order, batched and in parallel as the bundle was measured.

        Each request is an array or tensor, a tuple of them (positional) or a dict (keyword).
        """
        normal = [as_request(request) for request in requests]
        if self._answerer is None:
            self._answerer = self.answerer()
        answers = self._answerer.answer(normal).answers
        return [_as_given(answer, request) for answer, request in zip(answers, normal, strict=True)]

    def answerer(self) -> Answerer:
        """A new `Answerer` over `call`, served as measured."""
        return Answerer(self.call, self.serving, self.names)

    def __repr__(self) -> str:
        fixes = " + ".join(map(str, self.manifest.fixes)) or "as it was"
        inputs = ", ".join(f"{leaf.name}: {leaf.dtype}" for leaf in self.manifest.inputs)
        runtime = self.manifest.model.runtime
        return f"<Bundle of {self.manifest.target}: {fixes}; {runtime}; inputs {inputs or 'as the original'}>"

    def _repr_html_(self) -> str:
        manifest = self.manifest
        rows = {
            "model": manifest.target,
            "fixes": " + ".join(map(str, manifest.fixes)) or "none",
            "runtime": manifest.model.runtime,
            "inputs": ", ".join(f"{leaf.name}: {leaf.dtype}" for leaf in manifest.inputs),
            "folder": str(self.folder),
        }
        cells = (f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows.items())
        return f"<table>{''.join(cells)}</table>"


def _as_given(answer: Any, request: Request) -> Any:
    """The answer with its leaves as tensors if an input was a tensor, else as arrays."""
    given = (*request.args, *request.kwargs.values())
    wants_tensors = any(hasattr(leaf, "detach") for value in given for leaf in leaves_of(value))
    leaves = [_tensor(leaf) if wants_tensors else _array(leaf) for leaf in leaves_of(answer)]
    return rebuild(structure_of(answer), leaves)


def _tensor(leaf: Any) -> Any:
    torch: Any = sys.modules["torch"]
    return torch.from_numpy(leaf) if isinstance(leaf, np.ndarray) else leaf


def _array(leaf: Any) -> Any:
    return to_numpy(leaf) if hasattr(leaf, "shape") else leaf
