"""A bundle as a target: checked as `load` checks it, served as it was measured, in two plain lines where it is not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bundled
from unslow import targets
from unslow.bundle.write import write_bundle
from unslow.core.calls import as_request
from unslow.core.errors import BadInput, CannotRun, UnslowError
from unslow.core.workload import Host, Inference, Model, Serving, Target, Workload
from unslow.runtimes import open_model
from unslow.targets import Declared

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

SERVED, ON = Serving(batch_size=4, clients=2), Host(threads=2)
SOURCE = "import unslow\n@unslow.workload\ndef work():\n    return unslow.Inference(lambda x: {'y': x * 2}, [1])\n"


def written(folder: Path, workload: Workload, live: Any = None, flags: tuple[str, ...] = (), **known: Any) -> Path:
    machine = dataclasses.replace(bundled.MACHINE, flags=flags or bundled.MACHINE.flags)
    return write_bundle(
        folder / "bundle", workload, fixes=[], measured={}, facts=bundled.facts(**known), machine=machine, live=live
    )


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return written(tmp_path, bundled.onnx_workload(bundled.onnx_model(tmp_path), serving=SERVED, host=ON))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "file.py").write_text(SOURCE)
    target = Target("python-file", str(tmp_path / "file.py"), "work")
    return written(tmp_path, Workload(target, Model("function"), SERVED), live=lambda x: x)


@pytest.fixture
def native(tmp_path: Path) -> Path:
    import zipfile

    with zipfile.ZipFile(tmp_path / "package.pt2", "w") as archive:
        archive.writestr("package/archive_format", "pt2")
    model = Model("aot-inductor", str(tmp_path / "package.pt2"))
    return written(tmp_path, Workload(Target("python-file", "m.py"), model), flags=("avx9000",))


def located(folder: Path, **declared: Any) -> Target:
    return targets.locate(str(folder), Declared(**declared))


def opened(target: Target) -> tuple[Workload, Inference]:
    inference = targets.load(target)
    return targets.original(target, inference), inference


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def refused(target: Target, kind: type[UnslowError], says: str) -> None:
    """When it is loaded, and when only its model is opened."""
    asks: list[Callable[[], object]] = [
        lambda: targets.load(target),
        lambda: targets.original(target, Inference(None, [1])),
    ]
    for ask in asks:
        with pytest.raises(kind, match=says) as error:
            ask()
        assert len(str(error.value).splitlines()) == 2


def test_it_answers_made_requests_of_its_own_shapes(bundle: Path) -> None:
    workload, inference = opened(located(bundle))
    assert len(inference.inputs) > 1
    assert {request["x"].shape for request in inference.inputs} == {(2, 3)}
    call = open_model(workload.model, workload.host, targets.live(workload, inference))
    request = inference.inputs[0]
    np.testing.assert_allclose(call(as_request(request))["y"], bundled.expected(request["x"]), rtol=1e-6)


def test_it_takes_the_user_s_requests(bundle: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=bundled.X)
    (request,) = opened(located(bundle, inputs=str(tmp_path / "in.npz")))[1].inputs
    np.testing.assert_array_equal(request["x"], bundled.X)


def test_it_is_served_as_it_was_measured(bundle: Path) -> None:
    workload, _ = opened(located(bundle))
    assert (workload.serving, workload.host) == (SERVED, ON)
    assert targets.host_of(located(bundle)) == ON


def test_other_targets_are_served_one_at_a_time(tmp_path: Path) -> None:
    target = targets.locate(str(bundled.onnx_model(tmp_path)))
    workload, _ = opened(target)
    assert (workload.serving, workload.host, targets.host_of(target)) == (Serving(), Host(), Host())


def test_a_damaged_file_is_refused(bundle: Path) -> None:
    target = located(bundle)
    with (bundle / "files" / "model.onnx").open("ab") as file:
        file.write(b"\0")
    refused(target, BadInput, "is damaged")


def test_a_damaged_manifest_is_refused(bundle: Path) -> None:
    target = located(bundle)
    (bundle / "manifest.json").write_text("{")
    refused(target, BadInput, "cannot be read")
    with pytest.raises(BadInput):
        targets.host_of(target)


@pytest.mark.parametrize("trusted", [False, True])
def test_a_recipe_runs_a_file_and_needs_trust(recipe: Path, trusted: bool) -> None:
    if not trusted:
        return refused(located(recipe), BadInput, "can run code")
    workload, inference = opened(located(recipe, trust=True))
    assert workload.serving == SERVED
    assert inference.model(3) == {"y": 6}
    return None


def test_a_recipe_whose_file_has_changed_is_refused(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text(SOURCE + "\n")
    with pytest.raises(BadInput, match="has changed"):
        targets.load(located(recipe, trust=True))


def test_machine_code_needs_trust_and_the_processor_that_it_was_made_for(native: Path) -> None:
    refused(located(native), BadInput, "can run code")
    refused(located(native, trust=True), CannotRun, "lacks avx9000")


def test_variables_of_the_environment_need_trust_before_any_process_has_them(bundle: Path) -> None:
    edited(bundle, lambda manifest: manifest["host"].update(environment={"LD_PRELOAD": "/tmp/it.so"}))
    refused(located(bundle), BadInput, "LD_PRELOAD")
    with pytest.raises(BadInput, match="LD_PRELOAD"):
        targets.host_of(located(bundle))
    assert targets.host_of(located(bundle, trust=True)).environment == {"LD_PRELOAD": "/tmp/it.so"}


def test_one_that_says_nothing_of_its_inputs_asks_for_them(tmp_path: Path) -> None:
    folder = written(tmp_path, bundled.onnx_workload(bundled.onnx_model(tmp_path)), inputs=(), flat_inputs=False)
    with pytest.raises(BadInput, match="--inputs") as error:
        targets.load(located(folder))
    assert len(str(error.value).splitlines()) == 2


def test_inputs_that_are_not_there_are_missed_at_once(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file of inputs"):
        located(bundle, inputs=str(tmp_path / "nowhere.npz"))


def test_it_has_changed_when_its_manifest_or_its_inputs_have(bundle: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=bundled.X)
    target = located(bundle, inputs=str(tmp_path / "in.npz"))
    assert not targets.changed(target)
    np.savez(tmp_path / "in.npz", x=bundled.X + 1)
    assert targets.changed(target)
    target = located(bundle)
    assert not targets.changed(target)
    edited(bundle, lambda manifest: manifest.update(measured={"speedup": 9.0}))
    assert targets.changed(target)
    (bundle / "manifest.json").unlink()
    assert targets.changed(target)
