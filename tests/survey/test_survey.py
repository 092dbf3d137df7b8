"""The survey, in this process: what it learns of small workloads that are built for one fact each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bundled
from unslow import targets
from unslow.bundle.write import write_bundle
from unslow.core.calls import Request
from unslow.core.errors import BadInput
from unslow.core.facts import Facts
from unslow.core.workload import Host, Inference, Model, Serving, Target, Workload
from unslow.read import read
from unslow.survey import observe, run
from unslow.survey.names import names_of
from unslow.survey.requests import read_requests, write_requests
from unslow.survey.run import Survey, survey
from unslow.targets import pickled

torch: Any = pytest.importorskip("torch")
X = [torch.full((1, 4), float(number)) for number in range(4)]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing here is about how long something takes."""
    monkeypatch.setattr(run, "TIMING_S", 0.02)
    monkeypatch.setattr(run, "RECORDED_S", 0.02)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def surveyed(folder: Path, model: Any, inputs: Any = None, **about: Any) -> Survey:
    target = pickled.write(Inference(model, X if inputs is None else inputs, **about), folder / "it.unslow-pickle")
    return survey(target, folder)


def learned(folder: Path, model: Any, inputs: Any = None, **about: Any) -> Facts:
    return surveyed(folder, model, inputs, **about).facts


def test_of_a_plain_module(tmp_path: Path) -> None:
    found = surveyed(tmp_path, torch.nn.Linear(4, 3).eval())
    facts = found.facts
    assert (facts.framework, facts.requests, facts.flat_inputs) == ("torch", 4, True)
    assert [(leaf.name, leaf.dtype, leaf.shapes) for leaf in facts.inputs] == [("input", "float32", (((1, 4), 4),))]
    assert [(leaf.name, leaf.dtype) for leaf in facts.outputs] == [("output", "float32")]
    assert dict(facts.parameter_bytes) == {"float32": 60}
    assert dict(facts.modules) == {"Linear": 1}
    assert (facts.training, facts.stochastic, facts.carried, facts.made_inputs) == ((), False, False, False)
    assert facts.grad_recorded and facts.batch_axis
    assert facts.seconds_per_request > 0 and facts.cpu_seconds_per_request > 0 and facts.dispatch_seconds > 0
    assert facts.spread >= 1
    assert found.workload.model == Model("torch-module")
    assert read(Path(found.recording)).steps


def test_no_gradient_is_recorded_where_the_model_sees_to_it(tmp_path: Path) -> None:
    linear = torch.nn.Linear(4, 3)

    def answer(x: Any) -> Any:
        with torch.no_grad():
            return linear(x)

    assert not learned(tmp_path, answer).grad_recorded
    assert learned(tmp_path, linear).grad_recorded


def test_training_names_only_what_behaves_differently(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 64), torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(64))
    facts = learned(tmp_path, model.eval())
    assert (facts.training, facts.stochastic) == ((), False)
    facts = learned(tmp_path, model[:2].train())
    assert (facts.training, facts.stochastic) == (("1",), True)


def test_float64_weights_and_inputs(tmp_path: Path) -> None:
    facts = learned(tmp_path, torch.nn.Linear(4, 3).double(), [x.double() for x in X])
    assert dict(facts.parameter_bytes) == {"float64": 120}
    assert (facts.inputs[0].dtype, facts.outputs[0].dtype) == ("float64", "float64")


def test_outputs_that_numpy_has_no_type_for_keep_theirs(tmp_path: Path) -> None:
    facts = learned(tmp_path, torch.nn.Linear(4, 3).bfloat16(), [x.bfloat16() for x in X])
    assert facts.outputs[0].dtype == "bfloat16"


@pytest.mark.parametrize(
    ("mask", "share", "name"),
    [
        ([[1, 1, 0, 0]], 0.5, "mask"),
        ([[1, 1, 1, 1]], 0.0, "mask"),
        ([[1, 2, 0, 0]], 0.0, ""),
        ([1, 1, 0, 0], 0.0, ""),
    ],
)
def test_the_share_of_padding_by_the_mask(tmp_path: Path, mask: Any, share: float, name: str) -> None:
    def answer(ids: Any, mask: Any) -> Any:
        return ids * mask

    requests = [{"ids": torch.ones(1, 4), "mask": torch.tensor(mask)} for _ in range(3)]
    facts = learned(tmp_path, answer, requests)
    assert (facts.padding_mask, facts.padding_share) == (name, share)


