"""The fix `buffer-io`."""

from __future__ import annotations

from pathlib import Path

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


def test_it_asks_first() -> None:
    assert FIX.asks(setting())


def test_nothing_is_written_in_the_steps() -> None:
    rare = Written("checkpoint", SITE, 0.01, 1e-5)
    by_a_library = Written("checkpoint", SITE, 1.0, 0.05, direct=False)
    logged = Written("log", SITE, 1.0, 0.05)
    assert FIX.refuses(setting()) and FIX.refuses(setting(written=(rare, by_a_library, logged)))


def test_all_calls_at_once() -> None:
    known = setting(written=(Written("checkpoint", SITE, 1.0, 0.05), Written("print", Site("train.py", 9), 1.0, 0.001)))
    (parameters,) = FIX.space(known)
    assert [call["every_s"] for call in parameters["calls"]] == [30.0, 1.0]


def test_the_run_time_form_and_the_edit_come_to_the_same(tmp_path: Path) -> None:
    call = {
        "site": site_of(SOURCE, 'torch.save({"step": step}, "checkpoint.pt")'),
        "every_s": 30.0,
        "kind": "checkpoint",
    }
    text, line = both(tmp_path, SOURCE, FIX, {"calls": [call]})
    assert line == "0 4"  # the first alone, as yet; the other line's are untouched
    assert 'rarely(torch.save, every_s=30)({"step": step}, "checkpoint.pt")' in text
    assert from_json(Site, call["site"]).line == 7


def test_the_last_one_is_there_when_the_program_has_ended(tmp_path: Path) -> None:
    import torch

    call = {
        "site": site_of(SOURCE, 'torch.save({"step": step}, "checkpoint.pt")'),
        "every_s": 30.0,
        "kind": "checkpoint",
    }
    both(tmp_path, SOURCE, FIX, {"calls": [call]})
    assert torch.load(tmp_path / "patched" / "checkpoint.pt")["step"] == 3
