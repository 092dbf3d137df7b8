"""Verdicts on outputs, each made once: a variant is saved as a bundle, and the bundle's answers are judged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import final

from unslow.core.errors import WorkerFailed
from unslow.core.events import Event, Listener
from unslow.core.heat import Heat
from unslow.core.jsonable import to_json
from unslow.core.trial import Guarded
from unslow.core.variant import Fix
from unslow.measure.bench import BUILD_TIMEOUT_S, Bench, longest_wait_s, start
from unslow.runs.journal import Journal
from unslow.search.rescue import is_rescued
from unslow.search.space import riskiest
from unslow.verify.guard import Guard
from unslow.verify.training import TrainingGuard

MOST_RESCUED = 3
"""Variants that are tried with some layers back in full precision."""


@final
class Judges:
    """Keeps bundles, verdicts, and the reasons of those without a bundle. What the journal has is not judged again."""

    def __init__(
        self,
        bench: Bench,
        guard: Guard | TrainingGuard,
        fixes: Mapping[str, Fix],
        lossy: int,
        journal: Journal,
        listener: Listener,
    ) -> None:
        self.bundles: dict[str, Path] = {}
        self.guarded = journal.all("guarded", Guarded)
        self.failures: dict[str, str] = {}
        self._bench, self._guard, self._fixes, self._lossy = bench, guard, fixes, lossy
        self._journal, self._listener = journal, listener

    def is_lossy(self, heat: Heat) -> bool:
        """Whether its outputs need evidence."""
        return riskiest(self._fixes, heat.variant) == "lossy"

    def verdict(self, heat: Heat) -> Guarded | None:
        """What the guard says of every output; None where no bundle could be written."""
        try:
            self.bundles[heat.id] = bundle_of(self._bench, heat, self._listener)
        except WorkerFailed as error:
            self.failures[heat.id] = f"Its bundle could not be written: {error.what}"
            return None
        if heat.id not in self.guarded:
            self._listener(Event("guard", f"checking every output of {heat.variant}", heat.id))
            tag = riskiest(self._fixes, heat.variant)
            self.guarded[heat.id] = self._guard.judge(heat, tag, self._lossy, str(self.bundles[heat.id]))
            self._journal.add("guarded", heat.id, self.guarded[heat.id])
        return self.guarded[heat.id]


def lossy_variants(heats: Mapping[str, Heat], fixes: Mapping[str, Fix]) -> int:
    """How many lossy variants share the error rate: those that ran, and those that may yet be tried to rescue them."""
    lossy = [
        heat
        for heat in heats.values()
        if heat.workload is not None
        and not heat.failure
        and not is_rescued(heat.variant)
        and riskiest(fixes, heat.variant) == "lossy"
    ]
    can_be_rescued = any(fixes[applied.name].layers for heat in lossy for applied in heat.variant.fixes)
    return sum(heat.ran for heat in lossy) + (MOST_RESCUED if can_be_rescued else 0)


def bundle_of(bench: Bench, heat: Heat, listener: Listener) -> Path:
    """The folder of the variant's bundle, written where it is not there yet. Raises WorkerFailed where it cannot be."""
    folder = bench.folder.bundles / heat.id
    if (folder / "manifest.json").is_file():
        return folder
    listener(Event("bundle", f"saving {heat.variant}", heat.id))
    if heat.workload is None:
        raise WorkerFailed("It was never built.")
    with start(bench, f"bundle-{heat.id}", heat.workload.host) as process:
        process.ask(
            "bundle",
            longest_wait_s(bench, BUILD_TIMEOUT_S),
            folder=str(folder),
            workload=to_json(heat.workload),
            fixes=to_json(heat.variant.fixes),
            facts=to_json(bench.facts),
            machine=to_json(bench.machine),
            survey=str(bench.folder.survey),
        )
    return folder
