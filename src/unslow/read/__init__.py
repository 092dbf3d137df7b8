"""Any recording, ours or another's, to a `Profile`: one file a format, found by walking this package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from unslow.core.discover import plugins
from unslow.core.errors import BadInput
from unslow.core.profile import BrokenProfile, Profile
from unslow.read._files import AGAIN, content_of, first_line, head_of
from unslow.read._ranks import HEAD_BYTES, Ranked, merged, one_a_rank, ranked
from unslow.read._reader import Reader
from unslow.read._recorded import facts_of

__all__ = ["facts_of", "read", "reader_of", "recordings_in"]


REPORTS = (".nsys-rep", ".qdrep")


def reader_of(path: Path) -> Reader | None:
    """The first reader (by name) that knows the file's first bytes; None where none does. Raises `BadInput` where there
    is no such file."""
    if path.suffix in REPORTS and path.is_file():
        raise BadInput(
            f"{path} is a report of Nsight Systems, which only its own tools can open.",
            f"Write it as SQLite, and name that: nsys export --type sqlite --output {path.stem}.sqlite {path}",
        )
    head = head_of(path)
    return next((reader for reader in _readers().values() if reader.sniff(head)), None)


def recordings_in(folder: Path) -> list[Path]:
    """The files in a folder that a reader knows, by name; without what is in folders within it."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix not in REPORTS)
    return [path for path in files if path.stat().st_size and reader_of(path) is not None]


def _readers() -> dict[str, Reader]:
    return cast("dict[str, Reader]", plugins("unslow.read", "READER", Reader))


def read(path: Path) -> Profile:
    """The profile of the recording at `path`, by the first reader (by name) that knows the file's first bytes; of a
    folder, that of all recordings in it, one a rank.

    Raises
    ------
    BadInput
        No such file, no reader knows it, or it is damaged.
    """
    if path.is_dir():
        return _read_ranks(path)
    fitting = reader_of(path)
    if fitting is None:
        raise BadInput(
            f"{path} is no recording that unslow knows.",
            f"It reads recordings of these kinds: {', '.join(_readers())}.",
        )
    try:
        return fitting.read(path).self_check()
    except BrokenProfile as error:
        raise BadInput(f"{path} contradicts itself: {error.what}", AGAIN) from error
    except (TypeError, ValueError, LookupError, ArithmeticError) as error:
        # Readers check the fields they are built on; a damaged file can be wrong in any other one too.
        what = f"{path} is no valid recording of the kind {fitting.name}: {first_line(error)}"
        raise BadInput(what, AGAIN) from error


def _read_ranks(folder: Path) -> Profile:
    """Of all recordings in a folder, which must be of one kind."""
    files = recordings_in(folder)
    if not files:
        raise BadInput(f"{folder} holds no recording that unslow knows.", "Name a file, or the folder that it lies in.")
    if len(files) == 1:
        return read(files[0])
    chosen = one_a_rank([ranked(path, content_of(path, HEAD_BYTES)) for path in files])
    profiles = {rank: read(one.path) for rank, one in chosen.items()}
    if len({profile.source for profile in profiles.values()}) > 1:
        names = ", ".join(path.name for path in files[:4])
        raise BadInput(f"{folder} holds recordings of several kinds ({names}).", "Name one of them.")
    return merged(profiles, _notes(folder, files, list(chosen.values()))).self_check()


def _notes(folder: Path, files: Sequence[Path], chosen: Sequence[Ranked]) -> list[str]:
    notes: list[str] = []
    if any(one.rank is None for one in chosen):
        notes.append(f"Recordings in {folder} do not name their rank: ranks go by the files' names.")
    if len(files) > len(chosen):
        notes.append(f"Of {len(files)} recordings the last of each rank was read.")
    world = max(one.world for one in chosen)
    if world > len(chosen):
        notes.append(f"{len(chosen)} of {world} ranks were recorded: who waits for the others is not known.")
    return notes
