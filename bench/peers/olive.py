"""Microsoft's Olive (olive-ai): `olive run` with its passes at their defaults, opened with ONNX Runtime's defaults.

The encoder gets the transformer optimisations and dynamic quantisation, as Olive's BERT example for processors; the
classifier gets the graph optimisations alone. Olive stands in an environment of its own, since its pins are narrow;
`UNSLOW_BENCH_OLIVE` names that environment's Python (default: this one). Without it the peer is skipped, and says so.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from _handmade import built_here, exported, onnx_session, peer

import unslow

OLIVE_VARIABLE = "UNSLOW_BENCH_OLIVE"
PASSES: dict[str, dict[str, dict[str, Any]]] = {
    "encoder": {
        "optimise": {"type": "OrtTransformersOptimization", "model_type": "bert"},
        "quantise": {"type": "OnnxDynamicQuantization"},
    },
    "classifier": {"optimise": {"type": "OnnxPeepholeOptimizer"}},
}


def build(folder: Path, example: str) -> None:
    python = os.environ.get(OLIVE_VARIABLE, sys.executable)
    probe = subprocess.run([python, "-c", "import olive.workflows"], capture_output=True, check=False)
    if probe.returncode:
        sys.exit(f"olive-ai is not installed for {python}; name another Python in {OLIVE_VARIABLE}")
    configuration = {
        "input_model": {"type": "ONNXModel", "model_path": str(exported(folder, example))},
        "passes": PASSES[example],
        "output_dir": str(folder / "olive"),
        "cache_dir": str(folder / "cache"),
        "evaluate_input_model": False,
    }
    path = folder / "olive.json"
    path.write_text(json.dumps(configuration, indent=1))
    done = subprocess.run(
        [python, "-m", "olive", "run", "--config", str(path), "--disable_telemetry"],
        capture_output=True,
        text=True,
        check=False,
    )
    made = sorted((folder / "olive").rglob("*.onnx"))
    if done.returncode or not made:
        sys.exit(f"olive run failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    onnx: Any = importlib.import_module("onnx")
    onnx.save(onnx.load(str(made[0])), str(folder / "olive.onnx"))


@unslow.workload
def encoder() -> unslow.Inference:
    return peer(__file__, "encoder", lambda folder: onnx_session(folder / "olive.onnx"))


@unslow.workload
def classifier() -> unslow.Inference:
    return peer(__file__, "classifier", lambda folder: onnx_session(folder / "olive.onnx"))


if __name__ == "__main__":
    built_here(build)
