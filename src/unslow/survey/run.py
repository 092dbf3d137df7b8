"""The survey itself: build the workload once, time it, learn its facts, record where its time goes."""

from __future__ import annotations

import hashlib
import json
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from unslow import targets
from unslow.core.calls import Array, Request, as_request, is_array, leaf_names, leaves_of, structure_of, to_numpy
from unslow.core.errors import BadInput, UnslowError
from unslow.core.events import Tell, unheard
from unslow.core.facts import Facts, FileRead
from unslow.core.workload import Inference, Serving, Target, Workload
from unslow.runtimes import open_model
from unslow.serving.stream import Around, Stream
from unslow.survey import calls, observe, onnx_facts, torch_facts
from unslow.survey.names import names_of
from unslow.survey.requests import all_arrays, write_requests

TIMING_S = 1.5
RECORDED_S = 1.0
WATCHED_S = 0.3
LEAST_RECORDED, MOST_RECORDED, LEAST_WATCHED = 4, 200, 2
FRAMEWORKS = {"torch-module": "torch", "exported-program": "exported", "onnxruntime": "onnx", "openvino": "openvino"}


@dataclass(frozen=True)
class Survey:
    """What was learned: the original as plain data, the facts, and the file of the recording."""

    workload: Workload
    facts: Facts
    recording: str


@dataclass(frozen=True)
class _Built:
    workload: Workload
    inference: Inference
    stream: Stream
    requests: tuple[Request, ...]
    names: tuple[str, ...]
    build_seconds: float

    @property
    def answer(self) -> Callable[[int], Any]:
        """Answers what meets the model together, from a place on: one request, unless a bundle is served otherwise."""
        return self.stream.answer if self.workload.serving == Serving() else self._together

    def _together(self, place: int) -> list[Any]:
        return list(self.stream.answers(range(place, place + self.stream.granularity)))


def survey(target: Target, folder: Path, after: int = 0, tell: Tell = unheard) -> Survey:
    """Everything, in this process. Files go to `folder`. Of a script, `after` steps go by before it is looked at;
    where its steps are long, `tell` is told how far it is."""
    if target.kind == "script":
        from unslow.survey.script import survey_script

        return Survey(*survey_script(target, folder, after, tell))
    notes = calls.watched(target)
    built = _build(target)
    first, second = _first_answers(built)
    timing = observe.time_requests(built.answer, len(built.requests), TIMING_S)
    together = built.stream.granularity
    facts = replace(
        _facts(built, first, second),
        seconds_per_request=timing.median / together,
        cpu_seconds_per_request=timing.cpu_seconds / len(timing.seconds) / together,
        spread=timing.spread,
        cores_taken=timing.cores_taken,
        peak_memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )
    if facts.flat_inputs:
        _save(built, folder)
    recording = _record(built, facts, folder)
    times = int(min(MOST_RECORDED, max(LEAST_WATCHED, WATCHED_S / max(timing.median, 1e-6))))
    noted = calls.noted(notes, built.answer, times, times * together)
    return Survey(built.workload, replace(facts, **noted, files_read=_files_read(built, times)), str(recording))


def _files_read(built: _Built, times: int) -> tuple[FileRead, ...]:
    """After all else: what watches the files stays in the process, and would be in whatever is timed or recorded."""
    with observe.files_opened() as opened:
        for place in range(times):
            built.answer(place)
    return observe.files_read(opened, times * built.stream.granularity)


def _build(target: Target) -> _Built:
    started = time.perf_counter()
    inference = targets.load(target)
    workload = targets.original(target, inference)
    call = open_model(workload.model, workload.host, targets.live(workload, inference))
    build_seconds = time.perf_counter() - started
    prepare = inference.prepare or _as_given
    requests = tuple(as_request(_user_code("prepare", prepare, raw)) for raw in inference.inputs)
    names = names_of(workload, inference)
    around = Around(inference.prepare, inference.finish, inference.carry)
    stream = Stream(call, workload.serving, names, inference.inputs, around)
    return _Built(workload, inference, stream, requests, names, build_seconds)


