"""The planted suite, run live: is the first finding the habit that was planted, and does its ceiling hold?

    python -m bench.planted [--only NAME …] [--again]

Each program of `tests/planted/programs` is diagnosed; then each with a habit takes turns against itself with the habit
removed by hand, in three pairs of processes. What is done is kept in `bench/results/planted.json`, a program at a
time, so that an interrupted run goes on; `--again` begins anew, `--only` looks at these again and tells no bar. The
table is `bench/results/planted.md`. A program that says on which processors it shows what it is for is left out on
others.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench._common import RESULTS, Bar, ended, machine_words, progress, save, saved, told
from bench._planted import Program, programs
from bench._quota import quota
from unslow.core.errors import UnslowError
from unslow.core.events import silent
from unslow.core.facts import Facts
from unslow.core.options import Options
from unslow.core.trial import RatedFinding
from unslow.fixes import fixes_for
from unslow.machine.facts import this_machine
from unslow.measure.turns import TurnPair, turn_pairs
from unslow.processes.local import LocalProcesses
from unslow.verbs._look import rated
from unslow.verbs.compare import both_sides
from unslow.verbs.diagnose import looked_at

NAME, SCHEMA = "planted", "unslow.bench.planted/1"
PROCESS_PAIRS, PAIRS, LEAST_PAIRS, TURNS_S = 3, 8, 3, 12.0
"""Pairs of processes for what removing a habit gives, since a process's memory lies as it lies for all of its life; and
pairs of turns of each: as many as fit in these seconds, between the least and the most."""
LEAST_RIGHT, LEAST_REALISED, LEAST_OF_CEILING, MOST_OF_CEILING = 0.95, 0.8, 0.6, 1.05
LONGEST_BEYOND_S = 15.0


@dataclass(frozen=True)
class Row:
    """What one program gave. `first` is the first finding worth fixing ("" for none), `ceiling` and `floor` those of
    the planted habit where it was found; `gain` is what removing it gives: the median over the pairs of processes, each
    the median of its turns, with the least and the most of them. `seconds` is what the diagnosis took, `beyond_s` that
    without the script's own start and the steps that went by meanwhile."""

    name: str
    habit: str
    first: str = ""
    also: tuple[str, ...] = ()
    share: float | None = None
    ceiling: float | None = None
    floor: float | None = None
    seconds: float = 0.0
    beyond_s: float | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    failed: str = ""
    left_out: str = ""

    @property
    def is_right(self) -> bool:
        return not self.failed and self.first == ("" if self.habit == "nothing" else self.habit)


def main() -> None:
    parser = argparse.ArgumentParser(description="Diagnose programs with a planted habit.")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    before = {} if arguments.again else {row["name"]: row for row in saved(NAME).get("rows", [])}
    rows = {name: _row(kept) for name, kept in before.items()}
    again = set(arguments.only)
    chosen = programs(arguments.only)
    for step, is_done in ((diagnosed, lambda row: True), (with_gain, has_gain)):
        for program in chosen:
            if program.name in rows and program.name not in again and is_done(rows[program.name]):
                continue
            row = rows.get(program.name) or Row(program.name, program.habit)
            rows[program.name] = where_it_belongs(step, program, row)
            progress(words(rows[program.name]))
            keep([rows[name] for name in sorted(rows)])
        again = set()
    if not arguments.only:
        ended(*map(told, bars([rows[name] for name in sorted(rows)])))


def where_it_belongs(step: Callable[[Program, Row], Row], program: Program, row: Row) -> Row:
    """The step, under the program's quota where it has one."""
    if program.quota_cores is None:
        return step(program, row)
    with ExitStack() as around:
        try:
            around.enter_context(quota(program.quota_cores))
        except OSError as error:
            return replace(row, left_out=f"needs a quota, which cannot be had here: {error}")
        return step(program, row)


def diagnosed(program: Program, _: Row) -> Row:
    """What is found in it, now."""
    row, floors = Row(program.name, program.habit), this_machine().floors
    if program.shows_where is not None and not program.shows_where.holds(floors):
        return replace(row, left_out=f"shows where {program.shows_where}")
    started = time.monotonic()
    try:
        seen = looked_at(program.target, None, Options(), silent, LocalProcesses(), {})
        facts = seen.surveyed.facts
        row = _with_findings(row, rated(seen.findings, Options().worth, fixes_for(facts.framework)))
    except UnslowError as error:
        return replace(row, failed=f"{error.what} {error.todo}".strip(), seconds=time.monotonic() - started)
    seconds = time.monotonic() - started
    return replace(row, seconds=seconds, beyond_s=_beyond_s(seconds, facts))


def _beyond_s(seconds: float, facts: Facts) -> float | None:
    """Of a script that did not end by itself: the seconds without its start, and the steps it took."""
    if facts.script is None or facts.script.ended:
        return None
    return seconds - facts.build_seconds - facts.script.steps * facts.seconds_per_request


def with_gain(program: Program, row: Row) -> Row:
    """And what removing its habit by hand gives."""
    try:
        return _with_gain(row, program)
    except UnslowError as error:
        return replace(row, failed=f"{error.what} {error.todo}".strip())


def has_gain(row: Row) -> bool:
    """Where nothing is promised, nothing is held against it."""
    return bool(row.failed or row.left_out) or row.habit == "nothing" or row.ceiling is None or row.gain is not None


