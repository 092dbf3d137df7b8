"""Scripts that copy to another device in their steps, surveyed; `meta` is the device."""

from __future__ import annotations

from pathlib import Path

import pytest
from surveyed import seen

pytestmark = pytest.mark.slow  # each is a survey of some seconds; the rules themselves are tested in tests/habits

LOOP = """
import torch

weights, model = torch.ones(1000, 1000), torch.nn.Linear(4, 4)
for n in range(100000):
    model(torch.ones(1, 4).to(torch.float64).to(torch.device("cpu")).float())
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_types_and_the_same_device_are_no_copies(tmp_path: Path) -> None:
    known = seen(tmp_path, LOOP)
    assert not known.of_kind("copy") and not known.profile.shares["transfer"]


def test_a_tensor_that_changes(tmp_path: Path) -> None:
    known = seen(tmp_path, LOOP + "    weights[0, 0] = n\n    weights.to('meta')\n")
    (copy,) = known.of_kind("copy")
    assert copy.details["looked_at"] == 16 and copy.details["same"] == 0 and not known.found("copied-every-step")
    assert known.profile.shares["transfer"] > 0


def test_the_same_in_every_step(tmp_path: Path) -> None:
    known = seen(tmp_path, LOOP + "    weights.to(device='meta')\n")
    (copy,) = known.of_kind("copy")
    assert copy.direct and (copy.details["target"], copy.details["bytes"]) == ("meta", 4_000_000)
    assert copy.details["same"] == 15 and copy.site.line == 7
    phases = {span.details.get("file", "") for span in known.profile.spans if span.details.get("phase") == "transfer"}
    assert phases == {"train.py"}