def _as_given(raw: Any) -> Any:
    return raw


def _user_code(what: str, function: Callable[[Any], Any], argument: Any) -> Any:
    try:
        return function(argument)
    except Exception as error:
        raise BadInput(
            f"The workload's {what} raised {type(error).__name__}: {error}", "Make it run on its own requests first."
        ) from error


def _first_answers(built: _Built) -> tuple[Any, Any]:
    """The first request answered twice: shows bad inputs at once, and whether the model is stochastic."""
    try:
        return _model_answer(built, 0), _model_answer(built, 0)
    except UnslowError:
        raise
    except Exception as error:
        shapes = ", ".join(
            f"{name} {_described(value)}" for name, value in built.requests[0].named(built.names).items()
        )
        first = (str(error).strip() or "no message").splitlines()[0]
        raise BadInput(
            f"The model cannot answer the first request ({shapes}): {type(error).__name__}: {first}",
            "Check the inputs' shapes and dtypes; give others with --inputs FILE.npz or --shape NAME=1x3x224x224.",
        ) from error


def _named_leaves(answer: Any) -> dict[str, Any]:
    return dict(zip(leaf_names(structure_of(answer)), map(_as_array, leaves_of(answer)), strict=True))


def _as_array(leaf: Any) -> Any:
    """As it is, where it is one (a dtype that NumPy lacks is kept); a number or a word as one."""
    return leaf if is_array(leaf) else np.asarray(leaf)


def _described(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)}" if is_array(value) else type(value).__name__


def _model_answer(built: _Built, place: int) -> Any:
    return built.stream.model_call(built.requests[place])


def _facts(built: _Built, first: Any, second: Any) -> Facts:
    inference, requests = built.inference, built.requests
    flat = all(all_arrays(request) for request in requests)
    named = [request.named(built.names) for request in requests] if flat else []
    mask, share = observe.padding(named)
    answers = [to_numpy(leaf) for leaf in leaves_of(first)]
    again = [to_numpy(leaf) for leaf in leaves_of(second)]
    is_torch = built.workload.model.runtime in ("torch-module", "exported-program")
    facts = Facts(
        framework=FRAMEWORKS.get(built.workload.model.runtime, "function"),
        requests=len(requests),
        seconds_per_request=0.0,
        build_seconds=built.build_seconds,
        peak_memory_bytes=0,
        cpu_seconds_per_request=0.0,
        inputs=observe.leaves(named),
        outputs=observe.leaves([_named_leaves(first)]),
        output_structure=structure_of(first),
        flat_inputs=flat,
        prepared=inference.prepare is not None,
        finished=inference.finish is not None,
        carried=bool(inference.carry),
        evaluation_requests=len(inference.requests_judged),
        labelled=inference.labels is not None,
        has_metric=inference.metric is not None,
        tolerance=inference.tolerance,
        grad_recorded=any(bool(getattr(leaf, "requires_grad", False)) for leaf in leaves_of(first)),
        stochastic=any(
            a.shape != b.shape or not np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
            for a, b in zip(answers, again, strict=True)
        ),
        padding_mask=mask,
        padding_share=share,
        batch_axis=flat and not inference.carry and observe.can_be_joined(built.stream.model_call, named),
        thread_pools=observe.thread_pools(),
        dispatch_seconds=torch_facts.dispatch_seconds() if is_torch else 0.0,
        fingerprint=_fingerprint(built, answers),
        made_inputs=targets.makes_inputs(built.workload.target),
    )
    learned = torch_facts.module_facts(inference.model)
    if built.workload.model.runtime == "onnxruntime":
        learned |= onnx_facts.graph_facts(built.workload.model.path)
    activations = max((torch_facts.subnormal_share_of(answer) for answer in answers), default=0.0)
    learned["subnormal_share"] = max(learned.get("subnormal_share", 0.0), activations)
    return replace(facts, **learned)


