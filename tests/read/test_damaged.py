"""Damaged recordings of every kind: a clear error or an answer, never anything else."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from made_nsight import COPY, KERNEL, export
from made_xplane import HOST, STREAM, device

import traces
from traces import op, step
from unslow.core.errors import UnslowError
from unslow.core.finding import Evidence
from unslow.habits import diagnose
from unslow.read import facts_of, read
from unslow.verbs._recorded import ELSEWHERE

CUTS, FLIPS = 20, 200
KINDS = ("kineto", "kineto-gz", "nsight", "xplane", "onnxruntime")


def recording(kind: str, folder: Path) -> Path:
    path = folder / "whole"
    kernel = op("gemm", 20, 30, "kernel", tid=7, correlation=3, device=0)
    if kind.startswith("kineto"):
        traces.kineto(path, [step(0, 0, 100), op("aten::mm", 1, 9), kernel, step(1, 100, 90)] * 20)
    if kind == "kineto-gz":
        path.write_bytes(gzip.compress(path.read_bytes()))
    if kind == "nsight":
        export(path, {"CUPTI_ACTIVITY_KIND_KERNEL": [KERNEL] * 50, "CUPTI_ACTIVITY_KIND_MEMCPY": [COPY] * 50})
    if kind == "xplane":
        path.write_bytes(HOST + device(STREAM))
    if kind == "onnxruntime":
        traces.onnxruntime(path, [traces.run(0, 100), traces.node("mm", 1, 5, "MatMul")] * 20)
    return path


def looked_at(path: Path) -> None:
    """Raises only what tells the user what is wrong."""
    try:
        profile = read(path)
        diagnose(Evidence(profile, facts_of(profile), ELSEWHERE))
    except UnslowError as error:
        assert error.what and error.todo


@pytest.mark.parametrize("kind", KINDS)
def test_cut_off(kind: str, tmp_path: Path) -> None:
    whole = recording(kind, tmp_path).read_bytes()
    chosen = random.Random(0)
    for place in [0, 1, *(chosen.randrange(len(whole)) for _ in range(CUTS))]:
        (tmp_path / "cut").write_bytes(whole[:place])
        looked_at(tmp_path / "cut")


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_that_have_flipped(kind: str, tmp_path: Path) -> None:
    whole = recording(kind, tmp_path).read_bytes()
    chosen = random.Random(1)
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        damaged[chosen.randrange(len(damaged))] ^= 1 << chosen.randrange(8)
        (tmp_path / "flipped").write_bytes(damaged)
        looked_at(tmp_path / "flipped")


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[1, 2]", '{"traceEvents": 5}', '{"songs": []}'])
def test_json_that_is_no_recording(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(UnslowError):
        read(tmp_path / "t.json")


def test_a_step_of_a_billion_years(tmp_path: Path) -> None:
    with pytest.raises(UnslowError, match="dur is"):
        read(traces.kineto(tmp_path / "t.json", [step(0, 0, 3e22), op("aten::mm", 1, 9)]))
