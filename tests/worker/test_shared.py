"""Two targets on one stream of requests: who keeps its own, who takes the other's, and who cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.core.errors import BadInput
from unslow.core.workload import Inference, Serving, Target
from unslow.targets import pickled
from unslow.worker.opened import Parts
from unslow.worker.shared import SharedRequests, Taken, stream_of, taking, told

A, B = Target("python-file", "/a.py", "work"), Target("python-file", "/b.py", "work")
FILE = Target("onnx-file", "/m.onnx")


def drawn(seed: int, n: int = 4) -> list[Any]:
    random = np.random.default_rng(seed)
    return [random.normal(size=(1, 3)).astype(np.float32) for _ in range(n)]


def model(x: Any) -> Any:
    return x * 2


def same(x: Any) -> Any:
    return x


def asked(folder: Path, inference: Inference, owner: Target = A) -> SharedRequests:
    return told(owner, inference, str(folder / "requests.npz"))


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (Inference(model, drawn(1), prepare=same), Inference(model, drawn(2))),
        (Inference(model, drawn(1)), Inference(model, drawn(2), prepare=same)),
        (Inference(model, ["a", "b"]), Inference(model, ["a", "c"])),
        (Inference(model, [object()]), Inference(model, [object(), object()])),
    ],
)
def test_whoever_has_other_requests_and_cannot_take_these_says_so(
    tmp_path: Path, mine: Inference, theirs: Inference
) -> None:
    with pytest.raises(BadInput, match="does not answer the requests of /a") as error:
        taking(B, mine, asked(tmp_path, theirs))
    assert error.value.todo


def test_the_same_requests_are_kept_as_they_are(tmp_path: Path) -> None:
    mine = Inference(model, drawn(1), prepare=same, evaluation=drawn(3))
    taken = taking(B, mine, asked(tmp_path, Inference(model, drawn(1), prepare=same)))
    assert taken.inference is mine and taken.how == "own"


def test_objects_that_nobody_can_compare_are_kept_where_they_are_as_many(tmp_path: Path) -> None:
    assert taking(B, Inference(model, [object()]), asked(tmp_path, Inference(model, [object()]))).how == "unchecked"
    own = Inference(model, [object()])
    assert taking(A, own, asked(tmp_path, own)).how == "own"


def test_arrays_are_taken_from_the_other(tmp_path: Path) -> None:
    mine = Inference(model, drawn(1, 9), labels=[0] * 9, metric=lambda o, y: 1.0)
    taken = taking(B, mine, asked(tmp_path, Inference(model, drawn(2))))
    assert taken.how == "given" and len(taken.inference.inputs) == 4 and taken.inference.metric is None
    np.testing.assert_array_equal(taken.inference.inputs[0][0], drawn(2)[0])


def test_a_model_file_takes_the_code_around_the_model_too(tmp_path: Path) -> None:
    owner = pickled.write(Inference(model, ["a"], prepare=lambda text: np.ones(3)), tmp_path / "a.unslow-pickle")
    mine = Inference(Path("/m.onnx"), drawn(1))
    taken = taking(FILE, mine, told(owner, Inference(model, ["a"], prepare=same), ""))
    assert taken.how == "borrowed" and taken.inference.model == Path("/m.onnx")
    assert taken.inference.prepare is not None and list(taken.inference.inputs) == ["a"]


@pytest.mark.parametrize("requests", [[{"y": np.ones(3)}], [(np.ones(3), np.ones(3))]])
def test_requests_for_other_inputs_are_refused(requests: list[Any]) -> None:
    taken = Taken(Inference(model, requests), "given")
    with pytest.raises(BadInput, match="its inputs are x, theirs") as error:
        stream_of(taken, SharedRequests(A, 1), Parts(_echo, Serving(), ["x"]), FILE, ["x"])
    assert error.value.todo


def _echo(request: Any) -> Any:
    return request
