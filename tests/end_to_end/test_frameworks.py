"""`unslow fix` on scripts that Trainer, Lightning and Accelerate train, and on one of NumPy alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commands import unslow

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCRIPTS = Path(__file__).parents[1] / "survey" / "frameworks"
PLAUSIBLE = {
    "trainer": {"cores-idle", "uncompiled-graph", "python-bound", "launch-bound", "tiny-batches"},
    "lit": {"cores-idle", "loader-in-main-process", "decoding-repeated", "slow-dataset-item", "python-bound"},
    "accelerated": {"cores-idle", "loader-in-main-process", "decoding-repeated", "slow-dataset-item", "io-in-the-loop"},
    "descent": {"cores-idle", "compute-bound", "float64-compute"},
}
"""What may come first of each, for it takes most of the time."""
UNITS = "matrix-units-unused"
"""It may where the processor has units for 16-bit products, and other programs have its cores."""


def fixed(folder: Path, source: str, *options: str) -> dict[str, Any]:
    """The report of a run on the script train.py, which leaves its folder as it is."""
    folder.mkdir()
    (folder / "train.py").write_text(source, encoding="utf-8")
    out = folder.parent / "run"
    done = unslow(folder, "fix", "train.py", *options, "--out", out, timeout_s=600)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert {path.name for path in folder.iterdir()} == {"cache", "train.py"}  # the cache is this test's
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(PLAUSIBLE))
def test_it_ends_well(tmp_path: Path, name: str) -> None:
    report = fixed(tmp_path / "project", (SCRIPTS / f"{name}.py").read_text(encoding="utf-8"), "--budget", "1m")
    assert report["findings"][0]["habit"] in PLAUSIBLE[name] | {UNITS}
    assert all(trial["verdict"] != "failed" for trial in report["trials"])


def test_a_trainer_whose_items_are_waited_for_gets_workers(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    source = (SCRIPTS / "trainer.py").read_text(encoding="utf-8")
    waits = source.replace("        return {\n", "        time.sleep(0.01)\n        return {\n", 1)
    waits = waits.replace("import sys\n", "import sys\nimport time\n", 1)
    report = fixed(folder, waits, "--only", "loader-workers", "--budget", "150s")
    winner = next(trial for trial in report["trials"] if trial["id"] == report["winner"])
    assert winner["speedup"]["low"] > 1.02
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "apply", report["patch"]], cwd=folder, check=True)
    patched = (folder / "train.py").read_text(encoding="utf-8")
    assert "dataloader_num_workers=" in patched and "trainer.train()" in patched
    ran = subprocess.run([sys.executable, "train.py", "4"], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.stdout.endswith("trained\n"), ran.stderr
