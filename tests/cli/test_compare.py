"""The gate of `unslow compare --require`: what is asked for must be shown by the interval."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from handmade import machine
from unslow.cli import main as entry
from unslow.core.comparison import Comparison, Side
from unslow.core.estimate import verdict_of
from unslow.core.trial import Speedup


def compared(low: float, high: float, noise: float = 0.02) -> Comparison:
    speedup = Speedup((low * high) ** 0.5, low, high, 0.95, 75, 3)
    return Comparison(Side("a"), Side("b"), speedup, verdict_of(speedup.estimate, noise), noise, "latency", machine())


FAILED = Comparison(Side("a"), Side("b"), None, "failed", 0.02, "latency", machine(), reason="It crashed.")


@pytest.fixture
def exits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The exit code of `unslow compare` where the race ended like this."""
    file = tmp_path / "file.py"
    file.write_text("def model(): ...\n")

    def code(result: Comparison, *arguments: str) -> int:
        monkeypatch.setattr(importlib.import_module("unslow.verbs.compare"), "compare", lambda *_, **__: result)
        return entry.main(["compare", f"{file}:model", f"{file}:model", "--json", *arguments])

    return code


@pytest.mark.parametrize(
    ("result", "faster", "not_slower"),
    [
        (FAILED, 1, 1),
        (compared(0.90, 0.95), 1, 1),
        (compared(0.95, 1.10), 1, 1),
        (compared(1 / 1.02 - 1e-6, 1.5), 1, 1),
        (compared(0.95, 1.10, noise=0.06), 1, 0),
        (compared(1 / 1.02, 1.01), 1, 0),
        (compared(1.01, 1.5), 1, 0),
        (compared(1.03, 1.5), 0, 0),
    ],
)
def test_what_is_required_must_be_shown(exits: Any, result: Comparison, faster: int, not_slower: int) -> None:
    assert exits(result, "--require", "faster") == faster
    assert exits(result, "--require", "not-slower") == not_slower


@pytest.mark.parametrize("result", [FAILED, compared(0.5, 0.6), compared(1.5, 1.6)])
def test_without_a_requirement_there_is_no_gate(exits: Any, result: Comparison) -> None:
    assert exits(result) == 0
