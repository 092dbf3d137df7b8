"""Says what slows a workload, ranked by how much fixing it can give at most."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import click

from unslow.cli._options import about_inputs, about_looking, about_page, typed

HELP = """Says what slows TARGET, best ceiling first: watches it run, or reads a recording that was made elsewhere
(PyTorch, TensorFlow and XLA, Nsight Systems, ONNX Runtime). Tries nothing, writes only what --page names.

\b
Examples:
  unslow diagnose examples/sentence_encoder/workload.py:encoder
  unslow diagnose model.onnx --inputs requests.npz --json
  unslow diagnose train.py -- --epochs 3
  unslow diagnose trace.json.gz                        # recorded elsewhere, with torch.profiler
  unslow diagnose traces/                              # a recording of each rank
  unslow diagnose trace.json.gz --page trace.html
"""


@click.command(help=HELP)
@click.argument("target")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@about_inputs
@about_looking
@about_page
@click.option(
    "--worth", type=float, default=1.03, show_default=True, help="Say nothing of what can give less than this."
)
@click.option("--all", "show_all", is_flag=True, help="Show also what is true but not worth fixing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (schema unslow.diagnosis/1).")
def diagnose(
    target: str,
    arguments: tuple[str, ...],
    inputs: str,
    shapes: Any,
    trust: bool,
    after: int,
    page_file: str,
    worth: float,
    show_all: bool,
    as_json: bool,
) -> None:
    from pathlib import Path

    from rich.console import Console

    from unslow.core.events import Keeping
    from unslow.core.options import Options
    from unslow.report.json import diagnosis_json
    from unslow.report.terminal import TerminalListener, diagnosis_view
    from unslow.verbs.diagnose import diagnose as watch

    console = Console(stderr=as_json, highlight=False)
    with TerminalListener(console) as shown:
        listener = Keeping(shown)
        about: dict[str, Any] = {"shapes": dict(shapes), "arguments": arguments or None, "trust": trust}
        options = Options(worth=worth, after_steps=after)
        report = watch(target, inputs or None, options=options, listener=listener, **about)
    report = replace(report, command=typed())
    if page_file:
        from unslow.report._watched import diagnosis_page
        from unslow.runs.folder import write_text

        write_text(Path(page_file), diagnosis_page(report, listener.profile))
    if as_json:
        click.echo(json.dumps(diagnosis_json(report), indent=1))
    else:
        console.print(diagnosis_view(report, show_all))


COMMAND = diagnose
