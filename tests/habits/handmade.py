"""Small profiles, facts and machines made by hand: what a habit sees, with nothing in it but what a test is about.

::

    evidence(step(op("aten::mm", 60), op("aten::relu", 10)), facts(grad_recorded=True), machine(floors={...}))

Times are in µs. What the operators of a step do not cover is Python (`framework`), so a step of 100 µs with 70 µs of
operators has a framework share of 0.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from unslow.core.facts import Facts
from unslow.core.finding import Evidence, Finding, Habit
from unslow.core.machine import Machine
from unslow.core.profile import Category, Profile, Span
from unslow.core.script import LoaderFacts, Noted, ScriptFacts, Site, StepKind

STEP_US = 100
Shapes = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Op:
    """One operator of `us` µs, in which its `calls` run first."""

    name: str
    us: float
    category: Category
    details: dict[str, Any]
    calls: tuple[Op, ...] = ()


def op(
    name: str,
    us: float,
    dtype: str = "float32",
    shape: Sequence[int] = (2, 8),
    *,
    category: Category = "compute",
    calls: Sequence[Op] = (),
    **details: Any,
) -> Op:
    """An operator with one array input of this dtype and shape; `dtype=""`: the recording does not know."""
    known = {"dtypes": [dtype], "shapes": [list(shape)]} if dtype else {}
    return Op(name, us, category, {**known, **details}, tuple(calls))


def step(*ops: Op, us: float = STEP_US, requests: int = 1, source: str = "kineto") -> Profile:
    """A checked profile of one step of `us` µs with these operators, one after the other."""
    root = Span("step", "framework", 0, round(us * 1000))
    return Profile((root, *_spans(ops, 0, 0, 1)), source, requests).self_check()


def in_a_row(*profiles: Profile) -> Profile:
    """The steps of these profiles, one after the other."""
    spans: list[Span] = []
    for one in profiles:
        first, at_ns = len(spans), max((span.end_ns for span in spans), default=0)
        spans += [
            replace(
                span,
                start_ns=span.start_ns + at_ns,
                end_ns=span.end_ns + at_ns,
                parent=span.parent + first if span.parent >= 0 else -1,
            )
            for span in one.spans
        ]
    return replace(profiles[0], spans=tuple(spans), requests=len(profiles)).self_check()


def _spans(ops: Sequence[Op], start_ns: int, parent: int, index: int) -> list[Span]:
    spans: list[Span] = []
    for one in ops:
        end_ns = start_ns + round(one.us * 1000)
        here = index + len(spans)
        spans.append(Span(one.name, one.category, start_ns, end_ns, parent, one.details))
        spans += _spans(one.calls, start_ns, here, here + 1)
        start_ns = end_ns
    return spans


def facts(framework: str = "torch", **fields: Any) -> Facts:
    """A workload of 32 requests of 100 µs, on one core, without anything amiss."""
    plain = Facts(framework, 32, 100e-6, 1.0, 10**8, 100e-6)
    return replace(plain, **fields)


def machine(cores: int = 2, floors: dict[str, float] | None = None, **fields: Any) -> Machine:
    """A machine with as many logical cores as usable ones, and no floor measured unless given."""
    plain = Machine("processor", cores, cores, cores, None, 2**33, ("avx2",), (), "Linux", "3.11")
    return replace(plain, floors=floors or {}, **fields)


def phase(kind: str, us: float, category: Category = "compute", calls: tuple[Op, ...] = ()) -> Op:
    """A phase of a script's step: what the script called for so many µs, with operators in it."""
    return Op(kind, us, category, {"phase": kind}, calls)


def loader(**fields: Any) -> LoaderFacts:
    """A loader without workers at line 9, whose items of 3 ms are always the same, in epochs of 8 batches of 16."""
    plain = LoaderFacts(
        Site("train.py", 9, 4, 9, 30), True, "Photos", 128, 16, 0, False, False, 0, 20, 2, 60e-6, item_s=3e-3,
        deterministic=True, fixed_shapes=True, item_bytes=12_000, batches_per_epoch=8,
    )  # fmt: skip
    return replace(plain, **fields)


def noted(kind: str, direct: bool = True, line: int = 3, times: int = 0, seconds: float = 0.0, **details: Any) -> Noted:
    """A call in line 3 of the user's script, made so many times within its steps, where it took so many s in all."""
    return Noted(kind, Site("train.py", line, 0), direct, max(1, times), details, times, seconds)


def model(**fields: Any) -> Noted:
    """A float32 network on the processor, called in line 3 in each of 20 steps, with inputs of one shape."""
    details = {
        "class": "Net", "device": "cpu", "capability": [], "parameter_bytes": {"float32": 1000}, "training": True,
        "autocast": False, "compiled": False, "images": 0, "channels_last": False, "convolutions": 0, "shapes": 1,
        "returns": "float32", "matmul_precision": "highest", "cudnn_tf32": True, "cudnn_benchmark": False,
    }  # fmt: skip
    direct, line = bool(fields.pop("direct", True)), int(fields.pop("line", 3))
    steps = int(fields.pop("times_in_steps", 20))
    return replace(noted("model", direct, line, **{**details, **fields}), times=steps, times_in_steps=steps)


def gpu_model(**fields: Any) -> Noted:
    """The same on an H100."""
    return model(**{"device": "cuda", "capability": [9, 0], **fields})


def script(*loaders: LoaderFacts, **fields: Any) -> Facts:
    """A script of optimizer steps of 100 µs, which take one core."""
    known = ScriptFacts("optimizer", 20, loaders=loaders, **fields)
    return facts("script", script=known, flat_inputs=False)


def scoring(*calls: Noted, step: StepKind = "loader", loaders: Sequence[LoaderFacts] = ()) -> Facts:
    """A script that only calls models, a batch a step."""
    known = ScriptFacts(step, 20, loaders=tuple(loaders), noted=calls)
    return facts("script", script=known, flat_inputs=False)


EMPTY = Profile((), "kineto")


def evidence(profile: Profile = EMPTY, known: Facts | None = None, on: Machine | None = None) -> Evidence:
    return Evidence(profile, known or facts(), on or machine())


def found(habit: Habit, *cases: Evidence) -> list[Finding]:
    """What the habit finds in all the cases."""
    return list(chain.from_iterable(habit.detect(case) for case in cases))


def the(habit: Habit, case: Evidence) -> Finding:
    """The one finding in this case."""
    findings = list(habit.detect(case))
    assert len(findings) == 1, findings
    return findings[0]
