"""The fix `debug-mode-off`."""

from __future__ import annotations

from pathlib import Path

import pytest

from handmade import noted
from unslow.fixes.debug_mode_off import FIX

from .scripted import both, setting, site_of

SOURCE = """
import torch

torch.autograd.set_detect_anomaly(CALLED)
print(torch.is_anomaly_enabled())
"""


def test_nothing_was_left_on() -> None:
    looked_for = noted("anomaly", call="detect_anomaly", positional=False)
    assert FIX.refuses(setting()) and FIX.refuses(setting(noted=(looked_for,)))


@pytest.mark.parametrize(("written", "after"), [("True", "(False)"), ("mode=True", "(mode=False)")])
def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path, written: str, after: str) -> None:
    source = SOURCE.replace("CALLED", written)
    call = {"site": site_of(source, f"torch.autograd.set_detect_anomaly({written})"), "positional": "=" not in written}
    text, line = both(tmp_path, source, FIX, {"calls": [call]})
    assert line == "False" and f"set_detect_anomaly{after}" in text
