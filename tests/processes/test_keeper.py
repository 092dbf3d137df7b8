"""What a run has started ends with it, whatever it was and however the run ended."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

RUN = """
import json, os, signal, sys, time
from pathlib import Path
from unslow.processes.base import Conditions
from unslow.processes.local import LocalProcesses
from unslow import targets
from unslow.core.jsonable import to_json
from unslow.targets import Declared

folder = Path(sys.argv[1])
os.chdir(folder)
target = targets.locate("serve.py", Declared(arguments=("x",)))
process = LocalProcesses().start(Conditions(folder / "log"))
process.begin("survey", 100.0, target=to_json(target), folder=str(folder / "survey"))
while not (folder / "log").read_text().count("child"):
    time.sleep(0.05)
if sys.argv[2] == "stopped":
    process.suspend()
print("ready", process.pid, flush=True)
time.sleep(600)
"""
SERVE = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("child", child.pid, flush=True)
time.sleep(600)
"""


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("how", ["running", "stopped"])
def test_a_server_of_a_script_ends_when_the_run_is_killed(tmp_path: Path, how: str) -> None:
    (tmp_path / "serve.py").write_text(SERVE)
    (tmp_path / "survey").mkdir()
    run = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path), how], stdout=subprocess.PIPE, text=True)
    try:
        assert run.stdout is not None
        worker = int(run.stdout.readline().split()[1])
        server = int((tmp_path / "log").read_text().split("child ")[1].split()[0])
        assert not gone(worker) and not gone(server)
    finally:
        run.kill()
        run.wait()
        if run.stdout is not None:
            run.stdout.close()
    ends = time.monotonic() + 20
    while time.monotonic() < ends and not (gone(worker) and gone(server)):
        time.sleep(0.05)
    assert gone(worker) and gone(server)
