"""Fixes, findings and heats made by hand, for the search: no fix of the product, no library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fake_bench import ORIGINAL
from handmade import facts, machine
from unslow.core.finding import Finding
from unslow.core.heat import Heat
from unslow.core.options import Options
from unslow.core.variant import Applied, Fix, Parameters, Setting, Variant, Workshop
from unslow.core.workload import Workload
from unslow.search.space import Known


def made_fix(name: str, slot: str = "", habit: str = "slow", space: Sequence[Parameters] = ({},), **fields: Any) -> Fix:
    """A fix that treats `habit`, in a slot of its own unless named."""

    def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
        return workload

    def offered(setting: Setting) -> Sequence[Parameters]:
        return space

    plain = Fix(name, "does it", "exact", slot or name, (habit,), frozenset({"torch-module"}), apply, space=offered)
    return replace(plain, **fields)


def finding(habit: str = "slow", share: float = 0.5, floor: float | None = 0.0) -> Finding:
    return Finding(habit, "It is slow.", share, floor)


def known(*fixes: Fix, findings: Sequence[Finding] | None = None, **options: Any) -> Known:
    seen = [finding()] if findings is None else findings
    return Known(ORIGINAL, facts(), machine(), seen, {fix.name: fix for fix in fixes}, Options(**options))


def variant(*names: str | Applied) -> Variant:
    return Variant(tuple(Applied(name) if isinstance(name, str) else name for name in names))


def ran(of: Variant, ratio: float = 0.5, pairs: int = 30, **fields: Any) -> Heat:
    """A heat of `pairs` pairs with this log-ratio, of a workload that has changed."""
    workload = replace(ORIGINAL, model=replace(ORIGINAL.model, settings={"fixed": str(of)}))
    return Heat(of, workload, log_ratios=tuple([ratio] * pairs), **fields)


def heats(*found: Heat) -> dict[str, Heat]:
    return {heat.id: heat for heat in found}
