"""Text from outside, safe to show: nothing in it moves a cursor, turns the reading direction or fails to encode."""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_JOINERS = {"\u200c", "\u200d", "\u00ad"}
"""Format characters that scripts and emoji need; they move nothing."""


def plain(text: object, most: int = 0, lines: bool = False) -> str:
    """`text` with control, bidirectional and unpaired characters replaced by U+FFFD, white space folded to one blank.

    `lines` keeps line breaks and indentation. Longer than `most` (0: any length), the middle is left out.
    """
    raw = str(text)
    kept = "".join(_shown(character, lines) for character in raw.replace("\r\n", "\n").expandtabs(4))
    folded = kept.strip("\n") if lines else " ".join(kept.split())
    if most and len(folded) > most:
        head = most * 2 // 3
        folded = f"{folded[:head]}…{folded[len(folded) - (most - head - 1) :]}"
    return folded


def _shown(character: str, lines: bool) -> str:
    if character.isspace():
        return "\n" if character == "\n" and lines else " "
    hidden = unicodedata.category(character) in _HIDDEN and character not in _JOINERS
    return "\ufffd" if hidden else character
