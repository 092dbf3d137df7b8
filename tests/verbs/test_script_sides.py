"""Two scripts on one scale: by their steps, by their samples, or in whole runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handmade import facts, loader
from unslow.core.errors import BadInput, BadUsage
from unslow.core.script import ScriptFacts, StepKind
from unslow.core.workload import Model, Target, Workload
from unslow.fixes._script import steps_in_one
from unslow.verbs._look import Surveyed
from unslow.verbs._script_sides import _on_one_scale
from unslow.verbs.compare import _with_arguments, compare


def seen(batch_size: int = 32, step: StepKind = "optimizer", seconds: float = 0.1, **script: Any) -> Surveyed:
    known = ScriptFacts(step, 20, loaders=(loader(batch_size=batch_size),), **script)
    target = Target("script", "/train.py", arguments=("--size", str(batch_size)))
    return Surveyed(Workload(target, Model("script")), facts("script", script=known, seconds_per_request=seconds), "")


def script(one: Surveyed) -> ScriptFacts:
    assert one.facts.script is not None
    return one.facts.script


def test_steps_of_two_kinds_cannot_be_compared() -> None:
    with pytest.raises(BadInput, match="optimizer step"):
        _on_one_scale(seen(), seen(step="loader"))


def test_batches_that_do_not_divide_each_other_are_compared_step_by_step() -> None:
    assert _on_one_scale(seen(32), seen(48)) == (seen(32), seen(48))
    assert _on_one_scale(seen(32, "loader"), seen(64, "loader")) == (seen(32, "loader"), seen(64, "loader"))


@pytest.mark.parametrize("first", [0, 1])
def test_larger_batches_are_counted_in_steps_of_the_smaller(first: int) -> None:
    small, large = seen(32, period=40), seen(128, period=10, seconds=0.2)
    both = _on_one_scale(*((small, large) if first == 0 else (large, small)))
    counted = both[1 - first]
    assert both[first] == small and steps_in_one(counted.workload) == 4
    assert script(counted).period == 40 and counted.facts.seconds_per_request == pytest.approx(0.05)


def test_one_that_runs_as_a_whole_makes_both() -> None:
    a, b = _on_one_scale(seen(whole_runs="it ends after 3 steps", run_s=1.5), seen())
    assert script(a).whole_runs == script(b).whole_runs == "it ends after 3 steps"
    assert script(a).run_s == 1.5 and script(b).run_s == pytest.approx(2.0)


def test_a_script_is_named_with_its_arguments(tmp_path: Path) -> None:
    assert _with_arguments("train.py --epochs 3 --name 'a b'") == ["train.py", "--epochs", "3", "--name", "a b"]
    odd = tmp_path / "my train.py"
    odd.write_text("")
    for text in ("train.py", str(odd), "model.onnx --x", "train.py 'unfinished"):
        assert _with_arguments(text) is None
    assert seen().workload.target.words == "/train.py --size 32"


def test_a_script_and_a_workload_are_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("print(1)\n")
    with pytest.raises(BadUsage, match="is a script"):
        compare(str(path), lambda: 1)
