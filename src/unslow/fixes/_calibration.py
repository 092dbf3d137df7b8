"""The user's requests as what a quantiser looks at, to see which values occur in each layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from unslow.core.variant import ArrayRequest, Workshop

MOST_REQUESTS = 128
MOST_FOR_HISTOGRAMS = 24
"""Histograms keep every intermediate result of all requests in memory until they are computed."""


def calibration_requests(workshop: Workshop, most: int = MOST_REQUESTS) -> list[ArrayRequest]:
    """Up to `most` of the user's requests, always the same ones in the same order, as contiguous arrays."""
    return [
        {name: np.ascontiguousarray(array) for name, array in request.items()} for request in workshop.requests(most)
    ]


def of_one_shape(requests: Sequence[ArrayRequest]) -> list[ArrayRequest]:
    """The requests of the commonest shape: ONNX Runtime's histograms take no others."""
    shapes = [tuple((name, array.shape) for name, array in request.items()) for request in requests]
    commonest = Counter(shapes).most_common(1)[0][0]
    return [request for request, shape in zip(requests, shapes, strict=True) if shape == commonest]


def onnx_reader(base: Any, requests: Sequence[ArrayRequest], taken: Sequence[str]) -> Any:
    """ONNX Runtime's `CalibrationDataReader` (`base`) over the requests, with the inputs that the graph has."""

    class Reader(base):
        def __init__(self) -> None:
            self._left = iter(requests)

        def get_next(self) -> dict[str, Any] | None:
            request = next(self._left, None)
            return None if request is None else {name: request[name] for name in taken}

    return Reader()
