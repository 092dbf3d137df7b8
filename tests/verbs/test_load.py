"""Under what load figures were taken, in words."""

from __future__ import annotations

import pytest

from unslow.core.trial import Trial
from unslow.core.workload import Serving
from unslow.verbs._load import load_line, load_of


@pytest.mark.parametrize(
    ("serving", "rate", "said"),
    [
        (Serving(), 0.0, "one request at a time"),
        (Serving(bucket=True, trim_padding=True), 0.0, "one request at a time"),
        (Serving(clients=3), 0.0, "a closed loop of 3 clients"),
        (Serving(batch_size=8), 0.0, "batches of 8"),
        (Serving(batch_size=8, clients=2), 0.0, "a closed loop of 2 clients, batches of 8"),
        (Serving(), 20.0, "one request at a time; latencies in an open loop of 20 arrivals a second"),
    ],
)
def test_the_load_in_words(serving: Serving, rate: float, said: str) -> None:
    assert load_of(serving, rate) == said


def trial(load: str) -> Trial:
    return Trial("a", (), "exact", "same", load=load)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, None, ""),
        (trial("one request at a time"), None, "One request at a time."),
        (trial("batches of 8"), trial("batches of 8"), "Batches of 8."),
        (trial("one at a time"), trial("batches of 8"), "Before: one at a time. After: batches of 8."),
    ],
)
def test_before_and_after_in_one_line(before: Trial | None, after: Trial | None, said: str) -> None:
    assert load_line(before, after) == said