def test_subnormal_weights_and_activations(tmp_path: Path) -> None:
    model = torch.nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1e-40, 1e-40, 1.0, 0.0]]))
    assert learned(tmp_path, model).subnormal_share == pytest.approx(2 / 3)
    assert learned(tmp_path, torch.nn.Linear(4, 1)).subnormal_share == 0
    assert learned(tmp_path, lambda x: np.full(4, 1e-40, np.float32)).subnormal_share == 1


@pytest.mark.parametrize(
    ("model", "joins"),
    [
        (lambda x: x * 2, True),
        (lambda x: x - x.mean(), False),
        (lambda x: x.sum(), False),
        (lambda x: {"a": x, "b": x.sum(1)}, True),
    ],
)
def test_whether_requests_can_be_joined_is_tried(tmp_path: Path, model: Any, joins: bool) -> None:
    inputs = [np.full((1, 4), float(number)) for number in range(4)]
    assert learned(tmp_path, model, inputs).batch_axis == joins


def test_requests_of_different_shapes_are_not_joined_and_their_axis_varies(tmp_path: Path) -> None:
    facts = learned(tmp_path, lambda x: x * 2, [np.ones((1, length)) for length in (2, 3, 4)])
    assert not facts.batch_axis
    assert facts.inputs[0].varying_axes == (1,)


def test_files_read_in_each_request_are_counted_per_request(tmp_path: Path) -> None:
    weights, log = tmp_path / "weights.npy", tmp_path / "log.txt"
    np.save(weights, np.ones(1000))

    def answer(x: Any) -> Any:
        with log.open("a") as file:
            file.write("asked\n")
        return x * np.load(weights).sum()

    def kept(x: Any, loaded: Any = np.ones(3)) -> Any:  # noqa: B008
        return x * loaded.sum()

    inputs = [np.ones((1, 4))] * 3
    assert [read.path for read in learned(tmp_path, kept, inputs).files_read] == []
    (found,) = learned(tmp_path, answer, inputs).files_read
    assert (found.path, found.size_bytes) == (str(weights), weights.stat().st_size)
    assert found.opens_per_request == pytest.approx(1)


def relu(folder: Path) -> Path:
    """A small ONNX model from x to y."""
    onnx: Any = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    made = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])], "g",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 4])], [onnx.helper.make_tensor_value_info("y", 1, [1, 4])],
    )  # fmt: skip
    model = onnx.helper.make_model(made, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)])
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def test_the_code_around_an_onnx_model_is_in_its_profile(tmp_path: Path) -> None:
    def prepare(raw: Any) -> Any:
        return {"x": np.sort(raw)[None, :4].astype(np.float32)}

    plain = [{"x": np.ones((1, 4), np.float32)}] * 4
    raw = [np.random.default_rng(0).random(100_000)] * 4
    for name, inputs, fields, expected in (("a", plain, {}, False), ("b", raw, {"prepare": prepare}, True)):
        (tmp_path / name).mkdir()
        profile = read(Path(surveyed(tmp_path / name, relu(tmp_path / name), inputs, **fields).recording))
        assert any(span.name == "prepare and finish" for span in profile.spans) == expected


def test_a_model_that_its_runtime_opens_past_python_is_counted_too(tmp_path: Path) -> None:
    onnxruntime: Any = pytest.importorskip("onnxruntime")
    model = relu(tmp_path)

    def answer(x: Any) -> Any:
        session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        return session.run(None, {"x": x})[0]

    (found,) = learned(tmp_path, answer, [np.ones((1, 4), np.float32)] * 3).files_read
    assert (found.path, found.opens_per_request) == (str(model), pytest.approx(1))


