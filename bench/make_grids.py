"""Makes the grids of the exhaustive search from the fixes' own search spaces.

    python -m bench.make_grids                    # all examples
    python -m bench.make_grids encoder --run unslow-runs/encoder-20260101-120000

A grid is frozen in its file: make it anew only when a fix was added, and measure everything anew then. What is in it
depends on the machine too (its instruction sets and cores), which the file names.
"""

from __future__ import annotations

import argparse

from bench._common import EXAMPLES, RUNS, machine_words, progress
from bench._dry import Ground, every_variant
from bench._grid import grid_json, grid_path
from bench._ground import folder_of, looked_at
from unslow.core.options import Options
from unslow.fixes import all_fixes
from unslow.runs.folder import write_text


def main() -> None:
    arguments = _arguments()
    for example in [arguments.example] if arguments.example else EXAMPLES:
        make(example, arguments.run or str(RUNS / f"survey-{example}"))


def make(example: str, run: str) -> None:
    """Look at the example (or at what a run has seen of it), and write its grid."""
    seen = looked_at(example, folder_of(example, run), Options())
    facts = seen.surveyed.facts
    variants = every_variant(Ground(seen.surveyed.workload, facts, seen.machine, all_fixes()))
    path = grid_path(example)
    path.parent.mkdir(exist_ok=True)
    write_text(path, grid_json(example, variants, machine_words()))
    progress(f"{path}: {len(variants)} variants")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the grids of the exhaustive search.")
    parser.add_argument("example", nargs="?", choices=list(EXAMPLES))
    parser.add_argument("--run", default="", help="a run's folder, whose survey is used; default: a new one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
