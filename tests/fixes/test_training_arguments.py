"""Fixes of what `transformers.Trainer` makes by itself: they change the user's `TrainingArguments`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handmade import loader, noted
from unslow.core.variant import Fix, Parameters
from unslow.fixes.fused_optimizer import FIX as FUSED
from unslow.fixes.loader_workers import FIX as WORKERS
from unslow.fixes.persistent_workers import FIX as PERSISTENT

from .scripted import both, setting, site_of

CALL = 'TrainingArguments("out", optim="adamw_torch", report_to="none")'
SOURCE = f"""
from transformers import TrainingArguments

arguments = {CALL}
other = TrainingArguments("other")
print(
    arguments.dataloader_num_workers, arguments.dataloader_persistent_workers, str(arguments.optim.value),
    other.dataloader_num_workers, other.dataloader_persistent_workers,
)
"""
ARGUMENTS = {"class": "TrainingArguments", "module": "transformers.training_args", "optim": "adamw_torch"}
ADAMW = {
    "class": "AdamW", "module": "torch.optim.adamw", "tensors": 2, "can_be_fused": True, "fused": False,
    "foreach": False,
}  # fmt: skip


def arguments(**change: Any) -> Any:
    return noted("training-arguments", line=5, **{**ARGUMENTS, **change})


@pytest.mark.parametrize(
    "known",
    [
        (),
        (arguments(direct=False),),
        (arguments(module="__main__"),),
        (arguments(), noted("training-arguments", line=8, **ARGUMENTS)),
    ],
    ids=["none", "a library's", "a class of the script's own", "several"],
)
@pytest.mark.parametrize("fix", [WORKERS, PERSISTENT], ids=["workers", "persistent"])
def test_a_loader_of_a_library_that_nothing_in_the_source_makes(fix: Fix, known: Any) -> None:
    there = loader(direct=False, wait_s=0.08, workers=int(fix is PERSISTENT))
    assert "is made by a library" in fix.refuses(setting(there, noted=known))
    assert not fix.space(setting(there, noted=known))


def test_an_optimizer_of_a_library_that_nothing_in_the_source_makes() -> None:
    made = noted("optimizer", direct=False, **ADAMW)
    for known in ((), (arguments(optim="adafactor"),), (arguments(direct=False),)):
        assert FUSED.refuses(setting(noted=(made, *known)))
    alone = noted("optimizer", **{**ADAMW, "class": "Adam"}, direct=False)
    assert FUSED.refuses(setting(noted=(alone, arguments())))


def test_the_call_is_that_of_the_arguments() -> None:
    (first, *_) = WORKERS.space(setting(loader(direct=False, wait_s=0.08), noted=(arguments(),)))
    assert first["site"]["line"] == 5 and first["arguments"] == "transformers.training_args.TrainingArguments"
    (edit,) = WORKERS.edit(first) if WORKERS.edit else ()
    assert set(edit.keywords) == {"dataloader_num_workers", "dataloader_persistent_workers"}


def test_the_users_own_loader_keeps_its_own_keywords() -> None:
    (first, *_) = WORKERS.space(setting(loader(wait_s=0.08), noted=(arguments(),)))
    assert first["site"]["line"] == 9 and "arguments" not in first


REAL = {"site": site_of(SOURCE, CALL), "arguments": "transformers.training_args.TrainingArguments"}
FUSED_THERE = {"site": REAL["site"], "class": "TrainingArguments", "module": "transformers.training_args"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fix", "parameters", "line", "text"),
    [
        (
            WORKERS, {**REAL, "workers": 2, "persistent": True}, "2 True adamw_torch 0 False",
            ', dataloader_num_workers=2, dataloader_persistent_workers=True)',
        ),
        (PERSISTENT, REAL, "0 True adamw_torch 0 False", ", dataloader_persistent_workers=True)"),
        (
            FUSED, {"optimizers": [{**FUSED_THERE, "set": {"optim": "adamw_torch_fused"}}]},
            "0 False adamw_torch_fused 0 False", 'optim="adamw_torch_fused"',
        ),
    ],
    ids=["workers", "persistent", "fused"],
)  # fmt: skip
def test_the_run_time_form_and_the_edit_come_to_the_same(
    tmp_path: Path, fix: Fix, parameters: Parameters, line: str, text: str
) -> None:
    changed, said = both(tmp_path, SOURCE, fix, parameters)
    assert said == line and text in changed.replace("'", '"')
