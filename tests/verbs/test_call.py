"""What repeats a run, as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unslow.core.options import Options
from unslow.core.workload import Inference, workload
from unslow.verbs._call import call


class Net:
    pass


def accuracy(outputs: Any, labels: Any) -> float:
    return 1.0


@workload
def encoder() -> Inference:
    return Inference(Net(), [1])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (call("fix", "m.onnx"), "unslow.fix('m.onnx')"),
        (call("fix", Path("m.onnx"), inputs="in.npz"), "unslow.fix('m.onnx', 'in.npz')"),
        (call("fix", "m.onnx", options=Options(), out="", shapes=None, trust=False), "unslow.fix('m.onnx')"),
        (call("fix", Net(), inputs=[np.ones(3)]), "unslow.fix(Net, inputs)"),
        (call("fix", encoder), "unslow.fix(encoder)"),
        (call("diagnose", encoder()), "unslow.diagnose(unslow.Inference(Net, inputs))"),
        (call("fix", "m.pt2", trust=True, out="run"), "unslow.fix('m.pt2', trust=True, out='run')"),
        (call("fix", "m.onnx", shapes={"x": (1, 3)}), "unslow.fix('m.onnx', shapes={'x': (1, 3)})"),
        (
            call("fix", Net(), inputs=[1], metric=accuracy, labels=[0], options=Options(budget_s=60.0, seed=3)),
            "unslow.fix(Net, inputs, metric=accuracy, labels=labels, options=unslow.Options(budget_s=60.0, seed=3))",
        ),
        (call("compare", "a.py:f", lambda: 1), "unslow.compare('a.py:f', function)"),
    ],
)
def test_a_call_reads_as_it_was_written(text: str, written: str) -> None:
    assert text == written
