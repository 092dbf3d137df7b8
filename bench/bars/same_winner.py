"""Two runs on the same machine name the same winner, or two whose intervals overlap.

python -m bench.bars.same_winner encoder [--runs FOLDER FOLDER]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from bench._common import EXAMPLES, Bar, ended, told
from bench._fixed import fixed
from unslow.core.trial import Report, Trial
from unslow.report.json import report_from_json


def main() -> None:
    arguments = _arguments()
    if arguments.runs:
        reports = [report_from_json(json.loads((Path(run) / "report.json").read_text())) for run in arguments.runs]
    else:
        reports = [fixed(arguments.example, "all"), fixed(arguments.example, "second", seed=1)]
    ended(told(agreed(arguments.example, reports[0], reports[1])))


def agreed(example: str, one: Report, other: Report) -> Bar:
    """1 where the two runs agree, else 0."""
    winners = (one.winning, other.winning)
    same = one.winner == other.winner or _overlap(*winners)
    details = {
        "winners": [str(winner) if winner else "original" for winner in winners],
        "same": one.winner == other.winner,
    }
    return Bar(
        f"same-winner-{example}", f"two runs agree on the winner, {example}", "1", int(same), same, details=details
    )


def _overlap(one: Trial | None, other: Trial | None) -> bool:
    a, b = (trial.speedup if trial else None for trial in (one, other))
    return a is not None and b is not None and a.low <= b.high and b.low <= a.high


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="See whether two runs agree.")
    parser.add_argument("example", choices=list(EXAMPLES))
    parser.add_argument(
        "--runs", nargs=2, default=None, metavar="FOLDER", help="two finished runs; default: two new ones"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
