"""The fix `batch-size` on a script that trains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handmade import loader, noted
from unslow.core.script import LoaderFacts, Noted
from unslow.core.variant import Setting
from unslow.fixes._script import steps_in_one
from unslow.fixes.batch_size import FIX

from .scripted import SCRIPT_FACTS, WORKLOAD, both, setting, site_of
from .workshop import FakeWorkshop

BATCHES = loader(batch_size=16, items=16_000, batches_per_epoch=1000, batches=20)
SGD = {"class": "SGD", "module": "torch.optim.sgd", "lr": 0.1}
ADAM = {"class": "AdamW", "module": "torch.optim.adamw", "lr": 0.001}
SOURCE = """
import torch
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.arange(64.0))
loader = DataLoader(data, 4, shuffle=False)
model = torch.nn.Linear(2, 2)
rate = 0.5
optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9)
other = torch.optim.Adam(model.parameters())
third = torch.optim.Adam(model.parameters(), lr=rate / 5)
print(len(loader), *(one.defaults["lr"] for one in (optimizer, other, third)))
"""


def of(known: LoaderFacts = BATCHES, *optimizers: Noted, **script: Any) -> Setting:
    made = optimizers or (noted("optimizer", **SGD),)
    return setting(known, noted=made, **{"has_losses": True, "period": known.batches_per_epoch, **script})


def times(case: Setting) -> list[int]:
    return [one["times"] for one in FIX.space(case) if "rates" in one]


def test_it_waits_for_the_users_word() -> None:
    assert "changes the training" in FIX.asks(of())
    assert FIX.tag_with is not None and FIX.tag_with(FIX.space(of())[0]) == "lossy"


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (setting(has_losses=True), "does not train on the batches"),
        (of(whole_runs="it ends after 3 steps"), "samples cannot be counted"),
        (of(has_losses=False), "no losses"),
        (of(replace(BATCHES, batches=80)), "summed over several"),
        (of(replace(BATCHES, direct=False)), "made by a library"),
        (of(replace(BATCHES, items=160, batches_per_epoch=10)), "too few samples"),
        (of(replace(BATCHES, item_bytes=1 << 30)), "too little memory"),
    ],
)
def test_what_cannot_have_larger_batches(case: Setting, why: str) -> None:
    assert why in FIX.refuses(case) and not FIX.space(case)


def test_epochs_that_larger_batches_do_not_fill_are_measured_whole_or_not_at_all() -> None:
    uneven = replace(BATCHES, items=16 * 51, batches_per_epoch=51)
    assert times(of(uneven)) == [4, 2]  # 51 steps of 0.1 s: longer than a turn may be, but in 10 s
    assert times(of(replace(uneven, items=16 * 51 + 3))) == []  # Its last batch is dropped: epochs would be shorter.
    assert times(of(replace(uneven, items=16 * 151, batches_per_epoch=151))) == []
    assert times(of(replace(uneven, items=16 * 152, batches_per_epoch=152))) == [4, 8, 2]


def test_the_rate_goes_with_the_size() -> None:
    first, *_, last = FIX.space(of())
    assert (first["size"], first["times"], first["rates"][0]["times"]) == (64, 4, 4)
    assert last["size"] == 32 and "rates" not in last
    assert FIX.space(of(BATCHES, noted("optimizer", **ADAM)))[0]["rates"][0]["times"] == 2


@pytest.mark.parametrize("change", [{"class": "Lion"}, {"module": "own"}, {"lr": 0.0}, {"direct": False}])
def test_a_rate_that_cannot_be_set_is_left_as_it_is(change: dict[str, Any]) -> None:
    both_made = noted("optimizer", **ADAM), noted("optimizer", line=9, **{**SGD, **change})
    assert not any("rates" in one for one in FIX.space(of(BATCHES, *both_made)))


def test_samples_are_counted(tmp_path: Path) -> None:
    changed = FIX.apply(WORKLOAD, FIX.space(of())[0], FakeWorkshop(tmp_path, SCRIPT_FACTS))
    assert steps_in_one(changed) == 4 and steps_in_one(WORKLOAD) == 1


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    sgd, adam, third = (
        {**about, "site": site_of(SOURCE, text), "name": "lr", "default": default, "times": by}
        for about, text, default, by in (
            (SGD, "torch.optim.SGD(model.parameters(), rate, momentum=0.9)", 0.5, 4.0),
            ({**ADAM, "class": "Adam", "module": "torch.optim.adam"}, "torch.optim.Adam(model.parameters())", 0.001, 2),
            (
                {**ADAM, "class": "Adam", "module": "torch.optim.adam"},
                "torch.optim.Adam(model.parameters(), lr=rate / 5)", 0.1, 2,
            ),
        )
    )  # fmt: skip
    place = site_of(SOURCE, "DataLoader(data, 4, shuffle=False)")
    text, line = both(tmp_path, SOURCE, FIX, {"site": place, "size": 16, "times": 4, "rates": [sgd, adam, third]})
    assert line == "4 2.0 0.002 0.2"
    assert "DataLoader(data, 16, shuffle=False)" in text
    assert "SGD(model.parameters(), rate * 4, momentum=0.9)" in text
    assert "Adam(model.parameters(), lr=0.001 * 2)" in text and "lr=(rate / 5) * 2)" in text
