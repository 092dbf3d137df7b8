"""The final metric of a script, of a whole run of it: what is left for the end of the program counts too."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from unslow import targets
from unslow.core.errors import WorkerFailed
from unslow.core.jsonable import to_json
from unslow.processes.base import Conditions
from unslow.processes.local import LocalProcesses

SCRIPT = """
import atexit, time, unslow
log = open("score.txt", "w")  # never closed
for n in range(40):
    with unslow.step():
        time.sleep(0.001)
log.write("0.25\\n")
atexit.register(lambda: open("last.txt", "w").write("0.75"))
"""


def metric(project: Path, command: str) -> float:
    (project / "train.py").write_text(SCRIPT)
    out = project.parent / "survey"
    out.mkdir()
    target = to_json(targets.locate(str(project / "train.py")))
    with LocalProcesses().start(Conditions(out / "log")) as process:
        seen = process.ask("survey", 60.0, target=target, folder=str(out))
    asked = {"workload": seen["workload"], "facts": seen["facts"], "survey": str(out), "command": command}
    with LocalProcesses().start(Conditions(out / "log")) as process:
        return float(process.ask("evaluated", 60.0, **asked)["metric"])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_a_command_that_prints_no_number(project: Path) -> None:
    with pytest.raises(WorkerFailed, match="printed no number"):
        metric(project, f"{sys.executable} -c 'print()'")


@pytest.mark.parametrize(("name", "expected"), [("score.txt", 0.25), ("last.txt", 0.75)])
def test_what_is_written_last_is_seen(project: Path, name: str, expected: float) -> None:
    assert metric(project, f"""{sys.executable} -c 'print(open("{name}").read())'""") == expected
    assert not list(project.glob("*.txt"))
