"""The variants that are one step away from one that has been built: another fix on top, or the same fix set
otherwise."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from unslow.core.facts import Facts
from unslow.core.finding import Finding
from unslow.core.heat import Heat
from unslow.core.machine import Machine
from unslow.core.options import Options
from unslow.core.variant import Applied, Fix, Parameters, Setting, Variant
from unslow.core.workload import Workload

UNBOUNDED_CEILING = 4.0
"""What a finding without a known floor is taken to promise at most, for ordering only."""
COMBINED_CEILING = 3.0
"""What a fix on top of a conversion is taken to promise at most: the shares of the original's profile no longer
hold."""
OTHER_SETTING_CEILING, OTHER_SETTING_ODDS = 1.3, 0.4
"""What another setting of a fix that was tried promises, and how its odds compare with the default's."""


@dataclass(frozen=True)
class Candidate:
    """A variant that can be tried: how fast it may be at most against the original, with which odds, at which cost in
    s."""

    variant: Variant
    parent: str
    potential: float
    odds: float
    build_seconds: float
    tag: str


@dataclass(frozen=True)
class Known:
    """All that the search may look at."""

    original: Workload
    facts: Facts
    machine: Machine
    findings: Sequence[Finding]
    fixes: Mapping[str, Fix]
    options: Options


@dataclass(frozen=True)
class Refusal:
    """A fix that is not tried, and why, in one sentence."""

    fix: str
    reason: str


def candidates(known: Known, heats: Mapping[str, Heat], speedups: Mapping[str, float]) -> list[Candidate]:
    """Every variant one step from the original or from what was built, not tried yet; each once."""
    found: dict[frozenset[str], Candidate] = {}
    tried = {key(heat.variant) for heat in heats.values()} | {frozenset[str]()}
    for candidate in (*_from(known, Variant(), known.original, 1.0), *_from_heats(known, heats, speedups)):
        identity = key(candidate.variant)
        if identity not in tried and (identity not in found or found[identity].potential < candidate.potential):
            found[identity] = candidate
    return list(found.values())


def key(variant: Variant) -> frozenset[str]:
    """The same for two variants that differ only in the order of their fixes."""
    return frozenset(map(str, variant.fixes))


def refusals(known: Known) -> list[Refusal]:
    """The fixes that would treat a finding here (or that the user names) and cannot be tried, with their reasons."""
    setting = _setting(known, known.original)
    treated = {finding.habit for finding in known.findings}
    named = {*known.options.allow, *known.options.only}
    found: list[Refusal] = []
    for fix in known.fixes.values():
        asked_for = bool(treated & set(fix.treats))
        if not asked_for and fix.name not in named:
            continue
        reason = _missing(fix) or _out_of_reach(known, fix) or _not_allowed(known, fix)
        if not reason and known.original.model.runtime in fix.runtimes:
            reason = fix.refuses(setting)
        if not reason and not asked_for and fix.name not in known.options.allow:
            reason = f"nothing that was found asks for it; --allow {fix.name} has it measured all the same"
        if reason:
            found.append(Refusal(fix.name, reason))
    return found


def _not_allowed(known: Known, fix: Fix) -> str:
    """Why a fix waits for the user's word; "" if it does not, or has it."""
    why = fix.asks(_setting(known, known.original))
    if not why or fix.name in (*known.options.allow, *known.options.only):
        return ""
    return f"{why}; --allow {fix.name} lets it be tried"


def _out_of_reach(known: Known, fix: Fix) -> str:
    """Why no chain of fixes leads to this one, whatever is measured; "" if one may."""
    objective, runtime = known.options.objective, known.original.model.runtime
    if objective not in fix.objectives:
        return f"it can help only with --objective {' or '.join(sorted(fix.objectives))}, not {objective}"
    reached = {runtime}
    while more := {f.gives for f in known.fixes.values() if f.gives and reached & f.runtimes} - reached:
        reached |= more
    if reached & fix.runtimes:
        return ""
    return f"it cannot be applied to {_WITHOUT_A_MODEL.get(runtime, f'a model on {runtime}')}"


_WITHOUT_A_MODEL = {
    "function": "a plain Python function, which only its author can change",
    "script": "a script as a whole",
}


