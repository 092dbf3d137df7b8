"""Noise for the simulations: pair log-ratios around a true log speed-up of zero, by seeded generators.

Every generator gives an array of shape (repeats, pairs). What the coin does to noise that wanders: the order of each
pair is drawn afresh, so the sign of what differs between first and second turn is fair, whatever it was in the pair
before.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int, int], Floats]

PAIR_NOISE = 0.02
BLOCK = 10
"""Neighbouring pairs that are resampled together from a record, so that what they share is kept."""


def normal(random: np.random.Generator, repeats: int, pairs: int) -> Floats:
    return PAIR_NOISE * random.standard_normal((repeats, pairs))


def t3(random: np.random.Generator, repeats: int, pairs: int) -> Floats:
    return PAIR_NOISE * random.standard_t(3, (repeats, pairs))


def wandering(random: np.random.Generator, repeats: int, pairs: int) -> Floats:
    """AR(1) with coefficient 0.3, as the machine gives it, before any coin."""
    shocks = PAIR_NOISE * random.standard_normal((repeats, pairs))
    for pair in range(1, pairs):
        shocks[:, pair] += 0.3 * shocks[:, pair - 1]
    return shocks


def wandering_with_coin(random: np.random.Generator, repeats: int, pairs: int) -> Floats:
    return _coin(random, (repeats, pairs)) * wandering(random, repeats, pairs)


def recorded(random: np.random.Generator, repeats: int, pairs: int) -> Floats:
    """Blocks of recorded pairs, with the coin of the recording, each process pair about its own median."""
    noise = recorded_log_ratios()
    return _blocks(random, noise - np.median(noise, axis=1, keepdims=True), repeats, pairs)


def recorded_with_coin(random: np.random.Generator, repeats: int, pairs: int) -> Floats:
    """Blocks of what differed between first and second turn, with a coin drawn afresh."""
    orientation = np.array([[1.0 if order == "ab" else -1.0 for order in pair["order"]] for pair in _record()])
    first_over_second = recorded_log_ratios() * orientation
    return _coin(random, (repeats, pairs)) * _blocks(random, first_over_second, repeats, pairs)


def recorded_process_pairs(random: np.random.Generator, repeats: int, pairs: int) -> Floats:
    """Blocks of recorded pairs as they are, with what each process pair kept for its life; either worker may be A."""
    return _coin(random, (repeats, 1)) * _blocks(random, recorded_log_ratios(), repeats, pairs)


@lru_cache(maxsize=1)
def recorded_log_ratios() -> Floats:
    """log(a / b) of the recorded A-against-A turns, of shape (process pairs, turn pairs)."""
    return np.array([np.log(np.array(pair["a"]) / np.array(pair["b"])) for pair in _record()])


@lru_cache(maxsize=1)
def _record() -> list[dict[str, Any]]:
    record = json.loads((Path(__file__).parent / "recorded_noise.json").read_text())
    assert record["schema"] == "unslow.noise/1"
    return record["process_pairs"]


def _blocks(random: np.random.Generator, noise: Floats, repeats: int, pairs: int) -> Floats:
    """Block bootstrap: each repeat keeps to one process pair."""
    blocks = -(-pairs // BLOCK)
    process = random.integers(noise.shape[0], size=(repeats, 1, 1))
    start = random.integers(noise.shape[1] - BLOCK + 1, size=(repeats, blocks, 1))
    return noise[process, start + np.arange(BLOCK)].reshape(repeats, -1)[:, :pairs]


def _coin(random: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return random.choice(np.array([-1.0, 1.0]), size=shape)
