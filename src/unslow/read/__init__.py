"""Any recording, ours or another's, to a `Profile`: one file a format, found by walking this package."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from unslow.core.discover import plugins
from unslow.core.errors import BadInput
from unslow.core.profile import BrokenProfile, Profile
from unslow.read._files import AGAIN, head_of
from unslow.read._reader import Reader


def read(path: Path) -> Profile:
    """The profile of the recording at `path`, by the first reader (by name) that knows the file's first bytes.

    Raises
    ------
    BadInput
        No such file, no reader knows it, or it is damaged.
    """
    head = head_of(path)
    readers = cast("dict[str, Reader]", plugins("unslow.read", "READER", Reader))
    fitting = next((reader for reader in readers.values() if reader.sniff(head)), None)
    if fitting is None:
        raise BadInput(
            f"{path} is no recording that unslow knows.", f"It reads recordings of these kinds: {', '.join(readers)}."
        )
    try:
        return fitting.read(path).self_check()
    except BrokenProfile as error:
        raise BadInput(f"{path} contradicts itself: {error.what}", AGAIN) from error
    except (TypeError, ValueError, LookupError, ArithmeticError) as error:
        # Readers check the fields they are built on; a damaged file can be wrong in any other one too.
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput(f"{path} is no valid recording of the kind {fitting.name}: {first}", AGAIN) from error
