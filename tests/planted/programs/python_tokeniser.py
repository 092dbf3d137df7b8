"""Cuts the words of paragraphs into the longest known pieces, and counts the pieces.

Planted: python-bound
By hand: a word's pieces are kept, for most words come again.
"""

import functools
import re
from collections import Counter
from collections.abc import Callable

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

import unslow

LONGEST, PIECES, PARAGRAPH = 8, 400, 1_500
TEXTS = [load().DESCR.lower() for load in (load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine)]
WORDS = [word for text in TEXTS for word in re.findall("[a-z]+", text)]
OFTEN = Counter(
    word[start : start + length] for word in WORDS for length in range(2, LONGEST + 1) for start in range(len(word))
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NUMBERS = {piece: number for number, piece in enumerate(dict.fromkeys([*LETTERS, *dict(OFTEN.most_common(PIECES))]))}


def cut(word: str) -> list[int]:
    """The numbers of its pieces, from the left, each as long as possible."""
    pieces, start = [], 0
    while start < len(word):
        length = min(LONGEST, len(word) - start)
        while word[start : start + length] not in NUMBERS:
            length -= 1
        pieces.append(NUMBERS[word[start : start + length]])
        start += length
    return pieces


def counts(paragraph: np.ndarray, cut: Callable[[str], list[int]] = cut) -> np.ndarray:
    """`paragraph`: bytes of ASCII; returns how often each piece is in it."""
    found = [0] * len(NUMBERS)
    for word in re.findall("[a-z]+", paragraph.tobytes().decode("ascii")):
        for piece in cut(word):
            found[piece] += 1
    return np.array(found)


def paragraphs() -> list[np.ndarray]:
    text = "".join(TEXTS).encode("ascii", "ignore")
    return [np.frombuffer(text[start : start + PARAGRAPH], dtype=np.uint8) for start in range(0, len(text), 150)]


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(counts, paragraphs())


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(functools.partial(counts, cut=functools.cache(cut)), paragraphs())
