"""A small script, run with a fix's run-time form, and as its source is after the fix's edit: both must agree.

The script prints what it ends with; the last line is compared.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unslow.core.facts import Facts
from unslow.core.jsonable import to_json
from unslow.core.script import ScriptFacts, Site
from unslow.core.variant import Edit, Fix, Parameters, Setting
from unslow.core.workload import Model, Target, Workload
from unslow.edits.patch import changed_files

from .workshop import MACHINE

SCRIPT_FACTS = Facts("script", 20, 0.1, 1.0, 1 << 30, 0.1, flat_inputs=False)
WORKLOAD = Workload(Target("script", "/somewhere/train.py", directory="/somewhere"), Model("script"))
RUN = """
import json, sys
from pathlib import Path
from unslow.core.workload import Target
from unslow.fixes import all_fixes
from unslow.scripts.mirror import Mirror
from unslow.scripts.run import run

def plan():
    while True:
        yield

folder = Path(sys.argv[1])
all_fixes()[sys.argv[2]].install(json.loads(sys.argv[3]))
steps = plan()
next(steps)
run(Mirror(folder, folder, folder / "train.py", folder.parent), (), steps, ["step"])
"""


def setting(*loaders: Any, facts: Mapping[str, Any] | None = None, **script: Any) -> Setting:
    """A script of 20 optimizer steps of 0.1 s with these loaders."""
    known = ScriptFacts("optimizer", 20, loaders=tuple(loaders), **script)
    return Setting(WORKLOAD, replace(SCRIPT_FACTS, script=known, **(facts or {})), MACHINE)


def site_of(source: str, text: str) -> dict[str, Any]:
    """The place of the call that is written as `text`, as plain JSON."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.get_source_segment(source, node) == text:
            place = Site("train.py", node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)
            return to_json(place)
    raise AssertionError(f"{text!r} is no call in the source")


def ran(folder: Path, source: str, fix: Fix, parameters: Parameters) -> str:
    """The last line that the script prints with the fix's run-time form."""
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(source)
    return _last_line([sys.executable, "-c", RUN, str(folder), fix.name, json.dumps(to_json(parameters))], folder)


def patched(folder: Path, source: str, fix: Fix, parameters: Parameters) -> tuple[str, str]:
    """The source after the fix's edit, and the last line that it prints, run by Python alone."""
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(source)
    assert fix.edit is not None
    line = run_with(folder, source, fix.edit(parameters))
    return (folder / "train.py").read_text(), line


def run_with(folder: Path, source: str, edits: Sequence[Edit]) -> str:
    """The last line that the source prints after these edits."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text(source)
    for name, text in changed_files(folder, edits, folder).items():
        (folder / name).write_text(text)
    # Isolated from this environment's unslow: what is patched needs none.
    return _last_line([sys.executable, "train.py"], folder)


def both(tmp_path: Path, source: str, fix: Fix, parameters: Parameters) -> tuple[str, str]:
    """The patched source, and the line that both ways end with."""
    text, line = patched(tmp_path / "patched", source, fix, parameters)
    assert "unslow" not in text
    assert ran(tmp_path / "run", source, fix, parameters) == line
    return text, line


def _last_line(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]
