"""A look at a workload, with a process that acts: when the user's metric is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import traces
from acting import WIDTH, Actors, Script, facts, failing, requests
from handmade import machine
from unslow.core.errors import BadInput
from unslow.core.events import silent
from unslow.core.options import Options
from unslow.core.workload import Inference, Model, Target, Workload
from unslow.runs.folder import RunFolder
from unslow.runs.journal import Journal
from unslow.verbs import _look
from unslow.verbs._look import look
from unslow.verify.judge import read_answers

TARGET = Target("python-file", "/somewhere/model.py", "model")
N = 12


def model(who: str, settings: Mapping[str, Any], request: Mapping[str, Any]) -> list[Any]:
    return [request["x"] * (1 if settings.get("eval") else 2)]


def script(folder: Path, metric: Any, **known: Any) -> Script:
    asked = requests(N)
    inference = Inference(None, asked, labels=list(range(N)) if metric else None, metric=metric)

    def survey(**_: Any) -> Any:
        what = facts(N, labelled=metric is not None, has_metric=metric is not None, **known)
        return {
            "workload": Workload(TARGET, Model("function")), "facts": what,
            "recording": str(traces.steps(folder / "steps.json")),
        }  # fmt: skip

    return Script(model, requests=asked, inference=inference, jobs={"survey": survey})


@pytest.fixture(autouse=True)
def this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is about how fast it is."""
    monkeypatch.setattr(_look, "this_machine", machine)


def looked(folder: Path, acted: Script, **more: Any) -> RunFolder:
    run = RunFolder(folder)
    for inner in (run.survey, run.logs, run.answers):
        inner.mkdir(parents=True, exist_ok=True)
    options = more.pop("options", Options())
    look(TARGET, run, Journal(run.journal), options, Actors(acted), silent, **more)
    return run


def mean(outputs: Any, labels: Any) -> float:
    return float(np.mean(outputs))


def test_without_a_metric_nothing_is_answered(tmp_path: Path) -> None:
    acted = script(tmp_path, None)
    looked(tmp_path, acted)
    assert acted.asked("answers") == []


def test_where_nothing_will_be_judged_no_metric_is_checked(tmp_path: Path) -> None:
    acted = script(tmp_path, lambda outputs, labels: math.nan)
    looked(tmp_path, acted, will_judge=False)
    assert acted.asked("answers") == []


def divides(outputs: Any, labels: Any) -> float:
    return 1 / 0


def nothing(outputs: Any, labels: Any) -> float:
    return math.nan


@pytest.mark.parametrize(("metric", "says"), [(divides, "ZeroDivisionError"), (nothing, "nan")])
def test_a_metric_that_cannot_be_used_is_said_before_anything_is_tried(tmp_path: Path, metric: Any, says: str) -> None:
    acted = script(tmp_path, metric)
    with pytest.raises(BadInput, match=says):
        looked(tmp_path, acted)
    assert not (RunFolder(tmp_path).answers / "original.npz").exists()
    assert acted.asked("build") == []


def test_an_evaluation_that_the_original_cannot_answer_is_said_in_two_lines(tmp_path: Path) -> None:
    acted = script(tmp_path, mean)
    acted.jobs = {**acted.jobs, "answers": failing("The model raised ValueError.")}
    with pytest.raises(BadInput, match="ValueError") as raised:
        looked(tmp_path, acted)
    assert len(str(raised.value).splitlines()) == 2


@pytest.mark.parametrize(("training", "times"), [((), 2.0), (("dropout",), 1.0)])
def test_the_original_s_answers_are_kept_for_the_guard(tmp_path: Path, training: tuple[str, ...], times: float) -> None:
    acted = script(tmp_path, mean, training=training)
    run = looked(tmp_path, acted, options=Options(patience_s=7.0))
    answers = read_answers(run.answers / "original.npz")
    assert len(answers) == N
    assert answers.leaves[3][0] == pytest.approx(requests(N)[3]["x"] * times)
    assert answers.leaves[3][0].shape == (1, WIDTH)
    assert {seconds for _, seconds in acted.timeouts} == {7.0}
    looked(tmp_path, acted)
    assert len(acted.asked("answers")) == 1
