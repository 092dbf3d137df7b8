"""Cuts paragraphs into the longest known pieces of words, and counts the pieces.

Planted: python-bound
By hand: one regular expression of all pieces, longest first, cuts a paragraph in one call.
"""

import re
from collections import Counter

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

import unslow

LONGEST, PIECES = 6, 400
TEXTS = [load().DESCR.lower() for load in (load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine)]
OFTEN = Counter(
    text[start : start + length] for text in TEXTS for length in range(2, LONGEST + 1) for start in range(len(text))
)
LETTERS = sorted(set("".join(TEXTS)))
NUMBERS = {piece: number for number, piece in enumerate([*LETTERS, *(piece for piece, _ in OFTEN.most_common(PIECES))])}
PATTERN = re.compile("|".join(map(re.escape, sorted(NUMBERS, key=len, reverse=True))))


def letter_by_letter(paragraph: np.ndarray) -> np.ndarray:
    """`paragraph`: bytes of ASCII; returns how often each piece is in it."""
    text = paragraph.tobytes().decode("ascii")
    counts, start = [0] * len(NUMBERS), 0
    while start < len(text):
        length = LONGEST
        while text[start : start + length] not in NUMBERS or start + length > len(text):
            length -= 1
        counts[NUMBERS[text[start : start + length]]] += 1
        start += length
    return np.array(counts)


def by_one_pattern(paragraph: np.ndarray) -> np.ndarray:
    counts = np.zeros(len(NUMBERS), dtype=int)
    for piece, count in Counter(PATTERN.findall(paragraph.tobytes().decode("ascii"))).items():
        counts[NUMBERS[piece]] = count
    return counts


def paragraphs() -> list[np.ndarray]:
    text = "".join(TEXTS).encode("ascii", "ignore")
    return [np.frombuffer(text[start : start + 1_500], dtype=np.uint8) for start in range(0, len(text), 150)]


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(letter_by_letter, paragraphs())


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(by_one_pattern, paragraphs())
