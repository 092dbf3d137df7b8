"""A run goes on with the target and the options that it began with, or not at all."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from unslow.core.errors import BadInput
from unslow.core.options import Options
from unslow.verbs._named import Named, keep_options, named, options_of, resumed

WORK = "import unslow\n@unslow.workload\ndef work():\n    return unslow.Inference(lambda x: x, [1])\n"


@pytest.fixture
def begun(tmp_path: Path) -> Named:
    (tmp_path / "file.py").write_text(WORK)
    np.savez(tmp_path / "in.npz", x=np.ones(3))
    return named(f"{tmp_path / 'file.py'}:work", tmp_path / "in.npz", out=str(tmp_path / "run"))


def refused(folder: Path, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        resumed(str(folder))
    assert len(str(error.value).splitlines()) == 2


def test_an_unchanged_target_goes_on(begun: Named) -> None:
    assert resumed(str(begun.folder.path)) == begun


def test_a_file_that_was_only_touched_has_not_changed(begun: Named, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text(WORK)
    assert resumed(str(begun.folder.path)) == begun


@pytest.mark.parametrize("name", ["file.py", "in.npz"])
def test_a_target_whose_files_have_changed_is_refused(begun: Named, tmp_path: Path, name: str) -> None:
    with (tmp_path / name).open("ab") as file:
        file.write(b"\n")
    refused(begun.folder.path, "has changed since the run")


@pytest.mark.parametrize("name", ["file.py", "in.npz"])
def test_a_target_whose_files_are_gone_is_refused(begun: Named, tmp_path: Path, name: str) -> None:
    (tmp_path / name).unlink()
    refused(begun.folder.path, "has changed since the run")


def test_a_live_workload_goes_on_from_the_run_s_own_file(tmp_path: Path) -> None:
    begun = named(lambda x: x, [1, 2], out=str(tmp_path / "run"))
    assert resumed(str(tmp_path / "run")) == begun


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}"])
def test_what_is_no_folder_of_a_run_is_refused(begun: Named, text: str) -> None:
    (begun.folder.path / "work" / "target.json").write_text(text)
    refused(begun.folder.path, "not the folder of a run")


def test_options_come_back_as_they_were(begun: Named) -> None:
    assert options_of(begun.folder) is None
    chosen = Options(budget_s=math.inf, objective="cost", only=("threads",), skip=("float16", "bfloat16"), rate=20.0)
    keep_options(chosen, begun.folder)
    assert options_of(begun.folder) == chosen
    keep_options(Options(), begun.folder)
    assert options_of(begun.folder) == Options()
    assert not list(begun.folder.path.rglob("*.draft"))


@pytest.mark.parametrize("text", ["", "[]", '{"worth": 0.1}', '{"budget_s": "soon"}'])
def test_options_that_cannot_be_read_do_not_become_others(begun: Named, text: str) -> None:
    (begun.folder.path / "work" / "options.json").write_text(text)
    with pytest.raises(BadInput, match="options") as error:
        options_of(begun.folder)
    assert len(str(error.value).splitlines()) == 2
