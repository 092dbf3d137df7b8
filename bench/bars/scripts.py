"""The example scripts: how much faster the patched script is, and whether what was said before held.

    python -m bench.bars.scripts [NAME …] [--again]

Each example is copied into a repository of its own, fixed there as a user would, the patch is applied with `git apply`,
and `unslow fix` runs a second time on the patched script. What was run is kept in `bench/results/script-*.json`.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import unslow
from bench._common import ROOT, Bar, ended, environment, progress, save, saved, telling, told
from unslow.core.trial import Report, Speedup

SCHEMA = "unslow.bench.script/1"
SECOND_BUDGET_S = 150.0
SURVEYS = 3
MOST_DATA_WAIT, LEAST_OF_BY_HAND = 0.05, 0.9
SAYS_AND_SAVES = ("right =", "print(", "torch.save(")
"""What the statements of the chatty loop begin with that are taken out by hand."""
REFUSED = "cache-decoded"


@dataclass(frozen=True)
class Case:
    """An example, what it is given, and how many times faster it must get (0: nothing may be found)."""

    example: str
    arguments: tuple[str, ...]
    budget_s: float
    least: float
    allow: tuple[str, ...] = ()


CASES: Mapping[str, Case] = {
    "remote_store": Case("remote_store", ("--epochs", "2000"), 300.0, 10.0),
    "photo_training": Case("photo_training", ("--epochs", "200"), 360.0, 4.0),
    "photo_training_augmented": Case("photo_training", ("--epochs", "600", "--augment"), 360.0, 1.5),
    "tabular_float64": Case("tabular_float64", ("--epochs", "500"), 180.0, 1.6),
    "chatty_loop": Case("chatty_loop", ("--epochs", "500"), 120.0, 1.0, ("buffer-io",)),
    "well_tuned": Case("well_tuned", (), 180.0, 0.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Fix the example scripts.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--again", action="store_true", help="run again what was run before")
    arguments = parser.parse_args()
    found: list[Bar] = []
    for name in arguments.names or CASES:
        kept = saved(f"script-{name}")
        if not kept or arguments.again:
            kept = fixed(name, CASES[name])
            save(f"script-{name}", kept)
        found += map(told, bars(name, CASES[name], kept))
    ended(*found)


def fixed(name: str, case: Case) -> dict[str, Any]:
    """Fix the example, apply the patch, look again: what came of each, as plain JSON."""
    home = Path(tempfile.mkdtemp(prefix=f"unslow-script-{name}-"))
    script = _checkout(case, home / "source")
    with environment(UNSLOW_CACHE=str(home / "cache")):
        progress(f"unslow fix {script} -- {' '.join(case.arguments)}")
        first = _fix(script, case, case.budget_s, home / "first")
        seen: dict[str, Any] = {"schema": SCHEMA, "folder": str(home), **_about(first)}
        if first.patch:
            _git(home / "source", "apply", "--check", first.patch)
            _git(home / "source", "apply", first.patch)
            progress(f"a second time, {seen['winner']} {seen['speedup']}")
            seen["second"] = _about(_fix(script, case, SECOND_BUDGET_S, home / "second"))
            if case.example == "remote_store":
                seen["data_wait"] = _data_wait(script, case)
            if case.example == "chatty_loop":
                seen["by_hand"] = _against_by_hand(script, case)
    return seen


def bars(name: str, case: Case, seen: Mapping[str, Any]) -> list[Bar]:
    """What one example must reach."""
    about = {"winner": seen["winner"], "elapsed_s": seen["elapsed_s"], "arguments": list(case.arguments)}
    if not case.least:
        worth = seen["worth_fixing"]
        quiet = not worth and not seen["patched"]
        return [
            Bar(f"script-{name}", f"{name}: findings worth fixing", "0, no patch", len(worth), quiet, details=about)
        ]
    speed = seen["speedup"] or {"point": 0.0, "low": 0.0, "high": 0.0}
    point = speed["point"]
    rows = [
        Bar(
            f"script-{name}", f"{name}: patched against original", f"≥ {case.least:g}×", point, point >= case.least,
            "×", speed["low"], speed["high"], about,
        ),
        _ceilings_bar(name, seen),
        _second_bar(name, seen),
    ]  # fmt: skip
    if "data_wait" in seen:
        wait = seen["data_wait"]
        rows.append(Bar(f"script-{name}-wait", f"{name}: data wait afterwards", "≤ 5 %", wait, wait <= MOST_DATA_WAIT))
    if "by_hand" in seen:
        part = seen["by_hand"]
        limit, right = f"≥ {LEAST_OF_BY_HAND:.0%}", part["point"] >= LEAST_OF_BY_HAND
        what = f"{name}: speed of the patch ÷ of taking the lines out by hand"
        rows.append(Bar(f"script-{name}-by-hand", what, limit, part["point"], right, "×", part["low"], part["high"]))
    if "--augment" in case.arguments:
        kept = [trial for trial in seen["trials"] if REFUSED in trial["fixes"] and trial["verdict"] == "faster"]
        what = f"{name}: items that are not the same each time are kept"
        rows.append(Bar(f"script-{name}-cache", what, "never", len(kept), not kept))
    return rows


def _ceilings_bar(name: str, seen: Mapping[str, Any]) -> Bar:
    """Trials of one fix whose speed-up, by its low end, is above the best ceiling of what it treats."""
    above: list[str] = []
    checked = 0
    for trial in seen["trials"]:
        treats = [one for one in seen["findings"] if trial["fixes"] and trial["fixes"][0] in one["fixes"]]
        ceilings = [one["ceiling"] for one in treats]
        if len(trial["fixes"]) != 1 or not trial["speedup"] or not ceilings or None in ceilings:
            continue
        checked += 1
        if trial["speedup"]["low"] > max(ceilings):
            above.append(f"{trial['fixes'][0]}: {trial['speedup']} above {max(ceilings):.3g}")
    what = f"{name}: single fixes above what was said to be possible"
    details = {"above": above, "checked": checked}
    return Bar(f"script-{name}-ceiling", what, f"0 of {checked}", len(above), not above, details=details)


def _second_bar(name: str, seen: Mapping[str, Any]) -> Bar:
    again = seen.get("second") or {"winner": "", "patched": ""}
    nothing = bool(seen["patched"]) and not again["patched"]
    what = f"{name}: a second `unslow fix` finds something"
    return Bar(f"script-{name}-second", what, "0", int(bool(again["patched"])), nothing, details=dict(again))


def _checkout(case: Case, source: Path) -> Path:
    """The example in a repository of its own; its script."""
    shutil.copytree(ROOT / "examples" / case.example, source, ignore=shutil.ignore_patterns("__pycache__"))
    _git(source, "init", "--quiet")
    _git(source, "add", ".")
    return source / "train.py"


def _fix(script: Path, case: Case, budget_s: float, folder: Path) -> Report:
    options = unslow.Options(budget_s=budget_s, allow=case.allow)
    return unslow.fix(
        str(script), arguments=list(case.arguments), options=options, out=str(folder), listener=telling
    )  # fmt: skip


def _about(report: Report) -> dict[str, Any]:
    return {
        "winner": "" if report.winning is None else str(report.winning),
        "speedup": None if report.winning is None else _times(report.winning.speedup),
        "patched": bool(report.patch),
        "elapsed_s": report.elapsed_s,
        "worth_fixing": [rated.finding.habit for rated in report.findings if rated.worth_fixing],
        "findings": [
            {"habit": rated.finding.habit, "ceiling": rated.ceiling, "fixes": list(rated.fixes)}
            for rated in report.findings
        ],
        "trials": [
            {
                "fixes": [applied.name for applied in trial.fixes],
                "verdict": trial.verdict,
                "speedup": _times(trial.speedup),
                "outputs": trial.outputs.verdict if trial.outputs else "",
                "reason": trial.reason,
            }
            for trial in report.trials
        ],
    }


def _times(found: Speedup | None) -> dict[str, float] | None:
    return None if found is None else {"point": found.point, "low": found.low, "high": found.high}


def _data_wait(script: Path, case: Case) -> float:
    """The part of a step of the patched script that waits for data, once its first epoch is over: the median of several
    surveys, each of which looks at some steps that begin an epoch and at many that do not."""
    options = unslow.Options(after_steps=40)
    seen = [unslow.profile(str(script), arguments=list(case.arguments), options=options) for _ in range(SURVEYS)]
    return statistics.median(profile.phases.get("data wait", 0.0) for profile in seen)


def _against_by_hand(script: Path, case: Case) -> dict[str, Any]:
    """How fast the patched script is, against the original with those lines taken out by hand."""
    by_hand = script.with_name("by_hand.py")
    original = ROOT / "examples" / case.example / "train.py"
    by_hand.write_text(_without(original.read_text(encoding="utf-8"), SAYS_AND_SAVES), encoding="utf-8")
    given = " ".join(case.arguments)
    found = unslow.compare(f"{by_hand} {given}", f"{script} {given}")
    return _times(found.speedup) or {"point": 0.0, "low": 0.0, "high": 0.0}


def _without(source: str, beginnings: Sequence[str]) -> str:
    """A source without the statements that begin with these."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Expr, ast.Assign)) and (ast.get_source_segment(source, node) or "").startswith(
            tuple(beginnings)
        ):
            assert node.end_lineno is not None
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return "".join(lines)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    started = time.monotonic()
    try:
        main()
    finally:
        progress(f"{time.monotonic() - started:.0f} s in all")
