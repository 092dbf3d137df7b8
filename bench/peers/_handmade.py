"""What the peers share: the example that they work on, artefacts made once in a process of their own, and skipping.

A peer is a file with two workloads, `encoder` and `classifier`, that `unslow compare` takes as they are.
`build(folder, example)` makes its artefacts; what opens them afterwards loads no more than a user of the tool would.
The requests are the example's own, saved beside the artefacts, so that no timed process builds the PyTorch model.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unslow.core.calls import as_request, to_numpy
from unslow.core.errors import CannotRun
from unslow.core.workload import Inference
from unslow.targets import requests_from_npz

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "encoder": "examples/sentence_encoder/workload.py",
    "classifier": "examples/image_classifier/workload.py",
}
INPUTS = {"encoder": ("input_ids", "attention_mask"), "classifier": ("image",)}
MADE = "made.json"
SAVED_REQUESTS = 512
CALIBRATED = 64
"""Requests that a calibration sees: from the end of the saved ones."""
FOLDER_VARIABLE = "UNSLOW_BENCH_PEERS"
BUILD_TIMEOUT_S = 900.0
Feed = dict[str, np.ndarray]
Build = Callable[[Path, str], None]


def inference_of(example: str) -> Inference:
    """The example's own workload, live."""
    path = ROOT / FILES[example]
    spec = importlib.util.spec_from_file_location(f"example_{example}", path)
    if spec is None or spec.loader is None:
        raise CannotRun(f"{path} cannot be imported.", "Is the checkout whole?")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return getattr(module, example)()


def peer(file: str, example: str, opens: Callable[[Path], Callable[..., Any]]) -> Inference:
    """The peer's workload: its artefacts, made if they are not, opened, and the example's requests."""
    folder = made(file, example)
    return Inference(opens(folder), requests_from_npz(str(folder / "requests.npz")))


def made(file: str, example: str) -> Path:
    """The folder of a peer's artefacts for an example; made by `build(folder, example)` of its file where it is not.

    Raises
    ------
    CannotRun
        The tool is not there, or failed; its last line says why.
    """
    base = Path(os.environ.get(FOLDER_VARIABLE, str(ROOT / "unslow-runs" / "peers")))
    folder = base / f"{Path(file).stem}-{example}"
    if (folder / MADE).is_file():
        return folder
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, file, example, str(draft)],
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise CannotRun(f"{Path(file).stem} cannot be built for {example}: {lines[-1]}", "See bench/README.md.")
    (draft / MADE).write_text(json.dumps({"seconds": time.monotonic() - started}))
    draft.rename(folder)
    return folder


def built_here(build: Build) -> None:
    """The main program of a peer's file: `python FILE EXAMPLE FOLDER` makes its artefacts, with the requests."""
    example, folder = sys.argv[1], Path(sys.argv[2])
    inference = inference_of(example)
    save_requests(inference.inputs, folder / "requests.npz")
    build(folder, example)


def save_requests(inputs: Sequence[Any], path: Path) -> None:
    """As `requests_from_npz` reads them: by name where they are dicts, else by position."""
    arrays: dict[str, Any] = {}
    for number, raw in enumerate(inputs[:SAVED_REQUESTS]):
        request = as_request(raw)
        values = {**{f"arr_{index}": value for index, value in enumerate(request.args)}, **request.kwargs}
        arrays |= {f"{number}/{name}": to_numpy(value) for name, value in values.items()}
    np.savez(path, **arrays)


def feeds(folder: Path, example: str) -> list[Feed]:
    """The saved requests by the names of the exported graph's inputs."""
    found = [as_request(raw) for raw in requests_from_npz(str(folder / "requests.npz"))]
    return [request.named(INPUTS[example]) for request in found]


def exported(folder: Path, example: str) -> Path:
    """The example's model as ONNX, by the exporter that PyTorch's own tutorial uses; batch 1, as the requests are."""
    torch: Any = importlib.import_module("torch")
    path = folder / "model.onnx"
    arguments = tuple(torch.from_numpy(array) for array in feeds(folder, example)[0].values())
    model = inference_of(example).model.eval()
    with torch.no_grad():
        program = torch.onnx.export(
            model, arguments, dynamo=True, input_names=list(INPUTS[example]), output_names=["output"]
        )
        program.save(str(path), external_data=False)
    return path


def onnx_session(path: Path) -> Callable[..., Any]:
    """A session with every option at its default, called with arrays by position or by name."""
    runtime: Any = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]

    def answer(*args: Any, **kwargs: Any) -> Any:
        return session.run(None, {**dict(zip(names, args, strict=False)), **kwargs})[0]

    return answer


def openvino_model(path: Path, **options: str) -> Callable[..., Any]:
    """Compiled for the processor; `options` as OpenVINO names them, none: its defaults."""
    library: Any = importlib.import_module("openvino")
    compiled = library.Core().compile_model(str(path), "CPU", options)
    names = [port.any_name for port in compiled.inputs]

    def answer(*args: Any, **kwargs: Any) -> Any:
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        return compiled([given[name] for name in names])[0].copy()

    return answer


def need(library: str) -> None:
    """End the build plainly where a library is not installed."""
    if importlib.util.find_spec(library) is None:
        sys.exit(f"{library} is not installed")
