"""Shows where the time of a workload goes."""

from __future__ import annotations

import json
from typing import Any

import click

from unslow.cli._options import about_inputs, about_looking

HELP = """Records TARGET with its framework's own profiler and shows where the time goes.

\b
Examples:
  unslow profile examples/image_classifier/workload.py:classifier
  unslow profile model.onnx --perfetto trace.json      # open it at ui.perfetto.dev or in speedscope
"""


@click.command(help=HELP)
@click.argument("target")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@about_inputs
@about_looking
@click.option("--perfetto", default="", metavar="FILE", help="Also write a trace for Perfetto and speedscope.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (schema unslow.profile/1).")
def profile(
    target: str,
    arguments: tuple[str, ...],
    inputs: str,
    shapes: Any,
    trust: bool,
    after: int,
    perfetto: str,
    as_json: bool,
) -> None:
    from pathlib import Path

    from rich.console import Console

    from unslow.core.options import Options
    from unslow.report.json import profile_json
    from unslow.report.terminal import TerminalListener, profile_view
    from unslow.verbs._look import write_profile
    from unslow.verbs.profile import profile as record

    console = Console(stderr=as_json, highlight=False)
    with TerminalListener(console) as listener:
        about: dict[str, Any] = {"shapes": dict(shapes), "arguments": arguments or None, "trust": trust}
        recorded = record(target, inputs or None, options=Options(after_steps=after), listener=listener, **about)
    if perfetto:
        write_profile(recorded, Path(perfetto))
    if as_json:
        click.echo(json.dumps(profile_json(recorded), indent=1))
    else:
        console.print(profile_view(recorded))


COMMAND = profile
