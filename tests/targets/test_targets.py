from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unslow import targets
from unslow.core.errors import BadInput, BadUsage, UnslowError
from unslow.core.workload import Inference
from unslow.targets import Declared, pickled

GOOD = "import unslow\n@unslow.workload\ndef work():\n    return unslow.Inference(lambda x: x + 1, [1, 2])\n"


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "file.py"
    file.write_text(text)
    return file


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="There is no file"):
        targets.locate(str(tmp_path / "nothing.onnx"))


def test_a_kind_of_file_that_nobody_takes(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("1,2")
    with pytest.raises(BadUsage, match="nothing that unslow can run"):
        targets.locate(str(file))


@pytest.mark.parametrize(
    ("text", "name", "arguments", "kind"),
    [
        ("x = 1\n", "", None, "script"),
        ("x = = 1\n", "", None, "script"),  # what is wrong with it is said when it is run
        ("x = 1\n", "x", None, "python-file"),
        (GOOD, "", None, "python-file"),
        (GOOD, "", ("--epochs", "3"), "script"),
        (GOOD.replace("@unslow.workload", "@workload"), "", None, "python-file"),
    ],
)
def test_a_python_file_is_a_script_unless_it_marks_a_workload(
    tmp_path: Path, text: str, name: str, arguments: tuple[str, ...] | None, kind: str
) -> None:
    path = str(written(tmp_path, text))
    target = targets.locate(f"{path}:{name}" if name else path, Declared(arguments=arguments))
    assert (target.kind, target.arguments) == (kind, arguments or ())


def test_a_script_takes_no_inputs_and_nothing_else_takes_arguments(tmp_path: Path) -> None:
    path = str(written(tmp_path, "x = 1\n"))
    with pytest.raises(BadUsage, match="reads its own inputs"):
        targets.locate(path, Declared(inputs="requests.npz"))
    (tmp_path / "model.onnx").touch()
    with pytest.raises(BadUsage, match="takes no arguments"):
        targets.locate(str(tmp_path / "model.onnx"), Declared(arguments=("--epochs", "3")))


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        (GOOD + GOOD.replace("def work", "def other"), "", "marks several"),
        (GOOD, "missing", "has no 'missing'"),
        ("import unslow\n@unslow.workload\ndef work():\n    return 3\n", "work", "returned int"),
        ("import unslow\n@unslow.workload\ndef work():\n    return unslow.Inference(print, [])\n", "work", "no inputs"),
        ("import unslow\n@unslow.workload\ndef work():\n    raise KeyError(3)\n", "work", "KeyError at .*py:4: 3"),
        ("import nothing_like_it\n", "work", "nothing_like_it, which is not installed"),
        ("def broken(:\n", "work", "SyntaxError"),
        ("model = 3\n", "model", "inputs are unknown"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_two_lines(tmp_path: Path, text: str, name: str, says: str) -> None:
    target = targets.locate(f"{written(tmp_path, text)}:{name}" if name else str(written(tmp_path, text)))
    with pytest.raises(UnslowError, match=says) as error:
        targets.load(target)
    assert error.value.todo
    assert "\n" not in error.value.todo


def test_the_only_marked_function_needs_no_name(tmp_path: Path) -> None:
    inference = targets.load(targets.locate(str(written(tmp_path, GOOD))))
    assert inference.model(1) == 2


def test_a_plain_callable_takes_its_requests_from_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", np.ones(3), np.zeros(2))
    file = written(tmp_path, "def add(a, b):\n    return a.sum() + b.sum()\n")
    inference = targets.load(targets.locate(f"{file}:add", Declared(inputs=str(tmp_path / "in.npz"))))
    assert inference.model(*inference.inputs[0]) == 3


def test_several_requests_in_one_npz_keep_their_order(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", **{f"{number}/x": np.full(2, number) for number in range(12)})
    requests = targets.requests_from_npz(str(tmp_path / "in.npz"))
    assert [request["x"][0] for request in requests] == list(range(12))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_a_damaged_npz_is_bad_input(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.npz").write_bytes(content)
    with pytest.raises(BadInput):
        targets.requests_from_npz(str(tmp_path / "in.npz"))


def test_an_npz_of_objects_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=np.array([{}], dtype=object))
    with pytest.raises(BadInput):
        targets.requests_from_npz(str(tmp_path / "in.npz"))


def test_a_truncated_onnx_is_bad_input(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "cut.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    with pytest.raises(BadInput, match="cannot be loaded"):
        targets.load(targets.locate(str(tmp_path / "cut.onnx")))


def test_a_pt2_is_refused_without_trust(tmp_path: Path) -> None:
    (tmp_path / "m.pt2").write_bytes(b"")
    with pytest.raises(BadUsage, match="can run code"):
        targets.locate(str(tmp_path / "m.pt2"))


def test_a_live_workload_travels_by_pickle(tmp_path: Path) -> None:
    offset = 5
    target = pickled.write(Inference(lambda x: x + offset, [1]), tmp_path / "w.unslow-pickle")
    assert targets.load(target).model(1) == 6


def test_what_cannot_be_pickled_says_so(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file, pytest.raises(BadInput, match="cannot travel"):
        pickled.write(Inference(lambda x: file, [1]), tmp_path / "w.unslow-pickle")


def test_no_pickle_is_ever_loaded_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "w.unslow-pickle").write_bytes(b"x")
    with pytest.raises(BadUsage):
        targets.locate(str(tmp_path / "w.unslow-pickle"))


def test_inputs_are_made_from_declared_shapes(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    inputs = [
        helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["n", 3, None, None]),
        helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["n", "tokens"]),
    ]
    outputs = [
        helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None),
        helper.make_tensor_value_info("z", onnx.TensorProto.INT64, None),
    ]
    nodes = [helper.make_node("Relu", ["image"], ["y"]), helper.make_node("Identity", ["ids"], ["z"])]
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    made_model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(made_model, str(tmp_path / "m.onnx"))
    made = targets.load(targets.locate(str(tmp_path / "m.onnx"))).inputs[0]
    assert made["image"].shape == (1, 3, 224, 224)
    assert made["ids"].shape == (1, 64)
    chosen = targets.load(targets.locate(str(tmp_path / "m.onnx"), Declared(shapes={"ids": (2, 7)}))).inputs[0]
    assert chosen["ids"].shape == (2, 7)


def exported(tmp_path: Path, **kwargs: object) -> Path:
    torch = pytest.importorskip("torch")

    class Twice(torch.nn.Module):
        def forward(self, x: object) -> object:
            return x + x  # type: ignore[operator]

    program = torch.export.export(Twice(), () if kwargs else (torch.ones(2, 3),), kwargs)
    torch.export.save(program, str(tmp_path / "m.pt2"))
    return tmp_path / "m.pt2"


def test_a_pt2_without_inputs_answers_the_example_that_it_was_saved_with(tmp_path: Path) -> None:
    target = targets.locate(str(exported(tmp_path)), Declared(trust=True))
    (request,) = targets.load(target).inputs
    assert targets.makes_inputs(target) and request[0].shape == (2, 3)


def test_a_pt2_with_named_inputs_answers_them_by_name(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    (request,) = targets.load(targets.locate(str(exported(tmp_path, x=torch.ones(4))), Declared(trust=True))).inputs
    assert request["x"].shape == (4,)


def test_shapes_are_for_model_files_whose_inputs_are_made(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="says itself"):
        targets.locate(str(written(tmp_path, GOOD)), Declared(shapes={"x": (1,)}))
    np.savez(tmp_path / "in.npz", x=np.ones(3))
    (tmp_path / "m.onnx").write_bytes(b"")
    with pytest.raises(BadUsage, match="--shape says how"):
        targets.locate(str(tmp_path / "m.onnx"), Declared(str(tmp_path / "in.npz"), {"x": (1,)}))


def test_the_shape_of_an_input_that_a_model_has_not_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    info = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", info[:1], info[1:])
    made = onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)])
    onnx.save(made, str(tmp_path / "m.onnx"))
    with pytest.raises(BadInput, match="no input 'z'") as error:
        targets.load(targets.locate(str(tmp_path / "m.onnx"), Declared(shapes={"z": (1, 2)})))
    assert "x" in error.value.todo
