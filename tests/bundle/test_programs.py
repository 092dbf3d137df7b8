"""Live torch modules become exported programs without pickles; what cannot becomes a recipe."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bundled
from unslow.bundle.load import load
from unslow.bundle.manifest import read_manifest
from unslow.bundle.programs import pickled_parts
from unslow.bundle.write import write_bundle
from unslow.core.errors import BadInput, CannotRun
from unslow.core.facts import Leaf
from unslow.core.workload import Model, Target, Workload

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

SOURCE = """
import unslow
from unslow.core.workload import Inference, workload

@workload
def doubled():
    return Inference(lambda x: {"y": x * 2}, [1])
"""
EVAL = {"eval": True, "inference_mode": True}


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "model.py"
    path.write_text(SOURCE)
    yield path


def bundle_of(live: Any, source: Path, settings: Any = EVAL, runtime: str = "torch-module", **changes: Any) -> Path:
    workload = Workload(Target("python-file", str(source), "doubled"), Model(runtime, "", settings))
    example = [{"x": bundled.X}, {"x": np.concatenate([bundled.X, bundled.X])}]
    return write_bundle(
        source.parent / "bundle", workload, fixes=[], measured={}, facts=bundled.facts(**changes),
        machine=bundled.MACHINE, live=live, example=example,
    )  # fmt: skip


def test_loading_needs_trust(source: Path) -> None:
    folder = bundle_of(bundled.torch_module(), source)
    with pytest.raises(BadInput, match="can run code"):
        load(folder)


def test_the_program_answers_like_the_module_at_any_number_of_rows(source: Path) -> None:
    folder = bundle_of(bundled.torch_module(), source)
    source.unlink()
    loaded = load(folder, trust=True)
    for x in (bundled.X, bundled.X[:1], np.ones((9, 3), "float32")):
        np.testing.assert_allclose(loaded(x).y, bundled.expected(x), rtol=1e-6)
    assert isinstance(loaded(torch.from_numpy(bundled.X)).y, torch.Tensor)
    with pytest.raises(BadInput, match="takes"):
        loaded(np.ones((2, 5), "float32"))


def test_it_holds_no_pickle(source: Path) -> None:
    folder = bundle_of(bundled.torch_module(), source)
    (program,) = (folder / "files").iterdir()
    assert pickled_parts(program) == []
    with zipfile.ZipFile(program) as archive:
        assert not [name for name in archive.namelist() if archive.read(name)[:2] in (b"\x80\x02", b"PK")]


def test_an_artefact_with_pickled_examples_is_saved_anew_without(source: Path, tmp_path: Path) -> None:
    program = torch.export.export(bundled.torch_module().eval(), (torch.from_numpy(bundled.X),))
    torch.export.save(program, tmp_path / "user.pt2")
    assert pickled_parts(tmp_path / "user.pt2")
    workload = Workload(Target("exported", "user.pt2"), Model("exported-program", str(tmp_path / "user.pt2")))
    folder = write_bundle(
        tmp_path / "bundle", workload, fixes=[], measured={}, facts=bundled.facts(), machine=bundled.MACHINE
    )
    assert pickled_parts(folder / "files" / "user.pt2") == []
    np.testing.assert_allclose(load(folder, trust=True)(bundled.X)["y"], bundled.expected(bundled.X), rtol=1e-6)


def test_bfloat16_stays_inside(source: Path) -> None:
    folder = bundle_of(bundled.torch_module(), source, {**EVAL, "dtype": "bfloat16"})
    answer = load(folder, trust=True)(bundled.X).y
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, bundled.expected(bundled.X), rtol=0.02)


def test_one_row_at_a_time_does_not_fix_the_rows(source: Path) -> None:
    workload = Workload(Target("python-file", str(source)), Model("torch-module", "", EVAL))
    folder = write_bundle(
        source.parent / "bundle", workload, fixes=[], measured={}, machine=bundled.MACHINE,
        facts=bundled.facts(inputs=(Leaf("x", "float32", (((1, 3), 4),)),)), live=bundled.torch_module(),
        example=[{"x": bundled.X[:1]}],
    )  # fmt: skip
    loaded = load(folder, trust=True)
    np.testing.assert_allclose(loaded(bundled.X).y, bundled.expected(bundled.X), rtol=1e-6)
    np.testing.assert_allclose(loaded(bundled.X[:1]).y, bundled.expected(bundled.X[:1]), rtol=1e-6)


def test_a_module_that_answers_at_random_becomes_a_recipe(source: Path) -> None:
    manifest = read_manifest(bundle_of(bundled.torch_module(), source, {}))
    assert manifest.recipe is not None and "differ" in manifest.recipe.reason and manifest.model.path == ""


def test_a_module_that_cannot_be_exported_becomes_a_recipe(source: Path) -> None:
    class Branching(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x * 2 if x.sum().item() > 0 else x

    manifest = read_manifest(bundle_of(Branching(), source))
    assert manifest.recipe is not None and manifest.needs_trust
    assert {file.path for file in manifest.files} == {"README.md"}


def test_a_recipe_needs_trust_and_its_source_unchanged(source: Path) -> None:
    folder = bundle_of(lambda x: x, source, {}, "function")
    with pytest.raises(BadInput, match="can run code"):
        load(folder)
    assert load(folder, trust=True)(bundled.X).y.tolist() == (bundled.X * 2).tolist()
    source.write_text(SOURCE + "\n")
    with pytest.raises(BadInput, match="has changed"):
        load(folder, trust=True)
    source.unlink()
    with pytest.raises(BadInput, match="is not there"):
        load(folder, trust=True)


def test_a_recipe_without_a_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file either"):
        bundle_of(lambda x: x, tmp_path / "gone.py", {}, "function")
    assert list(tmp_path.iterdir()) == []


def test_machine_code_for_another_processor_or_library(tmp_path: Path) -> None:
    (tmp_path / "package.pt2").write_bytes(zipped())
    workload = Workload(Target("python-file", "m.py"), Model("aot-inductor", str(tmp_path / "package.pt2")))
    import dataclasses

    for flags, said in (("avx9000",), "lacks avx9000"), ((), "cannot be compared"):
        machine = dataclasses.replace(bundled.MACHINE, flags=flags)
        folder = write_bundle(
            tmp_path / "bundle", workload, fixes=[], measured={}, facts=bundled.facts(), machine=machine
        )
        with pytest.raises(BadInput, match="can run code"):
            load(folder)
        with pytest.raises(CannotRun, match=said):
            load(folder, trust=True)


def zipped() -> bytes:
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("package/archive_format", "pt2")
    return buffer.getvalue()