def _with_findings(row: Row, rated: Sequence[RatedFinding]) -> Row:
    worth = [one for one in rated if one.worth_fixing]
    planted = next((one for one in rated if one.finding.habit == row.habit), None)
    row = replace(
        row,
        first=worth[0].finding.habit if worth else "",
        also=tuple(one.finding.habit for one in worth[1:]),
    )
    if planted is None:
        return row
    return replace(row, share=planted.finding.share, ceiling=planted.ceiling, floor=planted.finding.floor)


def _with_gain(row: Row, program: Program) -> Row:
    """In turns against itself without the habit."""
    options, gains = Options(), list[float]()
    with tempfile.TemporaryDirectory(prefix="unslow-planted-") as scratch:
        sides = both_sides(program.target, program.without, Path(scratch), options, LocalProcesses(), silent)
        for seed in range(PROCESS_PAIRS):
            a = sides.open(0)
            with a.process:
                b = sides.open(1)
                with b.process:
                    pairs = _in_time(turn_pairs(a.side, b.side, seed))
                    gains.append(math.exp(statistics.median(pair.log_ratio(options.objective) for pair in pairs)))
    return replace(row, gain=statistics.median(gains), low=min(gains), high=max(gains))


def _in_time(pairs: Iterable[TurnPair]) -> Iterator[TurnPair]:
    """No more of them than there is time for."""
    ends = time.monotonic() + TURNS_S
    for number, pair in enumerate(pairs, start=1):
        yield pair
        if number == PAIRS or (number >= LEAST_PAIRS and time.monotonic() > ends):
            return


def bars(rows: Sequence[Row]) -> list[Bar]:
    """What the suite must reach, over the programs that were run."""
    shown = [row for row in rows if not row.left_out]
    planted = [row for row in shown if row.habit != "nothing"]
    clean = [row for row in shown if row.habit == "nothing"]
    right = sum(row.is_right for row in planted) / max(1, len(planted))
    quiet = sum(row.is_right for row in clean)
    known = [row for row in planted if row.ceiling is not None and row.gain is not None and row.is_right]
    above = [row.name for row in known if _of_ceiling(row) > MOST_OF_CEILING]
    reached = [row for row in known if _realised(row) >= LEAST_OF_CEILING]
    part = len(reached) / max(1, len(known))
    beyond = {row.name: row.beyond_s for row in shown if row.beyond_s is not None}
    longest = max(beyond.values(), default=0.0)
    first = f"≥ {LEAST_RIGHT:.0%} of {len(planted)}"
    return [
        Bar("planted-first", "planted habits that are the first finding", first, right, right >= LEAST_RIGHT),
        Bar("planted-clean", "clean programs without a finding", f"all {len(clean)}", quiet, quiet == len(clean)),
        Bar(
            "planted-ceiling", "gains by hand above 1.05 × the ceiling", f"0 of {len(known)}", len(above), not above,
            details={"above": above},
        ),
        Bar(
            "planted-realised", "gains by hand that reach 60 % of the ceiling", f"≥ 80 % of {len(known)}", part,
            part >= LEAST_REALISED,
            details={"below": [row.name for row in known if row not in reached]},
        ),
        Bar(
            "planted-beyond", f"diagnosing {len(beyond)} scripts: the longest, beyond their steps",
            f"≤ {LONGEST_BEYOND_S:g} s", longest, longest <= LONGEST_BEYOND_S, " s",
            details={"above": {name: found for name, found in beyond.items() if found > LONGEST_BEYOND_S}},
        ),
    ]  # fmt: skip


def _of_ceiling(row: Row) -> float:
    return (row.gain or 0.0) / (row.ceiling or 1.0)


def _realised(row: Row) -> float:
    """The part of what the ceiling promises beyond 1 that removing the habit gives."""
    return ((row.gain or 1.0) - 1) / max((row.ceiling or 1.0) - 1, 1e-9)


def keep(rows: Sequence[Row]) -> None:
    """The rows as JSON, and as a table."""
    save(NAME, {"schema": SCHEMA, "machine": machine_words(), "rows": [asdict(row) for row in rows]})
    (RESULTS / f"{NAME}.md").write_text(table(rows), encoding="utf-8")


def table(rows: Sequence[Row]) -> str:
    """Markdown: one row a program."""
    lines = [
        "| program | planted | first finding | ceiling | by hand | seconds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        first = row.failed or row.first or "nothing"
        said = f"left out: {row.left_out}" if row.left_out else first if row.is_right else f"**{first}**"
        lines.append(
            f"| {row.name} | {row.habit} | {said} | {_times(row.ceiling)} | {_times(row.gain)} | {row.seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


def words(row: Row) -> str:
    if row.left_out:
        return f"left out {row.name}: {row.left_out}"
    mark = "right" if row.is_right else "WRONG"
    return (
        f"{mark} {row.name}: {row.habit}, first {row.failed or row.first or 'nothing'}, ceiling {_times(row.ceiling)}, "
        f"by hand {_times(row.gain)}, {row.seconds:.0f} s"
    )


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}×"


def _row(kept: dict[str, Any]) -> Row:
    return Row(**{**kept, "also": tuple(kept["also"])})


if __name__ == "__main__":
    main()
