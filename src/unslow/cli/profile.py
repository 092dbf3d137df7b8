"""Shows where the time of a workload goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from unslow.cli._options import about_inputs, about_looking, about_page, typed

if TYPE_CHECKING:  # `unslow --help` waits for none of these.
    from unslow.core.difference import Difference
    from unslow.core.profile import Profile

HELP = """Records TARGET with its framework's own profiler, or reads a recording that was made elsewhere, and shows
where the time goes.

\b
Examples:
  unslow profile examples/image_classifier/workload.py:classifier
  unslow profile model.onnx --perfetto trace.json      # open it at ui.perfetto.dev or in speedscope
  unslow profile trace.json.gz --page trace.html
  unslow profile after.json.gz --against before.json.gz
"""


@click.command(help=HELP)
@click.argument("target")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@about_inputs
@about_looking
@about_page
@click.option("--against", default="", metavar="OTHER", help="Show what changed since OTHER: a recording, or a target.")
@click.option("--perfetto", default="", metavar="FILE", help="Also write a trace for Perfetto and speedscope.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON (schema unslow.profile/1; unslow.profile-difference/1)."
)
def profile(
    target: str,
    arguments: tuple[str, ...],
    inputs: str,
    shapes: Any,
    trust: bool,
    after: int,
    page_file: str,
    against: str,
    perfetto: str,
    as_json: bool,
) -> None:
    from rich.console import Console

    from unslow.core.difference import difference
    from unslow.core.options import Options
    from unslow.report.terminal import TerminalListener
    from unslow.verbs.profile import profile as record

    console = Console(stderr=as_json, highlight=False)
    with TerminalListener(console) as listener:
        about: dict[str, Any] = {"shapes": dict(shapes), "arguments": arguments or None, "trust": trust}
        about |= {"options": Options(after_steps=after), "listener": listener}
        before = record(against, inputs or None, **about) if against else None
        recorded = record(target, inputs or None, **about)
    changed = None if before is None else difference(before, recorded, (against, target))
    _write(recorded, changed, target, page_file, perfetto)
    if as_json:
        click.echo(json.dumps(_as_json(recorded, changed, target), indent=1))
    else:
        _print(console, recorded, changed)


def _write(recorded: Profile, changed: Difference | None, target: str, page_file: str, perfetto: str) -> None:
    from pathlib import Path

    from unslow.report._watched import profile_page
    from unslow.runs.folder import write_text
    from unslow.verbs._look import write_profile

    if perfetto:
        write_profile(recorded, Path(perfetto))
    if page_file:
        write_text(Path(page_file), profile_page(recorded, target, typed(), changed))


def _as_json(recorded: Profile, changed: Difference | None, target: str) -> dict[str, Any]:
    from unslow.report.json import difference_json, profile_json

    return profile_json(recorded, target) if changed is None else difference_json(changed)


def _print(console: Any, recorded: Profile, changed: Difference | None) -> None:
    from unslow.report.terminal import difference_view, profile_view

    console.print(profile_view(recorded) if changed is None else difference_view(changed))


COMMAND = profile
