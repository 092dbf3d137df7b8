"""What a line of the user's own computes with: the element types of the arrays that it names."""

from __future__ import annotations

import dis
import sys
from types import CodeType, FrameType
from typing import Any, final

from unslow.scripts.sites import frame_of_users, line_of, own_name

LOOKS = 3
"""Of each line: its arrays seldom change their type."""


@final
class Operands:
    """Elements by dtype of the NumPy arrays that lines name, by "file:line"; the most that was seen of each."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, int]] = {}
        self._looks: dict[tuple[CodeType, int], int] = {}

    def look(self, frame: FrameType | None) -> None:
        """At the line of the user's innermost frame."""
        numpy: Any = sys.modules.get("numpy")
        frame = frame_of_users(frame)
        if frame is None or not hasattr(numpy, "ndarray"):
            return
        key = frame.f_code, line_of(frame)
        self._looks[key] = looks = self._looks.get(key, 0) + 1
        if looks > LOOKS:
            return
        elements: dict[str, int] = {}
        for name in _names_at(*key):
            value: Any = frame.f_locals.get(name, frame.f_globals.get(name))
            if isinstance(value, numpy.ndarray) and value.ndim:
                elements[value.dtype.name] = elements.get(value.dtype.name, 0) + int(value.size)
        known = self.found.setdefault(f"{own_name(frame.f_code.co_filename)}:{key[1]}", {})
        for dtype, size in elements.items():
            known[dtype] = max(size, known.get(dtype, 0))


def _names_at(code: CodeType, line: int) -> set[str]:
    """The names that are read on a line."""
    found: set[str] = set()
    for instruction in dis.get_instructions(code):
        at = instruction.positions.lineno if instruction.positions is not None else None
        if at == line and instruction.opname.startswith(("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF")):
            found.update([instruction.argval] if isinstance(instruction.argval, str) else instruction.argval)
    return found
