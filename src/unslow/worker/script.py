"""Opens a script, or its patched source, in this process: for turns, for its losses, or for what its models answer."""

from __future__ import annotations

import atexit
import importlib
import io
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unslow.core.errors import BadUsage
from unslow.core.facts import Facts
from unslow.core.jsonable import from_json
from unslow.core.script import ScriptFacts
from unslow.core.variant import Applied
from unslow.core.workload import Workload
from unslow.edits.patch import patched_files
from unslow.fixes._script import CHANGES, steps_in_one, warm_steps_of
from unslow.scripts.counting import Counting
from unslow.scripts.evaluate import metric_of
from unslow.scripts.line import Line
from unslow.scripts.loaders import Loaders
from unslow.scripts.losses import Losses, first_steps
from unslow.scripts.made import LOG
from unslow.scripts.mirror import Mirror, mirrored
from unslow.scripts.outputs import Outputs
from unslow.scripts.run import Plan, run, seed_everything
from unslow.scripts.turns import cpu_seconds, noting_steps, turns

LOSSES_S = 20.0
"""How long one run for its losses may take, where the script has more steps than are wanted."""


def open_script(line: Line | None, workload: Workload, facts: Facts, started: float, bundle: str, survey: Path) -> Any:
    """Run the script; it answers turns in the middle of itself, over `line`. Returns when it has ended."""
    if line is None:
        raise BadUsage("A script can be opened only in a process of its own.", "Use LocalProcesses.")
    script, loaders = _script(facts), Loaders(patient=True)
    loaders.watch()
    if not bundle:  # Its source is changed already.
        _install(workload)
    together, warm = script.turn_steps(facts.seconds_per_request), warm_steps_of(workload)
    counting = Counting(together, steps_in_one(workload), script.period)
    plan = turns(line, script.step, counting, started, loaders.to_drain, warm)
    _run(workload, script, plan, bundle, survey)
    return {"ended": True}


def whole_run(workload: Workload, facts: Facts, bundle: str, survey: Path) -> Any:
    """What the script takes from its first line to its end, as one turn; PyTorch is imported already."""
    if not bundle:
        _install(workload)
    if _script(facts).torch:
        importlib.import_module("torch")
    steps: list[float] = []
    mirror = _mirror_of(workload, bundle, survey)
    cpu, started = cpu_seconds(), time.perf_counter()
    _run_in(mirror, workload, _script(facts), noting_steps(_script(facts).step, steps))
    seconds, cpu = time.perf_counter() - started, cpu_seconds() - cpu
    count = max(1, len(steps))
    return {"seconds": seconds, "cpu_seconds": cpu, "requests": count, "call_seconds": [seconds / count] * count}


def evaluated(workload: Workload, facts: Facts, bundle: str, offset: int, command: str, survey: Path) -> Any:
    """The metric that `command` prints after a whole run, the script's seeds moved by `offset`."""
    seed_everything(0, offset)
    if not bundle:
        _install(workload)
    script = _script(facts)
    folder = _run(workload, script, noting_steps(script.step, []), bundle, survey)
    _as_at_the_end_of_a_program()
    return {"metric": metric_of(command, folder)}


def _as_at_the_end_of_a_program() -> None:
    """What the script has left for then is done, and what it has written is in its files."""
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage] - nothing else runs them before a process ends
    for value in list(vars(sys.modules["__main__"]).values()):
        if isinstance(value, io.IOBase) and not value.closed:
            value.flush()


def losses_of(workload: Workload, facts: Facts, bundle: str, offset: int, steps: int, survey: Path) -> Any:
    """The losses of the first `steps` steps (fewer where they take long), the script's seeds moved by `offset`."""
    return _first_steps(Losses(), workload, facts, bundle, offset, steps, survey)


def outputs_of(workload: Workload, facts: Facts, bundle: str, steps: int, survey: Path) -> Any:
    """What its models answer in the first `steps` steps (fewer where they take long)."""
    return _first_steps(Outputs(), workload, facts, bundle, 0, steps, survey)


def _first_steps(
    kept: Losses | Outputs, workload: Workload, facts: Facts, bundle: str, offset: int, steps: int, survey: Path
) -> Any:
    script = _script(facts)
    seed_everything(0, offset)
    kept.watch()
    if not bundle:
        _install(workload)
    _run(workload, script, first_steps(kept, script.step, steps, LOSSES_S), bundle, survey)
    return kept.values()


def _run(workload: Workload, script: ScriptFacts, plan: Plan, bundle: str, survey: Path) -> Path:
    """In a mirror of its own; the folder that it ran in."""
    mirror = _mirror_of(workload, bundle, survey)
    _run_in(mirror, workload, script, plan)
    return mirror.folder


def _run_in(mirror: Mirror, workload: Workload, script: ScriptFacts, plan: Plan) -> None:
    next(plan)
    run(mirror, workload.target.arguments, plan, [script.step])


def _mirror_of(workload: Workload, bundle: str, survey: Path) -> Mirror:
    """Goes with the run's other scratch files."""
    target = workload.target
    patched: Mapping[str, Path] = patched_files(Path(bundle)) if bundle else {}
    (survey / "mirrors").mkdir(exist_ok=True)
    into = Path(tempfile.mkdtemp(dir=survey / "mirrors"))
    return mirrored(Path(target.directory), Path(target.location), into, patched, survey / LOG)


def _install(workload: Workload) -> None:
    """The run-time forms of the variant's fixes."""
    from unslow.fixes import all_fixes

    known = all_fixes()
    for change in from_json(tuple[Applied, ...], workload.model.settings.get(CHANGES, ())):
        install = known[change.name].install
        if install is not None:
            install(change.parameters)


def _script(facts: Facts) -> ScriptFacts:
    if facts.script is None:
        raise BadUsage("Nothing is known of the script.", "Survey it first.")
    return facts.script
