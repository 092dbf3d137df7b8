"""Export to ONNX, open with ONNX Runtime's defaults."""

from __future__ import annotations

from pathlib import Path

from _handmade import built_here, exported, onnx_session, peer

import unslow


def build(folder: Path, example: str) -> None:
    exported(folder, example)


@unslow.workload
def encoder() -> unslow.Inference:
    return peer(__file__, "encoder", lambda folder: onnx_session(folder / "model.onnx"))


@unslow.workload
def classifier() -> unslow.Inference:
    return peer(__file__, "classifier", lambda folder: onnx_session(folder / "model.onnx"))


if __name__ == "__main__":
    built_here(build)
