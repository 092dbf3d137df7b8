"""A bundle is written whole or not at all, is checked before it is opened, and answers like the original."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bundled
from unslow.bundle.load import load, missing_flags
from unslow.bundle.manifest import read_manifest
from unslow.bundle.write import write_bundle
from unslow.core.errors import BadInput
from unslow.core.variant import Applied
from unslow.core.workload import Host, Serving

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

WITHOUT = """
import sys
for name in ("torch", "onnx", "openvino"):
    sys.modules[name] = None
import numpy as np
from unslow.bundle.load import load
bundle = load(sys.argv[1])
left = [name for name, module in sys.modules.items() if name.partition(".")[0] in ("torch", "onnx") and module]
print(bundle(np.ones((1, 3), "float32")).y.tolist(), left)
"""


def written(folder: Path, **changes: Any) -> Path:
    source = folder / "source"
    source.mkdir(exist_ok=True)
    model = bundled.onnx_model(source)
    workload = bundled.onnx_workload(model, **changes)
    return write_bundle(
        folder / "bundle", workload, fixes=[Applied("onnxruntime")], measured={"speedup": 2.0},
        facts=bundled.facts(), machine=bundled.MACHINE,
    )  # fmt: skip


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return written(tmp_path)


def edited(bundle: Path, change: Any) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    change(manifest)
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def refused(bundle: Path, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        load(bundle)


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    refused(tmp_path, "is not a bundle")
    refused(tmp_path / "nowhere", "is not a bundle")


def test_another_version(bundle: Path) -> None:
    edited(bundle, lambda manifest: manifest.update(schema="unslow.bundle/9"))
    refused(bundle, "unslow.bundle/9")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": "unslow.bundle/1"}'])
def test_a_damaged_manifest(bundle: Path, text: str) -> None:
    (bundle / "manifest.json").write_text(text)
    refused(bundle, "cannot be read|is damaged")


def test_a_changed_byte(bundle: Path) -> None:
    path = bundle / "files" / "model.onnx"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    refused(bundle, "is damaged")


def test_a_missing_file(bundle: Path) -> None:
    (bundle / "files" / "model.onnx").unlink()
    refused(bundle, "is missing")


def test_a_file_that_is_not_listed(bundle: Path) -> None:
    (bundle / "files" / "more.bin").write_text("")
    refused(bundle, "does not list")


def test_a_link(bundle: Path) -> None:
    path = bundle / "files" / "model.onnx"
    shutil.move(path, bundle.parent / "elsewhere.onnx")
    path.symlink_to(bundle.parent / "elsewhere.onnx")
    refused(bundle, "is a link")


@pytest.mark.parametrize(
    "path", ["../outside.onnx", "/etc/hostname", "files/../../outside.onnx", "..\\outside.onnx", ""]
)
def test_a_path_that_leaves_the_folder(bundle: Path, path: str) -> None:
    (bundle.parent / "outside.onnx").write_text("")
    edited(bundle, lambda manifest: manifest["files"][0].update(path=path))
    refused(bundle, "leaves its folder")


def test_a_model_that_is_not_among_the_files(bundle: Path) -> None:
    edited(bundle, lambda manifest: manifest["model"].update(path="../source/model.onnx"))
    refused(bundle, "lists no")


def test_a_runtime_that_runs_code_needs_trust_whatever_the_manifest_says(bundle: Path) -> None:
    edited(
        bundle, lambda manifest: (manifest["model"].update(runtime="torch-module"), manifest.update(needs_trust=False))
    )
    refused(bundle, "can run code")


def test_instruction_sets_that_matter() -> None:
    assert missing_flags(("avx2", "fma", "constant_tsc"), ("avx2", "fma")) == []
    assert missing_flags(("avx2", "avx512f", "amx_int8"), ("avx2",)) == ["avx512f", "amx_int8"]


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "thesis.tex").write_text("precious")
    with pytest.raises(BadInput, match="is no bundle"):
        written(tmp_path)
    assert (tmp_path / "bundle" / "thesis.tex").read_text() == "precious"


def test_a_full_disk_leaves_nothing_and_the_earlier_bundle_in_place(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*paths: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(BadInput, match="No space left on device"):
        written(bundle.parent)
    monkeypatch.undo()
    assert sorted(path.name for path in bundle.parent.iterdir()) == ["bundle", "source"]
    np.testing.assert_allclose(load(bundle)(bundled.X).y, bundled.expected(bundled.X))


def test_external_data_outside_the_folder_is_not_copied(tmp_path: Path) -> None:
    import onnx

    path = bundled.onnx_model(tmp_path, external=True)
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        if entry.key == "location":
            entry.value = "../../secret"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(BadInput, match="leaves its folder"):
        write_bundle(
            tmp_path / "bundle", bundled.onnx_workload(path), fixes=[], measured={}, facts=bundled.facts(),
            machine=bundled.MACHINE,
        )  # fmt: skip
    assert not (tmp_path / "bundle").exists()


def test_external_data_comes_along(tmp_path: Path) -> None:
    path = bundled.onnx_model(tmp_path, external=True)
    folder = write_bundle(
        tmp_path / "bundle", bundled.onnx_workload(path), fixes=[], measured={}, facts=bundled.facts(),
        machine=bundled.MACHINE,
    )  # fmt: skip
    (tmp_path / "model.weights").unlink()
    np.testing.assert_allclose(load(folder)(bundled.X).y, bundled.expected(bundled.X))


def test_answers_in_the_originals_structure(bundle: Path) -> None:
    loaded = load(bundle)
    np.testing.assert_allclose(loaded(bundled.X).y, bundled.expected(bundled.X))
    np.testing.assert_allclose(loaded(x=bundled.X)["y"], bundled.expected(bundled.X))
    assert loaded.names == ("x",) and loaded.serving == Serving()


def test_wrong_input_in_two_lines(bundle: Path) -> None:
    with pytest.raises(BadInput, match="takes float32"):
        load(bundle)(bundled.X.astype("float64"))


def test_tensors_out_if_tensors_came_in(bundle: Path) -> None:
    torch = pytest.importorskip("torch")
    loaded = load(bundle)
    answer = loaded(torch.from_numpy(bundled.X))
    assert isinstance(answer.y, torch.Tensor)
    assert isinstance(loaded(bundled.X).y, np.ndarray)


def test_many_answers_served_as_measured(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, serving=Serving(batch_size=3, clients=2)))
    requests = [bundled.X + number for number in range(7)]
    answers = loaded.answer_many([requests[0], (requests[1],), *({"x": request} for request in requests[2:])])
    for answer, request in zip(answers, requests, strict=True):
        np.testing.assert_allclose(answer.y, bundled.expected(request))
    assert sum(loaded.answerer().answer([]).call_requests) == 0


def test_the_manifest_says_it_all(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    assert manifest.schema == "unslow.bundle/1" and manifest.measured == {"speedup": 2.0}
    assert [applied.name for applied in manifest.fixes] == ["onnxruntime"]
    assert manifest.free_axes == {"x": (0,)} and manifest.inputs[0].dtype == "float32"
    assert set(manifest.libraries) == {"numpy", "onnxruntime"} and not manifest.needs_trust
    assert {file.path for file in manifest.files} == {"README.md", "files/model.onnx"}
    assert manifest.host == Host() and manifest.model.path == "files/model.onnx"


def test_the_readme_says_how_to_load_it(bundle: Path) -> None:
    text = (bundle / "README.md").read_text()
    assert (
        'unslow.load("bundle")' in text and "| x | float32 | any, 3 |" in text and "pip install 'unslow[onnx]'" in text
    )


def test_shown_in_a_terminal_and_in_a_notebook_without_markup_of_others(bundle: Path) -> None:
    edited(bundle, lambda manifest: manifest.update(target="<script>alert(1)</script>"))
    loaded = load(bundle)
    assert "onnxruntime" in repr(loaded) and "<script>" not in loaded._repr_html_()


def test_it_loads_without_torch_onnx_and_openvino(bundle: Path) -> None:
    command = [sys.executable, "-c", WITHOUT, str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.strip() == "[[7.0, 7.0, 7.0]] []", done.stderr