def test_a_file_that_python_saw_is_not_counted_twice(tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    torch.save(torch.ones(3), tmp_path / "weights.pt")

    def answer(x: Any) -> Any:
        return x * float(torch.load(str(tmp_path / "weights.pt")).sum())

    (found,) = learned(tmp_path, answer, [np.ones((1, 4))] * 3).files_read
    assert found.opens_per_request == pytest.approx(1)


def test_what_watches_the_files_is_in_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit hook runs inside every call that opens a file, which is where samples are taken."""
    monkeypatch.setattr(run, "RECORDED_S", 0.2)
    np.save(tmp_path / "weights.npy", np.ones(100_000))

    def answer(x: Any) -> Any:
        return x * np.load(tmp_path / "weights.npy").sum()

    found = surveyed(tmp_path, answer, [np.ones((1, 4))] * 3)
    recorded = Path(found.recording).read_text()
    assert "npyio" in recorded or "test_survey" in recorded
    assert "observe.py" not in recorded


def test_what_is_not_an_array_cannot_travel_flat(tmp_path: Path) -> None:
    facts = learned(tmp_path, lambda text: np.array([len(text)]), ["one", "three"])
    assert (facts.flat_inputs, facts.inputs, facts.batch_axis, facts.framework) == (False, (), False, "function")
    assert not (tmp_path / "requests.npz").exists()


@pytest.mark.parametrize("answer", [lambda x: float(x.sum()), lambda x: "a word", lambda x: [1, 2.5], lambda x: None])
def test_answers_that_are_no_arrays_are_facts_too(tmp_path: Path, answer: Any) -> None:
    facts = learned(tmp_path, answer, [np.ones(3), np.zeros(3)])
    assert len(facts.outputs) in (0, 1, 2)
    assert all(leaf.shapes == (((), 1),) for leaf in facts.outputs)


def test_prepare_and_finish_stand_around_what_the_model_sees(tmp_path: Path) -> None:
    def prepare(text: str) -> dict[str, Any]:
        return {"ids": np.array([[len(text)]])}

    def finish(answer: Any) -> str:
        return str(answer)

    facts = learned(tmp_path, lambda ids: ids * 2, ["a", "bb"], prepare=prepare, finish=finish)
    assert (facts.prepared, facts.finished, facts.flat_inputs) == (True, True, True)
    assert [leaf.name for leaf in facts.inputs] == ["ids"]
    assert [int(request["ids"][0, 0]) for request in read_requests(tmp_path).inputs] == [1, 2]


def test_a_prepare_that_raises_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="prepare raised KeyError"):
        surveyed(tmp_path, lambda x: x, [1], prepare=lambda raw: {}["nothing"])


def test_a_request_that_the_model_cannot_answer_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot answer") as error:
        surveyed(tmp_path, torch.nn.Linear(4, 3), [torch.ones(1, 5)])
    assert "[1, 5]" in str(error.value)


def test_carried_state(tmp_path: Path) -> None:
    def step(x: Any, state: Any) -> Any:
        return {"y": x + state, "next": state + 1}

    requests = [{"x": np.ones(1), "state": np.zeros(1)}] * 5
    facts = learned(tmp_path, step, requests, carry={"next": "state"})
    assert (facts.carried, facts.batch_axis) == (True, False)
    assert read_requests(tmp_path).carry == {"next": "state"}
    with pytest.raises(BadInput, match="carries the output 'nothing'"):
        surveyed(tmp_path, step, requests, carry={"nothing": "state"})


def test_what_the_guard_will_look_at(tmp_path: Path) -> None:
    inputs, judged = [np.ones((1, 4))] * 2, [np.zeros((1, 4))] * 3
    facts = learned(
        tmp_path,
        lambda x: x,
        inputs,
        evaluation=judged,
        labels=[1, 2, 3],
        metric=lambda outputs, labels: 1.0,
        tolerance=0.2,
    )
    assert (facts.evaluation_requests, facts.labelled, facts.has_metric, facts.tolerance) == (3, True, True, 0.2)
    assert len(read_requests(tmp_path).evaluation) == 3


def test_other_weights_make_another_workload(tmp_path: Path) -> None:
    model = torch.nn.Linear(4, 3)
    first, again = (learned(tmp_path, model).fingerprint for _ in range(2))
    with torch.no_grad():
        model.weight[0, 0] += 1
    assert first == again != learned(tmp_path, model).fingerprint


def test_an_onnx_file(tmp_path: Path) -> None:
    onnx: Any = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    helper = onnx.helper
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    onnx.save(
        helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), str(tmp_path / "m.onnx")
    )
    found = survey(targets.locate(str(tmp_path / "m.onnx")), tmp_path)
    assert (found.facts.framework, found.facts.made_inputs, found.facts.batch_axis) == ("onnx", True, True)
    assert [leaf.name for leaf in found.facts.inputs] == ["x"]
    assert read(Path(found.recording)).source == "onnxruntime"


@pytest.mark.parametrize(
    ("serving", "rows"),
    [
        (Serving(), {2}),
        (Serving(batch_size=4), {8}),
        (Serving(clients=2), {2}),
        (Serving(batch_size=2, clients=2), {4}),
    ],
)
def test_a_bundle_is_profiled_as_it_is_served(tmp_path: Path, serving: Serving, rows: set[int]) -> None:
    """The operators see whole batches; what a request takes stays what one of them takes."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    workload = bundled.onnx_workload(bundled.onnx_model(tmp_path), serving=serving, host=Host(threads=1))
    bundle = write_bundle(
        tmp_path / "bundle", workload, fixes=[], measured={}, facts=bundled.facts(), machine=bundled.MACHINE
    )
    found = survey(targets.locate(str(bundle)), tmp_path)
    assert (found.workload.serving, found.workload.host) == (serving, Host(threads=1))
    shapes = [span.details["shapes"] for span in read(Path(found.recording)).spans if "shapes" in span.details]
    assert {shape[0][0] for shape in shapes} == rows
    assert found.facts.inputs[0].shapes == (((2, 3), 16),)


@pytest.mark.parametrize("serving", [Serving(), Serving(batch_size=4), Serving(batch_size=2, clients=2)])
def test_the_time_of_a_request_is_its_part_of_its_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serving: Serving
) -> None:
    def second_long(answer: Any, requests: int, budget_s: float) -> observe.Timing:
        answer(requests - 1)
        return observe.Timing((1.0, 1.0), 6.0, 3)

    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(observe, "time_requests", second_long)
    workload = bundled.onnx_workload(bundled.onnx_model(tmp_path), serving=serving)
    bundle = write_bundle(
        tmp_path / "bundle", workload, fixes=[], measured={}, facts=bundled.facts(), machine=bundled.MACHINE
    )
    facts = survey(targets.locate(str(bundle)), tmp_path).facts
    together = serving.batch_size * serving.clients
    assert (facts.seconds_per_request, facts.cpu_seconds_per_request) == (1 / together, 3 / together)


