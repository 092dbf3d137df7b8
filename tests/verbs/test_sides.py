"""The sides of a comparison, in real processes: they answer one stream, and their answers are compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from unslow import targets
from unslow.core.errors import BadInput
from unslow.core.events import silent
from unslow.core.options import Options
from unslow.core.trial import Guarded
from unslow.core.workload import Target
from unslow.processes.local import LocalProcesses
from unslow.verbs._sides import Sides

WORK = """
import numpy as np
import unslow

WEIGHTS = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)

def right(x):
    return x @ WEIGHTS

def wrong(x):
    return -(x @ WEIGHTS)

def noisy(x):
    return x @ WEIGHTS + np.random.standard_normal(3)

def text(x):
    return {"said": object()}

def plain(function, seed=None):
    random = np.random.default_rng(seed)
    return unslow.Inference(function, [random.standard_normal((1, 8)).astype(np.float32) for _ in range(6)])
"""
NAMES = ("right", "wrong", "noisy", "text")
MARKED = "\n".join(f"@unslow.workload\ndef {name}_work():\n    return plain({name})\n" for name in NAMES)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("work") / "file.py"
    path.write_text(WORK + MARKED)
    yield path


def sides(folder: Path, a: Target, b: Target) -> Sides:
    """Both opened once, as the first pair of processes."""
    found = Sides((a, b), folder, Options(), LocalProcesses(), silent)
    for index in (0, 1):
        found.open(index).process.close()
    return found


def outputs(folder: Path, file: Path, a: str, b: str) -> Guarded | None:
    return sides(folder, *(targets.locate(f"{file}:{name}_work") for name in (a, b))).outputs()


def test_answers_that_differ_are_lost(tmp_path: Path, file: Path) -> None:
    said = outputs(tmp_path, file, "right", "wrong")
    assert said is not None and said.verdict == "lost"


@pytest.mark.parametrize(("a", "says"), [("noisy", "differently each time"), ("text", "no arrays")])
def test_answers_that_cannot_be_compared_are_not_and_it_is_said(tmp_path: Path, file: Path, a: str, says: str) -> None:
    found = sides(tmp_path, targets.locate(f"{file}:{a}_work"), targets.locate(f"{file}:right_work"))
    assert found.outputs() is None
    assert any(says in note for note in found.notes())


def test_workloads_whose_requests_are_drawn_anew_answer_the_same_ones(tmp_path: Path, file: Path) -> None:
    target = targets.locate(f"{file}:right_work")
    found = sides(tmp_path, target, target)
    said = found.outputs()
    assert said is not None and said.verdict == "kept"
    assert any("other requests each time" in note for note in found.notes())


def saved(folder: Path, name: str, given: str = "x", columns: int | str = 8) -> Target:
    onnx = pytest.importorskip("onnx")
    helper, weights = onnx.helper, np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", [given, "w"], ["out"])],
        "g",
        [helper.make_tensor_value_info(given, onnx.TensorProto.FLOAT, ["n", columns])],
        [helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, ["n", 3])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    path = folder / f"{name}.onnx"
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), str(path))
    return targets.locate(str(path))


def test_two_files_with_made_inputs_answer_the_first_one_s_and_say_so(tmp_path: Path) -> None:
    found = sides(tmp_path, saved(tmp_path, "a"), saved(tmp_path, "b"))
    said = found.outputs()
    assert said is not None and said.verdict == "kept"
    assert "made from the declared shapes of" in found.notes()[0] and "--inputs" in found.notes()[0]


def test_real_requests_come_before_made_ones_on_whichever_side(tmp_path: Path, file: Path) -> None:
    real = targets.locate(f"{file}:right_work")
    for number, pair in enumerate([(saved(tmp_path, "a"), real), (real, saved(tmp_path, "b"))]):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = sides(folder, *pair)
        said = found.outputs()
        assert said is not None and said.verdict == "kept"
        assert any(f"answered the requests of {real}" in note for note in found.notes())
        assert not any("declared shapes" in note for note in found.notes())


def test_other_names_of_inputs_are_refused_in_two_lines(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="its inputs are y, theirs x") as error:
        sides(tmp_path, saved(tmp_path, "a"), saved(tmp_path, "b", "y"))
    assert error.value.todo
