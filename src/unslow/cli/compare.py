"""Says whether B is faster than A, by how much, and how sure that is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import click

from unslow.cli._options import about_inputs, about_measuring, typed

HELP = """Times two targets in turns, each in fresh processes of its own, on the same requests: those of --inputs, else
those of A (of B, where A is a model file without any). Says whether B answers as A does, too.

\b
Examples:
  unslow compare old.py:model new.py:model
  unslow compare model.onnx unslow-runs/model-20260101-120000/bundle --inputs requests.npz
  unslow compare main.py:answer branch.py:answer --require faster
  unslow compare "train.py --workers 0" "train.py --workers 2"   # two scripts, by their steps
"""


@click.command(help=HELP)
@click.argument("a")
@click.argument("b")
@about_inputs
@about_measuring
@click.option("--require", type=click.Choice(["faster", "not-slower"]), default=None, help="Exit with 1 unless B is.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (schema unslow.comparison/1).")
def compare(
    a: str,
    b: str,
    inputs: str,
    shapes: Any,
    trust: bool,
    memory: int,
    require: str | None,
    as_json: bool,
    **chosen: Any,
) -> int:
    from rich.console import Console

    from unslow.core.options import Options
    from unslow.report.json import comparison_json
    from unslow.report.terminal import TerminalListener, comparison_view
    from unslow.verbs.compare import compare as duel

    options = Options(memory_bytes=memory, **chosen)
    console = Console(stderr=as_json, highlight=False)
    with TerminalListener(console) as listener:
        result = duel(a, b, inputs or None, shapes=dict(shapes), trust=trust, options=options, listener=listener)
    result = replace(result, command=typed())
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
