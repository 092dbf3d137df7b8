"""Where in the user's own source a call stands: the innermost frame that is neither a library's nor ours."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from types import CodeType, FrameType

from unslow.core.script import Site

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_root = os.sep


@dataclass(frozen=True)
class Called:
    """The place, and whether the user's own source makes the call itself (not a library on its behalf)."""

    site: Site
    direct: bool


def set_root(folder: str) -> None:
    """Files below this folder are the user's own; their places are given relative to it."""
    global _root
    _root = os.path.join(os.path.realpath(folder), "")


def called_from(skip: int = 1, making: object = None) -> Called | None:
    """The place of the call that `skip` of our own frames stand in; None where no frame is the user's.

    The constructors of `making`, of which one calls the next, count as one call, whoever has put one around another.
    """
    frame: FrameType | None = sys._getframe(skip + 1)  # pyright: ignore[reportPrivateUsage]
    direct = True
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_root):
            return Called(_site(frame, name), direct)
        direct = direct and (name.startswith(_OURS) or _makes(frame, making))
        frame = frame.f_back
    return None


def frame_from(skip: int = 1) -> FrameType | None:
    """As `called_from`, as the frame alone: who is called often looks the rest up once per place of the code."""
    frame: FrameType | None = sys._getframe(skip + 1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and not frame.f_code.co_filename.startswith(_root):
        frame = frame.f_back
    return frame


def frame_of_users(frame: FrameType | None) -> FrameType | None:
    """The user's innermost frame, of a stack from its innermost frame on."""
    while frame is not None and not frame.f_code.co_filename.startswith(_root):
        frame = frame.f_back
    return frame


def direct_frame(skip: int = 1, through: str = _OURS) -> FrameType | None:
    """The user's frame that makes the call itself; None where a library makes it. Cheap, for what is called often.

    Frames of files whose path has `through` in it are part of the call (a library's own decorators of what is called).
    """
    frame: FrameType | None = sys._getframe(skip + 1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and (frame.f_code.co_filename.startswith(_OURS) or through in frame.f_code.co_filename):
        frame = frame.f_back
    return frame if frame is not None and frame.f_code.co_filename.startswith(_root) else None


def called_by_users(skip: int = 1) -> FrameType | None:
    """A library's frame that the user's innermost one has called; None where that calls ours, or there is no user's."""
    frame: FrameType | None = sys._getframe(skip + 1)  # pyright: ignore[reportPrivateUsage]
    called = None
    while frame is not None and not frame.f_code.co_filename.startswith(_root):
        called = called if frame.f_code.co_filename.startswith(_OURS) else frame
        frame = frame.f_back
    return called if frame is not None else None


def _makes(frame: FrameType, making: object) -> bool:
    """Whether what is made is the first argument of the function, as it is of `__init__` and of what wraps that."""
    code = frame.f_code
    return making is not None and code.co_argcount > 0 and frame.f_locals.get(code.co_varnames[0]) is making


def is_users(frame: FrameType) -> bool:
    """Whether the code of this frame is in the user's own source."""
    return frame.f_code.co_filename.startswith(_root)


def line_from(skip: int = 1) -> str:
    """As `called_from`, as "file:line" alone and much cheaper; "" where no frame is the user's."""
    frame: FrameType | None = sys._getframe(skip + 1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_root):
            return f"{name[len(_root) :]}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def stack_of(frame: FrameType | None, deepest: int = 64) -> tuple[str, ...]:
    """ "file:line function" from the user's outermost frame inwards, without ours; () where no frame is the user's.

    The user's files are relative to the root, those of libraries are not.
    """
    names: list[str] = []
    users = 0  # How many frames lie within the user's outermost one.
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_OURS):
            is_users = name.startswith(_root)
            names.append(f"{name[len(_root) :] if is_users else name}:{line_of(frame)} {frame.f_code.co_name}")
            users = len(names) if is_users else users
        frame = frame.f_back
    return tuple(reversed(names[:users][:deepest]))


def line_of(frame: FrameType) -> int:
    """The line that a frame is at; of an instruction that belongs to none (the jump back of a loop, where a thread may
    have to give the interpreter up) that of the last one before it that does."""
    if frame.f_lineno is not None:  # pyright: ignore[reportUnnecessaryComparison]
        return frame.f_lineno
    last = frame.f_code.co_firstlineno
    for start, _, line in frame.f_code.co_lines():
        if start > frame.f_lasti:
            break
        last = line or last
    return last


def own_name(file: str) -> str:
    """The user's own file relative to the root; "" for anybody else's."""
    return file[len(_root) :] if file.startswith(_root) else ""


def own_site(code: CodeType) -> Site | None:
    """The lines of a function of the user's own; None of anybody else's."""
    name = code.co_filename
    lines = [line for _, _, line in code.co_lines() if line is not None]
    return Site(name[len(_root) :], code.co_firstlineno, 0, max(lines, default=0)) if name.startswith(_root) else None


def called_in(frame: FrameType) -> Called:
    """The call that a frame of the user's own is making."""
    return Called(_site(frame, frame.f_code.co_filename), direct=True)


_sites: dict[tuple[int, int], tuple[object, Site]] = {}
"""By code and instruction, for a place is asked for in every step; the code is held, so that its id stays its own."""


def _site(frame: FrameType, name: str) -> Site:
    key = id(frame.f_code), frame.f_lasti
    known = _sites.get(key)
    if known is None:
        positions = list(frame.f_code.co_positions())
        line, end_line, column, end_column = positions[frame.f_lasti // 2]
        site = Site(name[len(_root) :], line or frame.f_lineno, column or 0, end_line or 0, end_column or 0)
        known = _sites[key] = frame.f_code, site
    return known[1]
