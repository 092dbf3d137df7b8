"""Every example builds in a fresh process and answers; its metric, where it has one, is what its authors report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.examples, pytest.mark.timeout(300)]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPT = """
import json, sys
from pathlib import Path
from unslow import targets
from unslow.survey.run import survey
seen = survey(targets.locate(sys.argv[1]), Path(sys.argv[2]))
facts = seen.facts
print("SEEN", json.dumps([facts.framework, facts.requests, facts.evaluation_requests, facts.stochastic, facts.carried]))
"""
CASES = {
    "sentence_encoder/workload.py:encoder": "torch",
    "sentence_encoder/workload.py:encoder_text": "torch",
    "image_classifier/workload.py:classifier": "torch",
    "image_classifier/workload.py:classifier_agreement": "torch",
    "file_type/workload.py:file_type": "onnx",
    "voice_activity/workload.py:voice_activity": "onnx",
}


@pytest.mark.parametrize(("name", "framework"), CASES.items())
def test_an_example_builds_and_is_understood(name: str, framework: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(EXAMPLES / name), str(tmp_path)], capture_output=True, text=True, check=False
    )
    if "is not installed" in ran.stderr or "asterisk" in ran.stderr:
        pytest.skip(ran.stderr.strip().splitlines()[-1])
    line = next((line for line in ran.stdout.splitlines() if line.startswith("SEEN")), None)
    assert line is not None, ran.stderr
    found, requests, judged, stochastic, carried = json.loads(line.removeprefix("SEEN"))
    assert (found, stochastic) == (framework, False)
    assert requests >= 100
    assert judged >= 20
    assert carried is ("voice" in name)
