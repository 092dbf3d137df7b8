"""Everything in `bench/results` as one page of Markdown: the bars, then the peers, then the exhaustive searches.

python -m bench.table > bench/results/README.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench._common import BAR_SCHEMA, RESULTS


def main() -> None:
    sys.stdout.write(page(RESULTS))


def page(folder: Path) -> str:
    """The page of the results in a folder; says so where there are none."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    bars = [result for result in found if result.get("schema") == BAR_SCHEMA]
    searches = [result for result in found if result.get("schema") == "unslow.bench.exhaustive/1"]
    peers = [path.read_text() for path in sorted(folder.glob("peers-*.md"))]
    parts = [bars_table(bars), *peers, searches_table(searches)]
    return "\n".join(part for part in parts if part) or "No results yet: see bench/README.md.\n"


def bars_table(bars: Sequence[Mapping[str, Any]]) -> str:
    """One row a bar; "" without any."""
    if not bars:
        return ""
    rows = [
        (bar["what"], bar["limit"], _value(bar), "pass" if bar["passed"] else "**miss**", bar["machine"]["at"][:10])
        for bar in bars
    ]
    return _table(("what", "bar", "reached", "", "measured"), rows)


def searches_table(searches: Sequence[Mapping[str, Any]]) -> str:
    """One row an exhaustive search; "" without any."""
    if not searches:
        return ""
    rows = [(s["example"], str(s["variants"]), f"{s['seconds'] / 60:.0f} min", _best(s)) for s in searches]
    return _table(("exhaustive search", "variants", "took", "best that is kept"), rows)


def _best(search: Mapping[str, Any]) -> str:
    entries = {_identity(entry): entry for entry in search["entries"]}
    best = entries.get(search["best"] or "")
    return " + ".join(fix["name"] for fix in best["heat"]["variant"]["fixes"]) if best else "the original"


def _identity(entry: Mapping[str, Any]) -> str:
    from unslow.core.jsonable import from_json
    from unslow.core.variant import Variant

    return from_json(Variant, entry["heat"]["variant"]).id


def _value(bar: Mapping[str, Any]) -> str:
    interval = "" if bar["low"] is None else f" ({float(bar['low']):.3g} to {float(bar['high']):.3g})"
    return f"{float(bar['value']):.3g}{bar['unit']}{interval}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    main()