def ceiling_of(fix: Fix, findings: Sequence[Finding]) -> float:
    """The best ceiling of the findings that a fix treats; 1 if it treats none of them."""
    treated = [finding for finding in findings if finding.habit in fix.treats]
    ceilings = [
        min(UNBOUNDED_CEILING, finding.promise) if finding.ceiling is None else finding.ceiling for finding in treated
    ]
    return max(ceilings, default=1.0)


def grown(findings: Sequence[Finding], speedup: float, treated: Sequence[Finding] = ()) -> list[Finding]:
    """As they weigh on a variant that is so many times as fast: what took a hundredth may take a tenth of what is
    left. Of scripts, whose parts stay what they are when another part is gone.

    Where one was `treated`, of all that was found at its place only what must remain of it is left.
    """
    left: dict[str, float] = {}
    for one in treated:
        if one.site and one.floor is not None:
            left[one.site] = min(one.floor, left.get(one.site, 1.0))
    return [
        replace(one, share=min(1.0, one.share * left.get(one.site, 1.0) * max(1.0, speedup)), rest_at_best=1.0)
        for one in findings
    ]


def _treated(known: Known, variant: Variant) -> list[Finding]:
    habits = {habit for applied in variant.fixes for habit in known.fixes[applied.name].treats}
    return [one for one in known.findings if one.habit in habits]


def combined_ceiling(fix: Fix, findings: Sequence[Finding]) -> float:
    """What a fix may give on top of others, which made the rest of the time smaller: as if all of it were at stake."""
    floors = [finding.floor for finding in findings if finding.habit in fix.treats]
    known = [1 / floor for floor in floors if floor]
    return min(max(known, default=COMBINED_CEILING), COMBINED_CEILING)


def _from_heats(known: Known, heats: Mapping[str, Heat], speedups: Mapping[str, float]) -> Iterator[Candidate]:
    for heat in heats.values():
        if heat.nothing_changed:
            continue
        speedup = speedups.get(heat.id, 1.0)
        if heat.workload is not None and not heat.lost and not heat.failure:
            yield from _from(known, heat.variant, heat.workload, speedup)
            yield from _without_another(known, heat, heats, speedups)
        yield from _otherwise_set(known, heat, heats, speedups)


def _from(known: Known, variant: Variant, workload: Workload, speedup: float) -> Iterator[Candidate]:
    """One more fix on top, with its default parameters."""
    setting = _setting(known, workload)
    slots = {known.fixes[applied.name].slot for applied in variant.fixes}
    is_script = known.facts.script is not None
    findings = grown(known.findings, speedup, _treated(known, variant)) if is_script else known.findings
    for fix in known.fixes.values():
        ceiling = ceiling_of(fix, findings)
        if fix.name in known.options.allow:  # Whoever names a fix wants to see it measured.
            ceiling = max(ceiling, UNBOUNDED_CEILING)
        if (
            ceiling < known.options.worth
            or fix.slot in slots
            or (fix.gives and any(known.fixes[applied.name].left_behind for applied in variant.fixes))
            or not _allowed(known, fix, workload)
            or fix.refuses(setting)
        ):
            continue
        space = fix.space(setting)
        if space:
            combined = combined_ceiling(fix, findings)
            on_top = min(ceiling, combined) if is_script else combined
            potential = speedup * (on_top if variant.fixes else ceiling)
            fixed = variant.with_fix(Applied(fix.name, space[0]))
            tag = riskiest(known.fixes, fixed)
            alone = Candidate(fixed, variant.id, potential, fix.odds, _seconds(known, fix, space[0], speedup), tag)
            yield alone
            yield from _with_others(known, alone, fix.beside(setting, space[0]), setting, slots | {fix.slot})


def _with_others(
    known: Known, candidate: Candidate, names: Sequence[str], setting: Setting, slots: set[str]
) -> Iterator[Candidate]:
    """A candidate together with each of the fixes that belong beside its last one; that either helps is more likely."""
    for fix in (known.fixes[name] for name in names if name in known.fixes):
        if fix.slot in slots or not _allowed(known, fix, setting.workload) or fix.refuses(setting):
            continue
        for parameters in fix.space(setting)[:1]:
            both = candidate.variant.with_fix(Applied(fix.name, parameters))
            yield replace(
                candidate,
                variant=both,
                odds=1 - (1 - candidate.odds) * (1 - fix.odds),
                build_seconds=max(candidate.build_seconds, fix.build_seconds),
                tag=riskiest(known.fixes, both),
            )


