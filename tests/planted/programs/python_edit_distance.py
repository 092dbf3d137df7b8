"""How many letters must change to make one word of another: the distances of a misspelt word to the words of a text.

Planted: python-bound
By hand: all words are compared at once, by a dynamic program over arrays.
"""

import re

import numpy as np
from sklearn.datasets import load_diabetes, load_digits, load_wine

import unslow

LONGEST, KNOWN, ASKED = 12, 60, 200
texts = " ".join(load().DESCR for load in (load_diabetes, load_digits, load_wine))
WORDS = sorted({word for word in re.findall(r"[a-z]+", texts.lower()) if 3 <= len(word) <= LONGEST})
DICTIONARY = WORDS[:: max(1, len(WORDS) // KNOWN)][:KNOWN]
LENGTHS = np.array([len(word) for word in DICTIONARY])
LETTERS = np.array([[ord(letter) for letter in word.ljust(LONGEST)] for word in DICTIONARY])


def one_by_one(asked: np.ndarray) -> np.ndarray:
    """`asked`: the letters of a word, as code points."""
    word = "".join(map(chr, asked))
    distances = []
    for known in DICTIONARY:
        row = list(range(len(known) + 1))
        for i, a in enumerate(word, start=1):
            before, row[0] = row[0], i
            for j, b in enumerate(known, start=1):
                before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
        distances.append(row[-1])
    return np.array(distances)


def all_at_once(asked: np.ndarray) -> np.ndarray:
    """An insertion costs one more than its left neighbour: a running minimum of what is left after taking that off."""
    places = np.arange(LONGEST + 1)
    rows = np.tile(places, (len(DICTIONARY), 1))
    for i, letter in enumerate(asked, start=1):
        best = np.minimum(rows[:, 1:] + 1, rows[:, :-1] + (letter != LETTERS))
        rows = np.concatenate([np.full((len(rows), 1), i), best], axis=1)
        rows = np.minimum.accumulate(rows - places, axis=1) + places
    return rows[np.arange(len(rows)), LENGTHS]


def misspelt() -> list[np.ndarray]:
    return [np.array([ord(letter) for letter in word[::-1]]) for word in WORDS[:ASKED]]


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(one_by_one, misspelt())


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(all_at_once, misspelt())
