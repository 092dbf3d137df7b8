"""What a probe of a float model is: its layers' inputs are seen, and its layers rounded, one run at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from unslow.core.variant import ArrayRequest
from unslow.verify.outputs import Array

Inputs = Mapping[str, Array]


class Probe(ABC):
    """A float model whose layers' inputs can be seen, and whose layers can be rounded for one run."""

    weights: Mapping[str, Array]
    """Of each layer that has constant ones."""
    channels: Mapping[str, int]
    """The axis of a layer's weights along which its output channels lie."""

    @abstractmethod
    def inputs(self, request: ArrayRequest) -> Inputs:
        """The input of every layer, by the layer's name."""

    @abstractmethod
    def answer(self, request: ArrayRequest, added: Inputs, weights: Inputs) -> list[Array]:
        """The model's answer, with `added` on top of these layers' inputs, and with these layers' `weights`."""
