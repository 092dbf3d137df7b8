"""Any file: what no reader knows, what is damaged, and what is found by its content whatever its name."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import made_nsight
import made_xplane
import pytest

import traces
from unslow.core.discover import plugins
from unslow.core.errors import BadInput
from unslow.read import read
from unslow.read._reader import Reader

Make = Callable[[Path], Path]


def small_kineto(path: Path) -> Path:
    shapes = {"Input Dims": [[2, 3], [3, 4]], "Input type": ["float", "float"], "Concrete Inputs": ["", ""]}
    events = [traces.step(0, 1.5, 100.25), traces.op("aten::mm", 2.125, 50.5, **shapes), traces.op("aten::t", 60, 1)]
    return traces.kineto(path, events, unslow={"requests": [0], "distortion": 0.1})


def small_onnxruntime(path: Path) -> Path:
    shapes = {"input_type_shape": [{"float": [2, 3]}], "output_type_shape": [{"float": [2, 4]}]}
    return traces.onnxruntime(path, [traces.node("a", 11, 5, "MatMul", **shapes), traces.run(10, 20)])


def small_nsight(path: Path) -> Path:
    return made_nsight.export(path, {made_nsight.KERNELS: [made_nsight.KERNEL]})


def small_xplane(path: Path) -> Path:
    path.write_bytes(made_xplane.HOST + made_xplane.device(made_xplane.STREAM))
    return path


MAKERS: dict[str, Make] = {
    "kineto": small_kineto,
    "onnxruntime": small_onnxruntime,
    "steps": traces.steps,
    "script": traces.script,
    "nsight-systems": small_nsight,
    "xplane": small_xplane,
}


OF_JSON = [name for name in MAKERS if name not in ("nsight-systems", "xplane")]
"""For what test_damaged does with all."""


def test_every_reader_has_a_recording_here() -> None:
    assert set(plugins("unslow.read", "READER", Reader)) == set(MAKERS)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\x00\x01", b'{"traceEvents": 1', b"\x1f\x8b", b"\x1f\x8bnot gzip", b"[" * 100_000]
)
def test_what_is_no_recording(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read(file)
    assert str(file) in caught.value.what
    assert caught.value.todo
    assert "\n" not in caught.value.what


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.json"):
        read(tmp_path / "none.json")


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        read(tmp_path)


@pytest.mark.parametrize("name", OF_JSON)
def test_every_cut_is_bad_input(tmp_path: Path, name: str) -> None:
    file = MAKERS[name](tmp_path / "whole")
    content = file.read_bytes()
    for length in range(0, len(content) - 1, 7):
        file.write_bytes(content[:length])
        with pytest.raises(BadInput):
            read(file)


@pytest.mark.parametrize("name", OF_JSON)
def test_a_changed_byte_never_gives_a_traceback(tmp_path: Path, name: str) -> None:
    """It is bad input, or still a recording, which then holds together."""
    file = MAKERS[name](tmp_path / "whole")
    content, dice = file.read_bytes(), random.Random(7)
    refused = 0
    for _ in range(400):
        place = dice.randrange(len(content))
        file.write_bytes(content[:place] + bytes([dice.randrange(256)]) + content[place + 1 :])
        try:
            read(file).self_check()
        except BadInput:
            refused += 1
    assert refused > 40


@pytest.mark.parametrize("name", OF_JSON)
@pytest.mark.parametrize("value", ["-1", "-0.001", "1e999999", "1e99", '"7"', "null", "true", "NaN", "9" * 5000, "[]"])
def test_a_time_that_is_none(tmp_path: Path, name: str, value: str) -> None:
    file = MAKERS[name](tmp_path / "whole")
    text = file.read_text()
    key = {"steps": '"end_ns": 20000000', "script": '"end_ns": 200'}.get(name, '"dur": 5')
    assert key in text
    file.write_text(text.replace(key, f'{key.partition(" ")[0]} {value}, "was": 0'))
    with pytest.raises(BadInput):
        read(file)


@pytest.mark.parametrize("name", MAKERS)
def test_the_content_decides_not_the_name(tmp_path: Path, name: str) -> None:
    assert read(MAKERS[name](tmp_path / "anything.sqlite")).source == name


@pytest.mark.parametrize("name", OF_JSON)
def test_gzipped_ones_give_the_same(tmp_path: Path, name: str) -> None:
    file = MAKERS[name](tmp_path / "plain")
    plain = read(file)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert read(packed) == plain


@pytest.mark.parametrize("name", MAKERS)
def test_shares_sum_to_one(tmp_path: Path, name: str) -> None:
    assert sum(read(MAKERS[name](tmp_path / "x")).shares.values()) == pytest.approx(1)
