"""Devices, as a profile shows them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from made_devices import PINNED, activity, profile

from unslow.report.json import profile_json
from unslow.report.terminal import as_text

SEEN = profile(activity(0, 600), activity(500, 300, "copy", **PINNED))
SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "profile-1.json"


def test_how_busy_each_was() -> None:
    (device,) = profile_json(SEEN)["profile"]["devices"]
    assert (device["name"], device["kernels"], device["steps"]) == ("GPU 0", 1, 0)
    assert device["busy_share"] == pytest.approx(0.8) and device["copy_share"] == pytest.approx(0.3)
    assert device["kernel_share"] == pytest.approx(0.6) and device["communication_share"] == 0


def test_the_json_is_as_its_schema_says() -> None:
    jsonschema.validate(json.loads(json.dumps(profile_json(SEEN))), json.loads(SCHEMA.read_text()))


def test_in_a_terminal_one_line_each() -> None:
    assert "GPU 0: busy 80 % of 1 ms; kernels 60 %, copies 30 %" in as_text(SEEN)