def named(model: Any, *inputs: Any, path: str = "", **settings: Any) -> tuple[str, ...]:
    opened = Model("torch-module", path, settings)
    return names_of(Workload(Target("python-file", "/x.py"), opened), Inference(model, list(inputs)))


def test_names_are_the_parameters_that_the_first_request_gives() -> None:
    def answer(x: Any, mask: Any = None, *rest: Any, **more: Any) -> None: ...

    assert named(answer, 1) == ("x",)
    assert named(answer, (1, 2)) == ("x", "mask")
    assert named(answer, (1, 2, 3)) == ("x", "mask", "input2")
    assert named(answer, {"mask": 1, "x": 2}) == ("mask", "x")
    assert named(np.dot, (1, 2))[0] in ("a", "input0")
    assert named(torch.nn.Linear(2, 2), 1) == ("input",)
    assert named(None, 1, path="/m.pt2", inputs=["ids", {"name": "mask"}]) == ("ids", "mask")


def test_requests_are_what_they_were(tmp_path: Path) -> None:
    inputs = [Request((np.full(2, number),), {"a/b": np.array(number > 3)}) for number in range(12)]
    write_requests(tmp_path, ["x", "a/b"], inputs, None, None)
    saved = read_requests(tmp_path)
    assert saved.evaluation is saved.inputs
    assert [int(request["x"][0]) for request in saved.inputs] == list(range(12))
    assert saved.inputs[5]["a/b"].dtype == np.bool_
    write_requests(tmp_path, ["x", "a/b"], inputs, inputs[:2], {"y": "x"})
    assert (len(read_requests(tmp_path).evaluation), read_requests(tmp_path).carry) == (2, {"y": "x"})


def test_requests_are_timed_in_their_order_and_warming_up_is_counted_apart() -> None:
    asked: list[int] = []
    timing = observe.time_requests(lambda place: asked.append(place), 3, 0.0)
    assert len(timing.seconds) == 3
    assert len(asked) == timing.warm_up_requests + 3
    assert asked[timing.warm_up_requests :] == [place % 3 for place in range(timing.warm_up_requests, len(asked))]