def _fingerprint(built: _Built, answers: Sequence[Any]) -> str:
    """Of the content: the target's files, and what the model answers (so that changed weights make another
    workload)."""
    digest = hashlib.sha256(built.workload.target.fingerprint.encode())
    digest.update(json.dumps([list(answer.shape) for answer in answers]).encode())
    for answer in answers:
        digest.update(_rounded(answer).tobytes())
    state: Any = getattr(built.inference.model, "state_dict", None)
    weights: Any = state() if callable(state) else {}
    for name, tensor in weights.items():
        digest.update(name.encode())
        digest.update(to_numpy(tensor).tobytes())
    return digest.hexdigest()[:16]


def _rounded(answer: Array) -> Array:
    """Without the last digits, which differ from run to run."""
    return np.round(answer.astype(np.float64), 4) if answer.dtype.kind in "fc" else answer


def _save(built: _Built, folder: Path) -> None:
    inference = built.inference
    judged = None
    if inference.evaluation is not None:
        prepare = inference.prepare or _as_given
        judged = [as_request(_user_code("prepare", prepare, raw)) for raw in inference.evaluation]
    write_requests(folder, built.names, built.requests, judged, inference.carry)


def _kind(named: Mapping[str, Any]) -> tuple[tuple[str, tuple[int, ...], str], ...]:
    """The shapes and dtypes of a request: those alike run the same operators."""
    return tuple((name, tuple(value.shape), str(value.dtype)) for name, value in sorted(named.items()))


def _record(built: _Built, facts: Facts, folder: Path) -> Path:
    """With the framework's own profiler, for a short while."""
    one_by_one, seconds = built.workload.serving == Serving(), facts.seconds_per_request * built.stream.granularity
    steps = int(min(MOST_RECORDED, max(LEAST_RECORDED, RECORDED_S / max(seconds, 1e-6))))
    places = [place % len(built.requests) for place in range(steps)]
    runtime = built.workload.model.runtime
    if runtime in ("torch-module", "exported-program"):
        from unslow.record import torch_profiler

        named = [built.requests[place].named(built.names) for place in places] if facts.flat_inputs else []
        return torch_profiler.record(built.answer, places, folder, list(map(_kind, named)) if one_by_one else ())
    if runtime == "onnxruntime" and facts.flat_inputs:
        from unslow.record import onnxruntime_profiler

        # What is carried over is not in later requests: any state takes the same time.
        first = built.requests[0].named(built.names)
        asked = [built.requests[place] for place in places] if one_by_one else _met_by_the_model(built, steps)
        requests = [{**first, **request.named(built.names)} for request in asked]
        model, host = built.workload.model, built.workload.host
        around = _around_seconds(built, places) if one_by_one else []
        return onnxruntime_profiler.record(Path(model.path), model.settings, requests, folder, host, around)
    from unslow.record import step_clock

    return step_clock.record(built.answer, places, folder)


def _around_seconds(built: _Built, places: Sequence[int]) -> list[float]:
    """What the user's `prepare` and `finish` take, request by request; [] where there is neither."""
    prepare, finish = built.inference.prepare, built.inference.finish
    if prepare is None and finish is None:
        return []
    seconds: list[float] = []
    for place in places:
        started = time.perf_counter()
        request = as_request((prepare or _as_given)(built.inference.inputs[place]))
        prepared = time.perf_counter()
        answer = built.stream.model_call(request)
        answered = time.perf_counter()
        (finish or _as_given)(answer)
        seconds.append(time.perf_counter() - answered + prepared - started)
    return seconds


def _met_by_the_model(built: _Built, calls: int) -> list[Request]:
    """The first requests that the model gets, joined, padded and trimmed as they are served."""
    met: list[Request] = []

    def call(request: Request) -> Any:
        met.append(request)
        return built.stream.model_call(request)

    inference, serving = built.inference, built.workload.serving
    around = Around(inference.prepare, inference.finish, inference.carry)
    stream = Stream(call, serving, built.names, inference.inputs, around)
    for _ in stream.answers(range(calls * serving.batch_size)):
        pass
    return met[:calls]
