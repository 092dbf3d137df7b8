"""The winner's bundle at its place: whole or not at all, with what was measured of it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

import bundled
from unslow.bundle import publish as room
from unslow.bundle.load import load
from unslow.bundle.manifest import read_manifest
from unslow.bundle.publish import publish, withdraw
from unslow.bundle.write import write_bundle
from unslow.core.errors import BadInput
from unslow.runs.folder import writing

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

MEASURED: dict[str, Any] = {
    "speedup": {"point": 2.134, "low": 2.05, "high": 2.21},
    "verdict": "faster",
    "outputs": "kept",
    "objective": "latency",
    "load": "one request at a time",
    "against": "model.onnx",
    "date": "2026-01-02T03:04:05+00:00",
    "machine": {"processor": "a processor", "cores": 2, "system": "Linux"},
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    workload = bundled.onnx_workload(bundled.onnx_model(tmp_path / "made"))
    return write_bundle(
        tmp_path / "work", workload, fixes=[], measured={}, facts=bundled.facts(), machine=bundled.MACHINE
    )


def no_room(source: Path, draft: Path) -> None:
    draft.mkdir()
    (draft / "half").write_text("")
    raise OSError(errno.ENOSPC, "No space left on device")


def no_room_for_one(source: Path, draft: Path) -> None:
    draft.mkdir()
    raise shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")])


@pytest.mark.parametrize("copying", [no_room, no_room_for_one])
def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, copying: Any
) -> None:
    place = tmp_path / "bundle"
    publish(source, place, MEASURED)
    monkeypatch.setattr(room.shutil, "copytree", copying)
    with pytest.raises(BadInput, match="No space left") as error, writing(place):
        publish(source, place, {})
    assert "room" in error.value.todo
    assert [path.name for path in tmp_path.glob(".*")] == []
    assert read_manifest(place).measured == MEASURED


def test_what_was_measured_is_in_the_manifest_and_on_the_page(tmp_path: Path, source: Path) -> None:
    place = tmp_path / "run" / "bundle"
    place.parent.mkdir()
    (place / "old").mkdir(parents=True)
    publish(source, place, MEASURED)
    assert load(place)(bundled.X).y.tolist() == bundled.expected(bundled.X).tolist()
    assert read_manifest(place).measured == MEASURED
    assert read_manifest(source).measured == {}
    page = (place / "README.md").read_text()
    assert "2.13× (2.05 to 2.21) in latency, outputs kept, against `model.onnx`, on 2026-01-02" in page
    assert not (place / "old").exists()


def test_damage_in_copying_shows(tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoiling(source: Path, draft: Path) -> None:
        shutil.copytree(source, draft)
        next(draft.rglob("*.onnx")).write_bytes(b"")

    monkeypatch.setattr(room, "_copied", spoiling)
    publish(source, tmp_path / "bundle", MEASURED)
    with pytest.raises(BadInput, match="damaged"):
        load(tmp_path / "bundle")


def test_an_earlier_one_can_be_withdrawn(tmp_path: Path, source: Path) -> None:
    publish(source, tmp_path / "bundle", MEASURED)
    withdraw(tmp_path / "bundle")
    withdraw(tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
