"""The fix `buffer-io`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unslow.core.jsonable import from_json
from unslow.core.script import Site, Written
from unslow.fixes.buffer_io import FIX

from .scripted import both, setting, site_of

SOURCE = """
import torch

saved = []
torch.serialization._open_zipfile_writer_file  # a file is written each time
for step in range(4):
    torch.save({"step": step}, "checkpoint.pt")
    torch.save({"step": step}, f"other-{step}.pt")
from pathlib import Path
print(torch.load("checkpoint.pt")["step"], len(list(Path().glob("other-*.pt"))))
"""
SITE = Site("train.py", 7)


def saved(**fields: Any) -> Written:
    return replace(Written("checkpoint", SITE, 1.0, 0.05, call="torch.serialization.save"), **fields)


def test_it_asks_first() -> None:
    assert FIX.asks(setting())


def test_nothing_is_written_in_the_steps() -> None:
    rare = saved(calls_per_step=0.01, seconds_per_step=1e-5)
    pickled = saved(call="pickle.dump")
    logged = Written("log", SITE, 1.0, 0.05, call="Logger.handle")
    assert FIX.refuses(setting()) and FIX.refuses(setting(written=(rare, saved(direct=False), pickled, logged)))


def test_what_goes_into_a_file_that_may_be_closed_later_is_left() -> None:
    assert "opened by itself" in FIX.refuses(setting(written=(saved(into_open_file=True),)))
    assert "a log" in FIX.refuses(setting(written=(Written("log", SITE, 1.0, 0.05),)))


def test_all_calls_at_once() -> None:
    said = Written("print", Site("train.py", 9), 1.0, 0.001, call="builtins.print")
    known = setting(written=(saved(), said))
    (parameters,) = FIX.space(known)
    assert [call["every_s"] for call in parameters["calls"]] == [30.0, 1.0]


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    call = {
        "site": site_of(SOURCE, 'torch.save({"step": step}, "checkpoint.pt")'),
        "every_s": 30.0,
        "call": "torch.serialization.save",
    }
    text, line = both(tmp_path, SOURCE, FIX, {"calls": [call]})
    assert line == "0 4"  # the first alone, as yet; the other line's are untouched
    assert 'rarely(torch.save, every_s=30)({"step": step}, "checkpoint.pt")' in text
    assert from_json(Site, call["site"]).line == 7


@pytest.mark.parametrize("name", ["save", "savez", "savez_compressed", "savetxt"])
def test_numpys_functions_that_save(tmp_path: Path, name: str) -> None:
    source = f"""
import numpy
from pathlib import Path

for step in range(4):
    numpy.{name}(f"row-{{step}}", numpy.arange(3))
print(len(list(Path().glob("row-*"))))
"""
    call = {
        "site": site_of(source, f'numpy.{name}(f"row-{{step}}", numpy.arange(3))'),
        "every_s": 30.0,
        "call": f"numpy.{name}",
    }
    _, line = both(tmp_path, source, FIX, {"calls": [call]})
    assert line == "1"


def test_the_last_one_is_there_when_the_program_has_ended(tmp_path: Path) -> None:
    import torch

    call = {
        "site": site_of(SOURCE, 'torch.save({"step": step}, "checkpoint.pt")'),
        "every_s": 30.0,
        "call": "torch.serialization.save",
    }
    both(tmp_path, SOURCE, FIX, {"calls": [call]})
    assert torch.load(tmp_path / "patched" / "checkpoint.pt")["step"] == 3
