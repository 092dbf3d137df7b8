"""The first half of every verb: what a run that goes on may build on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from acting import facts
from unslow.core.errors import BadInput
from unslow.core.events import silent
from unslow.core.options import Options
from unslow.core.script import ScriptFacts
from unslow.core.workload import Model, Target, Workload
from unslow.processes.base import Processes
from unslow.runs.folder import RunFolder
from unslow.runs.journal import Journal
from unslow.targets import content_hash
from unslow.verbs._look import Surveyed, look


@pytest.mark.parametrize("happens", ["edited", "removed"])
def test_a_module_of_the_scripts_that_is_not_what_it_was(tmp_path: Path, happens: str) -> None:
    module, target = tmp_path / "model.py", Target("script", str(tmp_path / "train.py"))
    module.write_text("WIDTH = 8")
    script = ScriptFacts("optimizer", 20, sources={str(module): content_hash(module)})
    kept = Surveyed(Workload(target, Model("script")), replace(facts(1), script=script), "nowhere")
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    journal = Journal(folder.journal)
    journal.add("survey", "original", kept)
    module.write_text("WIDTH = 16") if happens == "edited" else module.unlink()
    with pytest.raises(BadInput, match=r"model\.py has changed since the run of .*train\.py") as caught:
        look(target, folder, journal, Options(), Mock(spec=Processes), silent)
    assert "anew" in caught.value.todo
