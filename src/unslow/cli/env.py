"""This machine: cores, vector and matrix instructions, accelerators, libraries, threads.

The floors are measured by `unslow.machine` (once, then cached) and shown in plain words.
"""

from __future__ import annotations

import json
from typing import Any

import click

from unslow.core import units
from unslow.core.machine import Machine

HELP = """Shows what of this machine matters for speed, and what a change can gain here at most.

The first run measures small benchmarks (about ten seconds) and keeps them in ~/.cache/unslow
(or $XDG_CACHE_HOME/unslow, or $UNSLOW_CACHE).

\b
Examples:
  unslow env
  unslow env --no-floors
  unslow env --remeasure
  unslow env --json | jq .floors
"""

# Of the two or three dozen flags of a processor, those that decide which kernels a runtime takes.
TELLING_FLAGS = ("avx2", "fma", "f16c", "avx_vnni", "avx512", "amx", "asimd", "sve", "bf16", "i8mm", "neon")


@click.command(help=HELP)
@click.option("--json", "as_json", is_flag=True, help="Print JSON (schema unslow.environment/1).")
@click.option("--no-floors", is_flag=True, help="Skip the micro-benchmarks.")
@click.option("--remeasure", is_flag=True, help="Run the micro-benchmarks again, on a quieter machine say.")
def env(as_json: bool, no_floors: bool, remeasure: bool) -> None:
    from unslow.machine.facts import this_machine

    machine = this_machine(floors=not no_floors, remeasure=remeasure)
    if as_json:
        from unslow.core.jsonable import to_json

        click.echo(json.dumps({"schema": "unslow.environment/1", **to_json(machine)}, indent=2))
        return
    _print(machine)


def _print(machine: Machine) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(_table([(name, text) for name, text in facts_in_words(machine) if text]))
    if machine.floors:
        from unslow.machine.words import in_words

        console.print("\nWhat a change leaves of the time on this machine, at best:")
        console.print(_table([(name, in_words(name, left)) for name, left in machine.floors.items()]))


def _table(rows: list[tuple[str, str]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    return table


def facts_in_words(machine: Machine) -> list[tuple[str, str]]:
    """The machine as rows of a name and a text; an empty text where there is nothing to say."""
    telling = [flag for flag in machine.flags if any(part in flag for part in TELLING_FLAGS)]
    return [
        ("Processor", machine.processor),
        ("Cores", cores_in_words(machine)),
        ("Memory", units.size(machine.memory_bytes)),
        ("Instructions", " ".join(telling)),
        ("Accelerators", ", ".join(machine.accelerators) or "none found"),
        ("System", f"{machine.system}, Python {machine.python}"),
        ("Libraries", ", ".join(f"{name} {version}" for name, version in machine.libraries.items())),
        ("Threads set by", ", ".join(f"{name}={value}" for name, value in machine.environment.items())),
    ]


def cores_in_words(machine: Machine) -> str:
    """ "2 usable of 8 logical, 4 physical (quota 1.5)"."""
    quota = "" if machine.cpu_quota is None else f" (quota {machine.cpu_quota:g})"
    return f"{machine.cores} usable of {machine.logical_cores} logical, {machine.physical_cores} physical{quota}"


COMMAND = env
