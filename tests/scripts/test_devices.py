"""`with torch.device(…):` in a script whose constructors are watched, or changed by a fix."""

from __future__ import annotations

import subprocess
import sys

SOURCE = """
import json, sys
from unslow.scripts.notes import Notes, watch_all
from unslow.fixes.float32 import FIX

if sys.argv[1] == "watched":
    watch_all(Notes())
else:
    site = {"file": "train.py", "line": 1, "column": 0, "end_line": 1, "end_column": 9}
    FIX.install({"calls": [{"site": site, "call": call} for call in ("tensor", "as_tensor", "from_numpy")]})
import torch

with torch.device("meta"):
    print(torch.tensor([1.0]).device, torch.as_tensor([1.0]).device, torch.zeros(1).device)
"""


def _said(how: str) -> str:
    done = subprocess.run([sys.executable, "-c", SOURCE, how], capture_output=True, text=True, timeout=100, check=True)
    return done.stdout.strip()


def test_they_are_made_where_the_script_wants_them() -> None:
    assert _said("watched") == _said("fixed") == "meta meta meta"
