"""The user's command that judges what a script has left."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from unslow.core.errors import BadInput
from unslow.scripts.evaluate import metric_of

PYTHON = sys.executable


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program", "cannot be run"),
        (f"{PYTHON} -c 'raise SystemExit(3)'", "exit code 3"),
        (f"{PYTHON} -c 'print(\"good\")'", "printed no number"),
    ],
)
def test_a_command_that_says_nothing_is_a_plain_error(command: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=said):
        metric_of(command, tmp_path)


@pytest.mark.parametrize(
    ("text", "metric"),
    [("0.91 on inference set", 0.91), ("0.5 information", 0.5), ("0.5 no.inf", 0.5), ("loss 1 -inf", -math.inf)],
)
def test_words_are_no_numbers(text: str, metric: float, tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text(text)
    assert metric_of(f"{PYTHON} -c 'print(open(\"said.txt\").read())'", tmp_path) == metric


def test_its_last_number_counts_and_it_runs_where_the_script_wrote(tmp_path: Path) -> None:
    (tmp_path / "score.txt").write_text("loss 3, accuracy 9.5e-1\n")
    assert metric_of(f"{PYTHON} -c 'print(open(\"score.txt\").read())'", tmp_path) == 0.95
