"""Every peer in turns against the original, and against what unslow chose; how far its answers are from the original's.

    python -m bench.peers.run encoder --bundle unslow-runs/encoder-20260101-120000/bundle

Writes `bench/results/peers-EXAMPLE.json`, `.md` and a plot. What is in the file is not measured again (`--again NAME`
does that for one peer); a peer whose tool is missing is skipped with its reason, and tried again the next time.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench._common import EXAMPLES, ROOT, RUNS, environment, machine_words, progress, save, saved, target_of
from bench.peers._agreement import agreement
from bench.peers._row import Row
from bench.peers._shown import plot, table
from unslow.core.errors import CannotRun, UnslowError
from unslow.core.events import silent
from unslow.core.jsonable import from_json, to_json
from unslow.core.options import Options
from unslow.core.units import interval
from unslow.core.workload import Host
from unslow.measure.bench import OPEN_TIMEOUT_S, environment_of, memory_limit
from unslow.processes.base import Conditions
from unslow.processes.local import LocalProcesses
from unslow.targets import locate
from unslow.verbs.compare import compare
from unslow.verify.judge import read_answers
from unslow.verify.outputs import Answers

SCHEMA = "unslow.bench.peers/1"
ANSWERED = 128
"""Requests whose answers are compared."""
UNSLOW = "unslow"
PEERS = {
    UNSLOW: ("unslow_bundle", ""),
    "ONNX Runtime": ("plain_onnxruntime", ""),
    "OpenVINO": ("plain_openvino", ""),
    "OpenVINO, float32": ("plain_openvino", "_float32"),
    "torch.compile": ("torch_compile", ""),
    "torch.compile, freezing": ("torch_compile", "_frozen"),
    "ONNX Runtime, dynamic int8": ("onnxruntime_dynamic_int8", ""),
    "NNCF int8": ("nncf_ptq", ""),
    "Olive": ("olive", ""),
}


def main() -> None:
    arguments = _arguments()
    name = f"peers-{arguments.example}"
    rows = {row["name"]: from_json(Row, row) for row in saved(name).get("rows", [])}
    with environment(UNSLOW_BENCH_BUNDLE=str(Path(arguments.bundle).resolve())):
        for peer in PEERS:
            if peer in rows and not rows[peer].reason and peer != arguments.again:
                continue
            rows[peer] = measured(arguments.example, peer, Options(seed=arguments.seed))
            save(name, _json(arguments, rows))
            found = rows[peer]
            progress(f"{peer}: {found.reason or (interval(found.speedup) if found.speedup else '')}")
    ordered = sorted(rows.values(), key=lambda row: -(row.speedup.point if row.speedup else 0))
    path = save(name, _json(arguments, rows))
    path.with_suffix(".md").write_text(table(arguments.example, ordered, _precision_note(arguments.example)))
    plot(arguments.example, ordered, path)
    progress(f"{path.with_suffix('.md')}")


def measured(example: str, peer: str, options: Options) -> Row:
    """Its answers, then its turns against the original and against unslow's bundle. What goes wrong is its reason."""
    target, original = workload_of(example, peer), target_of(example)
    row = Row(peer)
    try:
        row = replace(row, agreement=agreement(answers(original), answers(target)))
        first = compare(original, target, options=options, listener=silent)
        latency = first.b.latency_ms
        row = replace(
            row,
            speedup=first.speedup.estimate if first.speedup else None,
            latency_ms=latency.p50 if latency else None,
            setup_s=first.b.setup_s,
        )
        if peer != UNSLOW:
            second = compare(workload_of(example, UNSLOW), target, options=options, listener=silent)
            row = replace(row, against_unslow=second.speedup.estimate if second.speedup else None)
    except UnslowError as error:
        return replace(row, reason=str(error).splitlines()[0])
    return row


def workload_of(example: str, peer: str) -> str:
    """`file.py:name` of a peer's workload.

    Raises
    ------
    CannotRun
        There is no such peer for this example.
    """
    file, suffix = PEERS[peer]
    if example not in ("encoder", "classifier"):
        raise CannotRun(f"There are no peers for {example}.", "There are for encoder and classifier.")
    return f"{ROOT}/bench/peers/{file}.py:{example}{suffix}"


def answers(target: str) -> Answers:
    """What a target answers to the first requests, from a process of its own.

    Raises
    ------
    WorkerFailed
        It cannot be opened, or cannot answer.
    """
    with tempfile.TemporaryDirectory(prefix="unslow-peers-") as scratch:
        folder = Path(scratch)
        conditions = Conditions(folder / "log", environment_of(Host(), folder / "inductor"), memory_limit(0))
        with LocalProcesses().start(conditions) as process:
            opened = process.ask("open_target", OPEN_TIMEOUT_S, target=to_json(locate(target)), seed=0)
            places = list(range(min(ANSWERED, int(opened["requests"]))))
            process.ask("answers", OPEN_TIMEOUT_S, places=places, path=str(folder / "answers.npz"))
        return read_answers(folder / "answers.npz")


def _precision_note(example: str) -> str:
    """What OpenVINO's default computes in here, where that is not what the model was written in."""
    base = Path(os.environ.get("UNSLOW_BENCH_PEERS", str(RUNS / "peers")))
    path = base / f"plain_openvino-{example}" / "precision.txt"
    said = path.read_text() if path.is_file() else "f32"
    return "" if said == "f32" else f"OpenVINO's default computes in {said} on this processor, and says nothing of it."


def _json(arguments: argparse.Namespace, rows: dict[str, Row]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "example": arguments.example,
        "bundle": arguments.bundle,
        "note": _precision_note(arguments.example),
        "machine": machine_words(),
        "rows": [to_json(row) for row in rows.values()],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the tools that people use today on the same job.")
    parser.add_argument("example", choices=[name for name in EXAMPLES if name in ("encoder", "classifier")])
    parser.add_argument("--bundle", required=True, help="what `unslow fix` chose for this example")
    parser.add_argument("--again", default="", choices=["", *PEERS], help="measure this peer again")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
