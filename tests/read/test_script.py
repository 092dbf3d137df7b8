from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

import traces
from unslow.core.errors import BadInput
from unslow.read import read


def profile(tmp_path: Path, **changes: Any) -> Any:
    return read(traces.script(tmp_path / "script.json", **changes)).self_check()


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": []},
        {"steps": [{"start_ns": 200, "end_ns": 100}]},
        {"steps": [{"start_ns": -1, "end_ns": 100}]},
        {"steps": "none"},
        {"spans": [{"kind": "data", "start_ns": "soon", "end_ns": 150}]},
    ],
)
def test_a_damaged_recording_is_a_plain_error(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        profile(tmp_path, **changes)


def test_what_no_call_covers_is_the_scripts_own_python(tmp_path: Path) -> None:
    seen = profile(tmp_path)
    assert seen.wall_ns == 200 and len(seen.steps) == 2
    assert seen.shares["data"] == 0.2 and seen.shares["compute"] == 0.25
    assert seen.shares["io"] == 0.4  # ended with its step
    assert seen.shares["framework"] == pytest.approx(0.15)
    assert sum(seen.shares.values()) == pytest.approx(1)


def test_what_looking_took_is_in_no_step(tmp_path: Path) -> None:
    seen = profile(tmp_path, distortion=0.08, bare_seconds=[100e-9, 100e-9])  # 8 ns a step, 2 on either side of a call
    assert seen.distortion == 0.08 and seen.wall_ns < 200
    assert sum(span.duration_ns for span in seen.spans if span.name == "wait for a batch") == 40


def test_a_call_within_a_call_is_its_child(tmp_path: Path) -> None:
    spans = profile(tmp_path).spans
    inner = next(span for span in spans if span.name == "backward")
    assert spans[inner.parent].name == "optimizer"
    assert spans[inner.parent].details["line"] == 12


def test_what_lies_between_recorded_steps_is_left_out(tmp_path: Path) -> None:
    between = {"kind": "data", "site": "", "start_ns": 210, "end_ns": 290, "parent": -1}
    spans = [*traces.SCRIPT["spans"][:3], between, traces.SCRIPT["spans"][3]]
    assert profile(tmp_path, spans=spans).shares["data"] == 0.2


def sampled(*rows: tuple[str, str, str], count: int = 10) -> dict[str, Any]:
    """Samples of 5 ms: (phase, what the thread did, innermost frame), each `count` times."""
    ms = 1_000_000
    doing = {"framework": (6 * ms, 5 * ms), "compute": (0, 5 * ms), "other": (0, 0)}
    stacks = [["train.py:1 main", frame] for _, _, frame in rows]
    samples = [
        {"at_ns": 0, "late_ns": doing[what][0], "worked_ns": doing[what][1], "stack": place, "within": phase}
        for place, (phase, what, _) in enumerate(rows)
        for _ in range(count)
    ]
    return {"interval_ns": 5 * ms, "switch_interval_ns": 5 * ms, "stacks": stacks, "samples": samples}


def operators() -> dict[str, Any]:
    """Two steps of 100 µs: a forward phase of 50 µs with a product of 40 µs, and a sum of 20 µs in no phase."""
    events: list[traces.Event] = []
    shapes = {"Input Dims": [[8, 4], [4, 2]], "Input type": ["float", "float"]}
    for n, start in enumerate((0, 100)):
        events += [
            traces.step(n, start, 100),
            traces.op("unslow:forward", start + 10, 50, "user_annotation"),
            traces.op("aten::mm", start + 15, 40, **shapes),
            traces.op("aten::sum", start + 70, 20),
        ]
    return {"traceEvents": events}


FORWARD = {
    "steps": [{"start_ns": 0, "end_ns": 1000}],
    "spans": [{"kind": "forward", "site": "train.py:12", "start_ns": 100, "end_ns": 600, "parent": -1}],
}


class TestWhatPhasesAreMadeOf:
    @pytest.mark.parametrize(
        "window", [{"sampled": []}, {"operators": {"traceEvents": 3}}, {"sampled": {"samples": 1}}]
    )
    def test_a_damaged_window_is_a_plain_error(self, tmp_path: Path, window: dict[str, Any]) -> None:
        with pytest.raises(BadInput):
            profile(tmp_path, **window)

    def test_windows_do_not_change_how_long_a_phase_is(self, tmp_path: Path) -> None:
        bare = profile(tmp_path, **FORWARD)
        full = profile(tmp_path, **FORWARD, operators=operators(), sampled=sampled(("", "framework", "train.py:9 f")))
        assert bare.phases["forward"] == full.phases["forward"] == 0.5
        assert sum(full.phases.values()) == pytest.approx(1) and full.wall_ns == 1000

    def test_operators_take_their_part_of_their_phase(self, tmp_path: Path) -> None:
        seen = profile(tmp_path, **FORWARD, operators=operators())
        product = next(span for span in seen.spans if span.name == "aten::mm")
        assert product.duration_ns == 400  # 40 of 50 µs, of a phase that takes 500 ns
        assert seen.spans[product.parent].details["phase"] == "forward"
        assert product.details["dtypes"] == ["float32", "float32"] and product.calls == 1
        # Around the phase: 20 of the 50 µs that lie in no phase.
        outside = [span for span in seen.spans if span.name == "aten::sum"]
        assert sum(span.duration_ns for span in outside) == 200
        assert sum(span.calls for span in outside) == 1
        assert seen.shares["compute"] == pytest.approx(0.6) and seen.shares["framework"] == pytest.approx(0.4)

    def test_samples_share_out_what_no_operator_takes(self, tmp_path: Path) -> None:
        lines = sampled(
            ("", "framework", "train.py:9 augment"), ("", "framework", "/lib/site-packages/pil/a.py:3 load")
        )
        seen = profile(tmp_path, **FORWARD, operators=operators(), sampled=lines)
        own = {name: sum(s.duration_ns for s in seen.spans if s.name.startswith(name)) for name in ("augment", "load")}
        assert own == {"augment": 150, "load": 150}
        load = next(span for span in seen.spans if span.name.startswith("load"))
        assert (load.details["file"], load.details["line"]) == ("train.py", 1)  # the user's innermost line
        assert load.details["stack"] == ["train.py:1 main", "pil/a.py:3 load"] and load.calls == 0

    def test_code_that_is_in_no_file_is_not_the_users(self, tmp_path: Path) -> None:
        lines = sampled(("", "framework", "<frozen posixpath>:404 realpath"), ("", "framework", "<string>:7 made"))
        seen = profile(tmp_path, **FORWARD, sampled=lines)
        assert {span.details["file"] for span in seen.spans if span.details.get("sampled")} == {"train.py"}

    def test_native_code_that_operators_explain_is_not_counted_again(self, tmp_path: Path) -> None:
        # 40 % of what lies in no phase is an operator; 50 % of the samples there were in native code.
        lines = sampled(("", "framework", "train.py:9 python"), ("", "compute", "train.py:8 native"))
        seen = profile(tmp_path, **FORWARD, operators=operators(), sampled=lines)
        own = {name: sum(s.duration_ns for s in seen.spans if s.name.startswith(name)) for name in ("python", "native")}
        assert own["python"] == pytest.approx(250, abs=2) and own["native"] == pytest.approx(50, abs=2)

    def test_what_makes_a_batch_is_still_a_wait_for_data(self, tmp_path: Path) -> None:
        waits = {**FORWARD, "spans": [{**FORWARD["spans"][0], "kind": "data"}]}
        seen = profile(tmp_path, **waits, sampled=sampled(("data", "framework", "train.py:9 decode")))
        decode = next(span for span in seen.spans if span.name.startswith("decode"))
        assert decode.category == "data" and seen.shares["data"] == 0.5


class TestBriefLines:
    """A step of 10 ms, of which each of ten samples stands for 1 ms."""

    STEP: ClassVar[dict[str, Any]] = {"steps": [{"start_ns": 0, "end_ns": 10_000_000}], "spans": []}

    def category(self, tmp_path: Path, times: int, elements: int = 0, frame: str = "train.py:9 pairs") -> str:
        window = sampled(("", "compute", frame))
        window["stacks"][0][0] = "train.py:9 pairs"
        window |= {"counted": {"step_ns": 10_000_000, "lines": {"train.py:9": times}}}
        window |= {"operands": {"train.py:9": {"float64": elements}} if elements else {}}
        spans = profile(tmp_path, **self.STEP, sampled=window).spans
        return next(span.category for span in spans if span.details.get("sampled"))

    @pytest.mark.parametrize("counted", [3, {"lines": 3}, {"lines": {"train.py:9": 500}, "step_ns": "x"}])
    def test_damaged_counts_are_a_plain_error(self, tmp_path: Path, counted: Any) -> None:
        window = sampled(("", "compute", "train.py:9 pairs")) | {"counted": counted}
        with pytest.raises(BadInput):
            profile(tmp_path, **self.STEP, sampled=window)

    @pytest.mark.parametrize(("times", "elements"), [(0, 0), (9, 0), (200, 0), (200, 20_000), (90, 500)])
    def test_long_lines_and_lines_that_run_seldom_compute(self, tmp_path: Path, times: int, elements: int) -> None:
        assert self.category(tmp_path, times, elements) == "compute"

    @pytest.mark.parametrize(("times", "elements"), [(1_000, 0), (1_000, 20_000), (200, 500)])
    def test_calls_for_a_moment_only_start_what_they_compute(self, tmp_path: Path, times: int, elements: int) -> None:
        assert self.category(tmp_path, times, elements) == "framework"
        assert self.category(tmp_path, times, elements, "/lib/site-packages/numpy/a.py:3 _mean") == "framework"

    def test_other_libraries_are_not_judged(self, tmp_path: Path) -> None:
        assert self.category(tmp_path, 1_000, 0, "/lib/site-packages/scipy/a.py:3 solve") == "compute"