def _otherwise_set(
    known: Known, heat: Heat, heats: Mapping[str, Heat], speedups: Mapping[str, float]
) -> Iterator[Candidate]:
    """The last fix with its other parameters, on the same parent."""
    if not heat.variant.fixes:
        return
    speedup = speedups.get(heat.id, 1.0)
    parent, last = Variant(heat.variant.fixes[:-1]), heat.variant.fixes[-1]
    below = heats[parent.id].workload if parent.id in heats else known.original
    if below is None:
        return
    fix = known.fixes[last.name]
    if not _allowed(known, fix, below):  # A run that goes on may have other options.
        return
    base = max(speedup, 1.0) if heat.lost else speedup
    for parameters in fix.space(_setting(known, below)):
        if parameters != last.parameters:
            variant = parent.with_fix(Applied(fix.name, parameters))
            yield Candidate(
                variant,
                parent.id,
                base * OTHER_SETTING_CEILING,
                fix.odds * OTHER_SETTING_ODDS,
                _seconds(known, fix, parameters, speedups.get(parent.id, 1.0)),
                riskiest(known.fixes, variant),
            )


def _without_another(
    known: Known, heat: Heat, heats: Mapping[str, Heat], speedups: Mapping[str, float]
) -> Iterator[Candidate]:
    """The last fix, without an earlier one that is for the same call: what that saved may not be there any more."""
    *earlier, last = heat.variant.fixes or (Applied(""),)
    for other in earlier:
        rest = Variant(tuple(applied for applied in earlier if applied != other))
        below = known.original if not rest.fixes else heats[rest.id].workload if rest.id in heats else None
        fix = known.fixes[last.name]
        if below is None or not _for_one_call(known, fix, known.fixes[other.name]) or not _allowed(known, fix, below):
            continue
        if last.parameters in fix.space(_setting(known, below)) and not fix.refuses(_setting(known, below)):
            variant = rest.with_fix(last)
            yield Candidate(
                variant,
                rest.id,
                speedups.get(heat.id, 1.0) * OTHER_SETTING_CEILING,
                fix.odds,
                _seconds(known, fix, last.parameters, speedups.get(rest.id, 1.0)),
                riskiest(known.fixes, variant),
            )


def _for_one_call(known: Known, *fixes: Fix) -> bool:
    """Whether both treat what was found at one place in the source."""
    first, second = ({one.site for one in known.findings if one.habit in fix.treats and one.site} for fix in fixes)
    return bool(first & second)


def _seconds(known: Known, fix: Fix, parameters: Parameters, speedup: float) -> float:
    """Of building it and of its first steps, on a variant that is `speedup` times as fast as the original."""
    return fix.build_seconds + fix.warm_steps(parameters) * known.facts.seconds_per_request / max(speedup, 1.0)


def riskiest(fixes: Mapping[str, Fix], variant: Variant) -> str:
    """The tag of the variant: that of its riskiest fix."""
    tags = {_tag(fixes[applied.name], applied) for applied in variant.fixes}
    return next((tag for tag in ("lossy", "numeric") if tag in tags), "exact")


def _tag(fix: Fix, applied: Applied) -> str:
    return fix.tag if fix.tag_with is None else fix.tag_with(applied.parameters)


def _setting(known: Known, workload: Workload) -> Setting:
    return Setting(workload, known.facts, known.machine, known.options.objective)


def _allowed(known: Known, fix: Fix, workload: Workload) -> bool:
    options = known.options
    chosen = (not options.only or fix.name in options.only) and fix.name not in options.skip
    chosen = chosen and not _not_allowed(known, fix)
    return (
        chosen and options.objective in fix.objectives and workload.model.runtime in fix.runtimes and not _missing(fix)
    )


def _missing(fix: Fix) -> str:
    absent = [library for library in fix.libraries if importlib.util.find_spec(library.partition(".")[0]) is None]
    return f"{absent[0]} is not installed: pip install 'unslow[{fix.extra}]'" if absent else ""
