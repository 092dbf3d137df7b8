"""Any recording, ours or another's, to a `Profile`: one file a format, found by walking this package."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from unslow.core.discover import plugins
from unslow.core.errors import BadInput
from unslow.core.profile import BrokenProfile, Profile
from unslow.read._files import AGAIN, head_of
from unslow.read._reader import Reader
from unslow.read._recorded import facts_of

__all__ = ["facts_of", "read", "reader_of"]


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


def _readers() -> dict[str, Reader]:
    return cast("dict[str, Reader]", plugins("unslow.read", "READER", Reader))


def read(path: Path) -> Profile:
    """The profile of the recording at `path`, by the first reader (by name) that knows the file's first bytes.

    Raises
    ------
    BadInput
        No such file, no reader knows it, or it is damaged.
    """
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
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput(f"{path} is no valid recording of the kind {fitting.name}: {first}", AGAIN) from error
