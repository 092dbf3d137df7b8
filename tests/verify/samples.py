"""Synthetic evaluations whose true loss is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unslow.verify.explanations import spearman
from unslow.verify.outputs import Answers

Floats = NDArray[np.float64]
WIDTH = 8


def accuracy(outputs: Any, labels: Any) -> float:
    return float(np.mean(np.asarray(outputs) == np.asarray(labels)))


def decisions(n: int, harmed: int, helped: int, both_wrong: int = 0) -> tuple[Answers, Answers, NDArray[np.intp]]:
    """An original and a variant that decide differently on some of `n` samples; every label is 1."""
    original, variant = np.ones(n, np.intp), np.ones(n, np.intp)
    variant[:harmed] = 0
    original[harmed : harmed + helped] = 0
    original[n - both_wrong :] = variant[n - both_wrong :] = 0
    return Answers.of([[x] for x in original]), Answers.of([[x] for x in variant]), np.ones(n, np.intp)


@dataclass(frozen=True)
class Words:
    """Embeddings (words, WIDTH) by the original and the variant, and a table of pairs with what people say of them."""

    original: Floats
    variant: Floats
    pairs: NDArray[np.intp]
    human: Floats

    @property
    def loss(self) -> float:
        left, right = self.pairs.T
        before, after = (
            cosine(self.original[left], self.original[right]),
            cosine(self.variant[left], self.variant[right]),
        )
        return spearman(before, self.human) - spearman(after, self.human)

    def metric(self) -> Callable[[Any, Any], float]:
        """A metric that closes over the pair table: labels say which word an output embeds, repeats count."""

        def correlation(outputs: Floats, labels: Sequence[int]) -> float:
            row = {word: k for k, word in enumerate(labels)}
            times = np.zeros(len(self.original), np.intp)
            where = np.zeros(len(self.original), np.intp)
            for word, count in Counter(labels).items():
                times[word], where[word] = count, row[word]
            left, right = self.pairs.T
            found = np.repeat(np.arange(len(self.pairs)), times[left] * times[right])
            return spearman(cosine(outputs[where[left[found]]], outputs[where[right[found]]]), self.human[found])

        return correlation

    def as_texts(self) -> tuple[Answers, Answers, list[int]]:
        """One request per word, batches of one."""
        before, after = ([[row[None]] for row in table] for table in (self.original, self.variant))
        return Answers.of(before), Answers.of(after), list(range(len(self.original)))

    def as_pairs(self) -> tuple[Answers, Answers]:
        """One request per pair, answered with two embeddings."""
        return Answers.of([self.original[p]] for p in self.pairs), Answers.of([self.variant[p]] for p in self.pairs)


def words(seed: int, n_words: int, n_pairs: int, damage: float) -> Words:
    """Words whose embeddings by the variant err word by word, some words much more than others."""
    random = np.random.default_rng(seed)
    meaning = random.normal(size=(n_words, WIDTH))
    left = random.integers(0, n_words, n_pairs)
    right = (left + random.integers(1, n_words, n_pairs)) % n_words
    human = cosine(meaning[left], meaning[right]) + 0.15 * random.normal(size=n_pairs)
    original = meaning + 0.4 * random.normal(size=meaning.shape)
    variant = original + damage * random.normal(size=meaning.shape) * random.exponential(size=(n_words, 1))
    return Words(original, variant, np.stack([left, right], axis=1), human)


def pair_correlation(outputs: Any, labels: Any) -> float:
    """Outputs (pairs, 2, WIDTH), labels (pairs,)."""
    return spearman(cosine(outputs[:, 0], outputs[:, 1]), np.asarray(labels))


def cosine(a: Floats, b: Floats) -> Floats:
    return np.sum(a * b, axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
