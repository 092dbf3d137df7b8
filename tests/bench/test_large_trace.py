"""The recording that `bench.large_trace` makes is one: what was put into it is found in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import _made_trace, large_trace
from unslow.core.finding import Evidence
from unslow.habits import diagnose
from unslow.read import facts_of, read
from unslow.verbs._recorded import ELSEWHERE


def test_what_was_put_into_it_is_found(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    steps = _made_trace.write(path, 6_000_000)
    profile = read(path)
    assert len(profile.steps) == steps
    assert len(profile.devices[0].activities) == steps * _made_trace.LAYERS * len(_made_trace.KERNELS)
    found = diagnose(Evidence(profile, facts_of(profile), ELSEWHERE))
    assert tuple(finding.habit for finding in found)[:2] == large_trace.EXPECTED
    # A device's steps begin with its work: the wait for the first batch is before them.
    window_us = _made_trace.STEP_US * (steps - 1) + _made_trace.LAYERS * _made_trace.LAYER_US
    assert profile.shares["data"] == pytest.approx(_made_trace.LOADING_US * (steps - 1) / window_us, abs=0.01)
