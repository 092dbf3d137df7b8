"""The frozen grids: what the exhaustive search measures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench._common import GRIDS
from unslow.core.errors import BadInput
from unslow.core.jsonable import from_json, to_json
from unslow.core.variant import Applied, Variant

SCHEMA = "unslow.bench.grid/1"


def grid_path(example: str) -> Path:
    return GRIDS / f"{example}.json"


def read_grid(example: str) -> list[Variant]:
    """The variants of an example's grid, in the file's order.

    Raises
    ------
    BadInput
        There is none, or it is of another version.
    """
    path = grid_path(example)
    if not path.is_file():
        raise BadInput(f"There is no grid {path}.", f"Make it: python -m bench.make_grids {example}")
    data = json.loads(path.read_text())
    if data.get("schema") != SCHEMA:
        raise BadInput(f"{path} is {data.get('schema')!r}, not {SCHEMA!r}.", "Make it again.")
    return [Variant(from_json(tuple[Applied, ...], fixes)) for fixes in data["variants"]]  # pyright: ignore[reportArgumentType]


def grid_json(example: str, variants: Sequence[Variant], made_with: Mapping[str, Any]) -> str:
    """The file's text: one variant a line, so that what changes can be read."""
    lines = [json.dumps(to_json(variant.fixes)) for variant in variants]
    head = json.dumps({"schema": SCHEMA, "example": example, "made_with": to_json(made_with)}, indent=1)[:-2]
    body = ",\n  ".join(lines)
    return f'{head},\n "variants": [\n  {body}\n ]\n}}\n'
