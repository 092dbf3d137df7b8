"""Scripts that load a model in their steps, surveyed."""

from __future__ import annotations

from pathlib import Path

import pytest
from surveyed import seen

pytestmark = pytest.mark.slow  # each is a survey of some seconds; the rules themselves are tested in tests/habits

LOADED_ONCE = """
import torch

torch.save(torch.nn.Linear(50, 50).state_dict(), "model.pt")
model = torch.nn.Linear(50, 50)
model.load_state_dict(torch.load("model.pt"))
while True:
    model(torch.ones(200, 50))
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_once_before_the_loop(tmp_path: Path) -> None:
    known = seen(tmp_path, LOADED_ONCE)
    assert len(known.of_kind("load")) == 1 and not known.found("model-reloaded-per-call")


def test_in_every_step(tmp_path: Path) -> None:
    source = LOADED_ONCE.replace("    model(", '    model.load_state_dict(torch.load("model.pt"))\n    model(')
    known = seen(tmp_path, source)
    (finding,) = known.found("model-reloaded-per-call")
    assert finding.site == "train.py:8" and finding.evidence["file"] == "model.pt"
    assert finding.evidence["loads_per_step"] == pytest.approx(1, abs=0.2)


def test_from_pretrained_is_one_load(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    source = """
        import torch
        from transformers import AutoModel, BertConfig, BertModel

        sizes = dict(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
        BertModel(BertConfig(**sizes)).save_pretrained("kept")
        while True:
            AutoModel.from_pretrained("kept")(input_ids=torch.ones(1, 4, dtype=torch.long))
    """
    known = seen(tmp_path, source)
    (call,) = [load for load in known.of_kind("load") if load.site.line == 8]
    assert call.direct and call.details["call"].endswith("from_pretrained") and call.details["again"] > 1
