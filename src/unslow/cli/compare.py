"""Says whether B is faster than A, by how much, and how sure that is."""

from __future__ import annotations

import json
from typing import Any

import click

from unslow.cli._options import about_measuring

HELP = """Times two targets in turns, each in fresh processes of its own.

\b
Examples:
  unslow compare old.py:model new.py:model
  unslow compare model.onnx unslow-runs/model-20260101-120000/bundle
  unslow compare main.py:answer branch.py:answer --require faster
"""


@click.command(help=HELP)
@click.argument("a")
@click.argument("b")
@about_measuring
@click.option("--trust", is_flag=True, help="Load files that can run code.")
@click.option("--require", type=click.Choice(["faster", "not-slower"]), default=None, help="Exit with 1 unless B is.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (schema unslow.comparison/1).")
def compare(a: str, b: str, memory: int, require: str | None, as_json: bool, trust: bool, **chosen: Any) -> int:
    from rich.console import Console

    from unslow.core.options import Options
    from unslow.report.json import comparison_json
    from unslow.report.terminal import TerminalListener, comparison_view
    from unslow.targets import Declared, locate
    from unslow.verbs.compare import compare as duel

    targets = [locate(text, Declared(trust=trust)) for text in (a, b)]
    console = Console(stderr=as_json, highlight=False)
    with TerminalListener(console) as listener:
        result = duel(*targets, options=Options(memory_bytes=memory, **chosen), listener=listener)
    if as_json:
        click.echo(json.dumps(comparison_json(result), indent=1))
    else:
        console.print(comparison_view(result))
    return int(not _met(require, result))


def _met(require: str | None, result: Any) -> bool:
    """Whether the gate opens. Not slower must be shown: an interval that reaches below the noise does not show it."""
    if require == "not-slower":
        return result.speedup is not None and result.speedup.low >= 1 / (1 + result.noise)
    return require is None or result.verdict == "faster"


COMMAND = compare
