"""The jobs that a spawned process can be asked to do. Arguments and answers are plain JSON; arrays go through files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from unslow import targets
from unslow.core.calls import leaves_of, to_numpy
from unslow.core.errors import BadUsage
from unslow.core.events import unheard
from unslow.core.facts import Facts
from unslow.core.jsonable import from_json, to_json
from unslow.core.machine import Machine
from unslow.core.variant import Applied, Fix
from unslow.core.workload import Inference, Target, Workload
from unslow.scripts.line import Line
from unslow.serving.load import closed_loop, open_loop
from unslow.survey.names import names_of
from unslow.worker.opened import Streams, needs_live, open_bundle, open_original, open_workload, streams


@final
class Jobs:
    """What one process knows between jobs: what it has opened. `line` is for jobs that answer in the middle of a
    script."""

    def __init__(self, line: Line | None = None) -> None:
        self._line = line
        self._streams: Streams | None = None
        self._order: Sequence[int] = ()
        self._inference: Inference | None = None

    def do(self, name: str, arguments: dict[str, Any]) -> Any:
        """Run the job of that name.

        Raises
        ------
        BadUsage
            There is no such job.
        """
        job = getattr(self, f"job_{name}", None)
        if job is None:
            offered = [found[4:] for found in dir(type(self)) if found.startswith("job_")]
            raise BadUsage(f"There is no job {name!r}.", f"Jobs: {', '.join(offered)}.")
        return to_json(job(**arguments))

    def job_survey(self, target: Any, folder: str, after: int = 0) -> Any:
        """Learn what the workload is; record where its time goes (of a script, after so many steps)."""
        from unslow.survey.run import survey

        tell = self._line.tell if self._line else unheard
        return survey(from_json(Target, target), Path(folder), after, tell)

    def job_build(
        self, workload: Any, fixes: Any, facts: Any, machine: Any, cache: str, survey: str, places: Sequence[int]
    ) -> Any:
        """Apply fixes to a workload, making their files; the changed workload and the seconds that it took."""
        from unslow.fixes import all_fixes
        from unslow.worker.workshop import LocalWorkshop

        changed = from_json(Workload, workload)
        known: dict[str, Fix] = all_fixes()
        shop = LocalWorkshop(
            changed.target, from_json(Facts, facts), from_json(Machine, machine), Path(cache), Path(survey), places
        )
        for applied in from_json(tuple[Applied, ...], fixes):
            changed = known[applied.name].apply(changed, applied.parameters, shop)
        return {"workload": changed, "spent_seconds": shop.spent_seconds}

    def job_sensitivity(
        self, workload: Any, fixes: Any, place: int, facts: Any, machine: Any, cache: str, survey: str,
        places: Sequence[int],
    ) -> Any:  # fmt: skip
        """How much each layer hurts when the fix at `place` rounds it."""
        from unslow.fixes import all_fixes
        from unslow.worker.sensitivity import layers_probed
        from unslow.worker.workshop import LocalWorkshop

        changed = from_json(Workload, workload)
        known: dict[str, Fix] = all_fixes()
        shop = LocalWorkshop(
            changed.target, from_json(Facts, facts), from_json(Machine, machine), Path(cache), Path(survey), places
        )
        variant = from_json(tuple[Applied, ...], fixes)
        for applied in variant[:place]:
            changed = known[applied.name].apply(changed, applied.parameters, shop)
        return layers_probed(known[variant[place].name], changed, variant[place].parameters, shop)

    def job_bundle(self, folder: str, workload: Any, fixes: Any, facts: Any, machine: Any, survey: str) -> Any:
        """Write a variant as a bundle; of a script, its patched source."""
        if from_json(Workload, workload).target.kind == "script":
            from unslow.edits.patch import write_patch

            return write_patch(
                Path(folder), from_json(Workload, workload).target, from_json(tuple[Applied, ...], fixes)
            )
        from unslow.bundle.write import write_bundle
        from unslow.survey.requests import read_requests

        what = from_json(Workload, workload)
        live = None if what.model.path else targets.live(what, targets.load(what.target))
        known = from_json(Facts, facts)
        example = [dict(request) for request in read_requests(Path(survey)).inputs[:4]] if known.flat_inputs else []
        written = write_bundle(
            Path(folder),
            what,
            fixes=from_json(tuple[Applied, ...], fixes),
            measured={},
            facts=known,
            machine=from_json(Machine, machine),
            live=live,
            example=example,
        )
        return {
            "folder": str(written),
            "bytes": sum(file.stat().st_size for file in written.rglob("*") if file.is_file()),
        }

    def job_open(
        self, workload: Any, facts: Any, survey: str, order: Sequence[int], bundle: str = "", original: bool = False
    ) -> Any:
        """Open the original, a variant, or a bundle, to answer the stream's requests in this `order`."""
        started = time.perf_counter()
        what, known = from_json(Workload, workload), from_json(Facts, facts)
        if what.target.kind == "script":
            from unslow.worker.script import open_script

            return open_script(self._line, what, known, started, bundle, Path(survey))
        inference: Inference | None = None
        if original or needs_live(what, known):
            inference = targets.load(what.target)
        if bundle:
            parts = open_bundle(Path(bundle))
        elif original:
            parts = open_original(what, inference) if inference else open_workload(what, known, None)
        else:
            parts = open_workload(what, known, inference)
        named = parts if parts.names else type(parts)(parts.call, parts.serving, [leaf.name for leaf in known.inputs])
        self._streams = streams(named, known, inference, Path(survey), is_original=original)
        self._order = order
        first = time.perf_counter()
        self._streams.inputs.answer(order[0])
        return {
            "setup_s": time.perf_counter() - started,
            "first_s": time.perf_counter() - first,
            "granularity": self._streams.inputs.granularity,
        }

    def job_run(self, workload: Any, facts: Any, survey: str, bundle: str = "") -> Any:
        """Run a script from its first line to its end: one turn, where turns are whole runs."""
        from unslow.worker.script import whole_run

        return whole_run(from_json(Workload, workload), from_json(Facts, facts), bundle, Path(survey))

    def job_evaluated(
        self, workload: Any, facts: Any, survey: str, bundle: str = "", offset: int = 0, command: str = ""
    ) -> Any:
        """What the user's command says of a whole run of a script, its seeds moved by `offset`."""
        from unslow.worker.script import evaluated

        what, known = from_json(Workload, workload), from_json(Facts, facts)
        return evaluated(what, known, bundle, offset, command, Path(survey))

    def job_losses(
        self, workload: Any, facts: Any, survey: str, bundle: str = "", offset: int = 0, steps: int = 0
    ) -> Any:
        """The losses of a script's first steps, its seeds moved by `offset`."""
        from unslow.worker.script import losses_of

        what, known = from_json(Workload, workload), from_json(Facts, facts)
        return losses_of(what, known, bundle, offset, steps, Path(survey))

    def job_outputs(self, workload: Any, facts: Any, survey: str, bundle: str = "", steps: int = 0) -> Any:
        """What a script's models answer in its first steps."""
        from unslow.worker.script import outputs_of

        what, known = from_json(Workload, workload), from_json(Facts, facts)
        return outputs_of(what, known, bundle, steps, Path(survey))

    def job_requests_of(self, target: Any, path: str) -> Any:
        """What a target's own requests are, for another to answer them; saved at `path` where they can travel."""
        from unslow.worker import shared

        what = from_json(Target, target)
        return shared.told(what, targets.load(what), path)

    def job_open_target(self, target: Any, seed: int = 0, path: str = "", stream: Any = None) -> Any:
        """Open a target as the user has it, to answer the shared `stream` of requests in its order; its own where there
        is none, which it then tells (saved at `path`, if one is given, where they can travel)."""
        from unslow.worker import shared

        what = from_json(Target, target)
        inference = targets.load(what)
        asked = from_json(shared.SharedRequests, stream) if stream else shared.told(what, inference, path)
        taken = shared.taking(what, inference, asked)
        workload = targets.original(what, taken.inference)
        parts = open_original(workload, taken.inference)
        first = shared.stream_of(taken, asked, parts, what, names_of(workload, taken.inference))
        self._streams = Streams(first, first)
        self._order = range(len(first))
        started = time.perf_counter()
        first.answer(0)
        return {
            "first_s": time.perf_counter() - started,
            "granularity": first.granularity,
            "requests": len(first),
            "how": taken.how,
            "stream": asked,
        }

    def job_turn(self, start: int, count: int, untimed: int) -> Any:
        """Answer `untimed` requests, then `count` against the clock, from place `start` of the order."""
        stream = self._open.inputs
        before = [self._order[place % len(self._order)] for place in range(start - untimed, start)]
        for _ in stream.answers(before):
            pass
        return stream.turn([self._order[place % len(self._order)] for place in range(start, start + count)])

    def job_load(self, count: int, rate: float, seed: int) -> Any:
        """Latencies in seconds of `count` requests: in a closed loop, or arriving at `rate` a second."""
        stream = self._open.inputs
        places = [self._order[place % len(self._order)] for place in range(count)]
        group = stream.granularity

        def answer(chosen: Sequence[int]) -> None:
            for _ in stream.answers(chosen):
                pass

        return open_loop(answer, places, group, rate, seed) if rate else closed_loop(answer, places, group)

    def job_answers(self, places: Sequence[int] | None, path: str) -> Any:
        """Answer evaluation requests, in their order, into an `.npz` of leaves named `request/leaf`."""
        stream = self._open.evaluation
        chosen = range(len(stream)) if places is None else places
        return _write_answers(stream.answers(list(chosen)), path)

    def job_answers_to(self, requests: str, path: str) -> Any:
        """Answer other requests (from an `.npz` of `number/input`), the model alone, into an `.npz`."""
        from unslow.core.calls import Request
        from unslow.targets import requests_from_npz

        call = self._open.evaluation.model_call
        return _write_answers((call(Request(kwargs=request)) for request in requests_from_npz(requests)), path)

    def job_prepare(self, target: Any) -> None:
        """Load what judging needs; the first judgement then does not wait for imports."""
        self._judged(target)

    def job_check_metric(self, target: Any, original: str) -> Any:
        """The user's metric on the original's answers, or null; says plainly where it cannot be used."""
        from unslow.verify import judge

        return judge.check(self._judged(target), original)

    def job_judge(self, target: Any, case: Any) -> Any:
        """Judge a variant's answers."""
        from unslow.verify import judge

        return judge.judge(self._judged(target), from_json(judge.Case, case))

    def _judged(self, target: Any) -> Inference:
        if self._inference is None:
            self._inference = targets.load(from_json(Target, target))
        return self._inference

    @property
    def _open(self) -> Streams:
        if self._streams is None:
            raise BadUsage("This process has opened nothing.", "Ask it to open a workload first.")
        return self._streams


def _write_answers(answers: Any, path: str) -> dict[str, int]:
    arrays: dict[str, Any] = {}
    count = 0
    for number, answer in enumerate(answers):
        count += 1
        for index, leaf in enumerate(leaves_of(answer)):
            arrays[f"{number}/{index}"] = np.array(to_numpy(leaf))
    draft = Path(f"{path}.draft.npz")
    np.savez(draft, **arrays)
    draft.replace(path)  # Whole or not at all: a run that goes on takes what is there.
    return {"requests": count}
