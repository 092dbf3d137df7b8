"""What was learned of a script by running it for a while: plain data, which travels between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

StepKind = Literal["step", "optimizer", "loader", "forward", "request"]
STEP_WORDS: dict[StepKind, str] = {
    "step": "a `with unslow.step():` block",
    "optimizer": "an optimizer step",
    "loader": "a batch of a DataLoader",
    "forward": "a call of a model",
    "request": "a call of an ONNX Runtime session",
}
"""What counts as a step, the surest first: where a script has several of them, the first of these is its step."""
LONGEST_PERIOD_S, LONGEST_RHYTHM_S = 1.0, 4.0
"""A turn that is a whole epoch, or one that holds what is done every so many steps, is no longer than this."""
PHASE_MARK = "unslow:"
"""Begins the marks that phases leave among the operators of a recording."""


@dataclass(frozen=True)
class Site:
    """A call in the user's own source: `file` below the script's working folder, lines from 1, columns from 0."""

    file: str
    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.file else ""


@dataclass(frozen=True)
class LoaderFacts:
    """A `DataLoader`, by the place where it is made.

    `items` is the length of its data set, `batches_per_epoch` its own (0: neither is known), `batches` how many were
    taken in all, `epochs` how often it was begun. `wait_s` is what the script waited for a batch (median), `restart_s`
    for the first one of an epoch. `item_s` and `collate_s` are what one item and joining one batch take, tried in one
    process; 0 where they could not be. `deterministic`: items asked for twice are the same to the bit, whatever the
    random state; `fixed_shapes`: all that were tried have the same shapes; `item_bytes` is what one takes as arrays (0:
    it is not made of arrays). `item_cpu_s` is the processor time of one item (median): much less than `item_s` where a
    disk or a network is waited for. `slowest_item_s` is the longest that was tried. `start_method` is the way of
    starting processes in which one made an item: "fork", "forkserver", "none" (it could not in any), "" (not tried);
    `why_not_forked` says what a forked one did instead. `made` is how often the call made one: in a loop, more than
    once. `direct`: it is made by a call in the user's own source, which can be edited. `vector_collate_s` is what
    joining one batch takes field by field, as `joined` says (see `scripts.collation`), with the same result; where
    nothing says so, `why_not_vectorised` does. `collate` is the user's own function that joins. `slowest_line` of the
    user's own source takes longest in making an item, `slowest_line_part` of it. `iterable`: its data set gives items
    one after the other, and each worker would give all of them, unless it divides them itself. `changes` is what its
    data set is told or changes from one epoch to the next ("set_epoch()", "epoch"; "": nothing that was seen): workers
    that live on would not see it, and items that are kept would stay those of the first. `doubles`: its items hold
    64-bit floats.
    """

    site: Site
    direct: bool
    dataset: str
    items: int
    batch_size: int
    workers: int
    persistent: bool
    pinned: bool
    prefetch_factor: int
    batches: int
    epochs: int
    wait_s: float
    restart_s: float = 0.0
    item_s: float = 0.0
    collate_s: float = 0.0
    deterministic: bool = False
    fixed_shapes: bool = False
    item_bytes: int = 0
    why_not_cached: str = ""
    batches_per_epoch: int = 0
    made: int = 1
    item_cpu_s: float = 0.0
    slowest_item_s: float = 0.0
    start_method: str = ""
    why_not_forked: str = ""
    vector_collate_s: float = 0.0
    why_not_vectorised: str = ""
    joined: Mapping[str, Any] = field(default_factory=dict[str, Any])
    collate: Site | None = None
    slowest_line: str = ""
    slowest_line_part: float = 0.0
    iterable: bool = False
    changes: str = ""
    doubles: bool = False


FORCING = frozenset({"os.fsync", "os.fdatasync"})
"""Calls that return when the disk has it: the thread sleeps meanwhile."""


@dataclass(frozen=True)
class Written:
    """Something the script writes inside its steps: a "checkpoint", a "print", a "log", by the place of the call.

    `call` is what is called ("numpy.savez"). `into_open_file`: what it writes to is no path, but a file that the script
    has opened by itself.
    """

    kind: str
    site: Site
    calls_per_step: float
    seconds_per_step: float
    direct: bool = True
    into_open_file: bool = False
    call: str = ""


@dataclass(frozen=True)
class Noted:
    """A call that a habit asks about, by the place of the call: `kind` says which (see `scripts.notes`).

    `times` is how often it was made, `times_in_steps` how often after the script's first step, where it took
    `seconds_in_steps` in all (0 where it is not timed); `details` are its own, plain JSON.
    """

    kind: str
    site: Site
    direct: bool
    times: int = 1
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    times_in_steps: int = 0
    seconds_in_steps: float = 0.0

    def weighs_mostly(self, dtype: str) -> bool:
        """Of the call of a model: whether more than half of the bytes of its weights are of this type."""
        known: Mapping[str, int] = self.details["parameter_bytes"]
        return 2 * known.get(dtype, 0) > sum(known.values())


@dataclass(frozen=True)
class ScriptFacts:
    """Learned by the survey, in a process of its own, with outputs kept apart from the user's.

    `step` is what counts as one; `steps` were taken. `period` is the number of steps of an epoch (0: unknown); every
    `rhythm` steps one takes much longer (an evaluation, a checkpoint; 0: none does). In `unnoted_steps` of the steps
    calls were not noted, since they were timed; the others but the first took `noted_s` seconds (0: not known).
    `ended`: it ended by itself while it was watched, after `run_s` seconds. `whole_runs` says why its turns are whole
    runs ("" where they are steps). `sources` are the script's own modules, by file, with the hash of what was in them.
    """

    step: StepKind
    steps: int
    period: int = 0
    rhythm: int = 0
    loaders: tuple[LoaderFacts, ...] = ()
    written: tuple[Written, ...] = ()
    noted: tuple[Noted, ...] = ()
    ended: bool = False
    has_losses: bool = False
    torch: bool = False
    notes: tuple[str, ...] = ()
    whole_runs: str = ""
    run_s: float = 0.0
    unnoted_steps: int = 0
    noted_s: float = 0.0
    sources: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def noted_steps(self) -> int:
        """Steps in which calls were noted, at least 1: the first one ends before calls count as in steps."""
        return max(1, self.steps - self.unnoted_steps - 1)

    def of_kind(self, kind: str) -> tuple[Noted, ...]:
        """What was noted of that kind."""
        return tuple(noted for noted in self.noted if noted.kind == kind)

    def turn_steps(self, seconds_per_step: float) -> int:
        """The steps of a turn are a multiple of this: an epoch, where it is short, so that what is done once an epoch
        is in every turn; else the rhythm, for what is done every so many steps."""
        for steps, longest_s in ((self.period, LONGEST_PERIOD_S), (self.rhythm, LONGEST_RHYTHM_S)):
            if steps and steps * seconds_per_step <= longest_s:
                return steps
        return 1
