"""A fix, a variant (a workload with a list of fixes and their parameters), and the workshop in which fixes make
files."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from unslow.core.facts import Facts
from unslow.core.jsonable import to_json
from unslow.core.machine import Machine
from unslow.core.script import Site
from unslow.core.units import size
from unslow.core.workload import Inference, Workload

Tag = Literal["exact", "numeric", "lossy"]
Objective = Literal["latency", "throughput", "cost"]
OBJECTIVES: tuple[Objective, ...] = ("latency", "throughput", "cost")
Parameters = Mapping[str, Any]
ArrayRequest = dict[str, Any]


class Workshop(ABC):
    """Where a fix makes the files that its variant needs; given to `Fix.apply` in a process that only builds.

    What it makes is kept by the content of its key, so that several variants share an export or a calibration.
    """

    facts: Facts
    machine: Machine

    @abstractmethod
    def make(self, name: str, key: Mapping[str, Any], builder: Callable[[Path], None]) -> Path:
        """The folder that `builder(folder)` filled, or an earlier call with the same `name` and `key` did.

        `key` must name everything that the result depends on, except the workload's own content and the versions of the
        installed libraries, which are always part of it. A builder that raises leaves nothing behind.
        """

    @abstractmethod
    def inference(self) -> Inference:
        """The user's live workload, built in this process at the first call; `model` as the user gave it."""

    @abstractmethod
    def requests(self, most: int) -> Sequence[ArrayRequest]:
        """Up to `most` of the user's requests as the model gets them: `{input name: NumPy array}`, in the facts' order.

        They are spread over the stream's mix of shapes, and come from the half that is not used for the finals.
        """


@dataclass(frozen=True)
class Rounding:
    """How a lossy fix rounds a layer: its weights to `weight_bits`, with a scale per output channel or one for all.

    `inputs` of the layer stay "floats", or become 8-bit with a scale for "each" input as it comes, or a "fixed" one.
    """

    weight_bits: int = 8
    per_channel: bool = True
    inputs: Literal["floats", "each", "fixed"] = "floats"


@dataclass(frozen=True)
class Layers:
    """The layers that a lossy fix would round, by the names that its `exclude` takes, in the model's order."""

    names: tuple[str, ...]
    rounding: Rounding = Rounding()


@dataclass(frozen=True)
class Setting:
    """What a fix is asked about: the workload as it would be changed, what is known of it, the machine, the
    objective."""

    workload: Workload
    facts: Facts
    machine: Machine
    objective: Objective = "latency"


def _one_default(setting: Setting) -> Sequence[Parameters]:
    return ({},)


def _nothing_to_say(setting: Setting) -> str:
    return ""


def _alone(setting: Setting, parameters: Parameters) -> Sequence[str]:
    return ()


def _at_once(parameters: Parameters) -> int:
    return 0


@dataclass(frozen=True)
class Edit:
    """A change at one call in the user's source, as plain data; `edits/` carries it out.

    `keywords` are set on the call, each as source (`{"num_workers": "2"}`); those that have a place in `places` may
    stand there without their names. Those in `defaults` are made from what is there (`{"lr": "{} * 2"}`), or from that
    default where nothing is. The argument called `wrapped` (or the
    first one) becomes what `wrap` says, with the argument in place of `{}` ("" for no change); what is called becomes
    what `callee` says (with what a method belongs to in place of `{owner}`), and the whole call what `result` says,
    likewise. `method` is called instead of the one that is.
    `before` are lines that come before the statement, `after_loop` lines that come after the innermost loop that the
    call stands in. `within` is a context in which the call is to happen: the statement that holds it goes into a `with`
    of that; where that would not do (a generator, a lambda, the head of a loop), what is called becomes `within({})`,
    which contexts made with `contextlib` allow. `imports` are lines that the file then needs, `switches` lines that
    come after its imports, for the whole process. `module` is the name and the whole text of a file that is written
    beside the edited one (None: none).
    """

    site: Site
    keywords: Mapping[str, str] = field(default_factory=dict[str, str])
    places: Mapping[str, int] = field(default_factory=dict[str, int])
    defaults: Mapping[str, str] = field(default_factory=dict[str, str])
    wrap: str = ""
    wrapped: str = ""
    callee: str = ""
    result: str = ""
    method: str = ""
    before: tuple[str, ...] = ()
    after_loop: tuple[str, ...] = ()
    within: str = ""
    imports: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    module: tuple[str, str] | None = None


@dataclass(frozen=True)
class Fix:
    """One change, as pure functions.

    Parameters
    ----------
    name, does
        The id, and what it does in one sentence.
    tag
        `exact` (same bits are expected, and checked), `numeric` (another order of the same operations), `lossy`.
    tag_with
        `(parameters) -> tag`, where its form for scripts has another one than its form for models; None: it has not.
    slot
        Fixes of one slot exclude each other: "mode", "runtime", "precision", "threads", "layout", "serving", …
    treats
        The habits that it may remove.
    runtimes
        The runtimes of the model that it can be applied to.
    apply
        `(workload, parameters, workshop) -> workload`. Returns the same workload if it would change nothing. May raise:
        the trial is then `failed` with the message's first line as its reason.
    gives
        The runtime of the model afterwards; "" if it stays.
    refuses
        `(setting) -> str`: in one sentence why it cannot help or cannot be applied here; "" if it can be tried.
    space
        `(setting) -> parameters to try`; the first is the default.
    extra
        The extra of unslow that it needs; "" if none.
    libraries
        The modules that must be importable.
    odds
        The prior odds that it pays where it is tried.
    build_seconds
        What a first build takes, roughly, for ordering only.
    warm_steps
        `(parameters) -> steps` of a script after which it is steady (a cache is filled, workers have started): trying
        it takes their time too.
    beside
        `(setting, parameters) -> names` of fixes that it is tried together with at once, as well as alone: what one
        takes (the cores) is what the other gives back.
    objectives
        For which objectives it may be tried.
    layers
        `(workload, parameters, workshop) -> Layers` of a fix whose parameter `exclude` leaves layers in full precision,
        for the workload before it; None for all other fixes.
    left_behind
        Whether it only says how a live model runs, so that a conversion on top leaves nothing of it.
    asks
        `(setting) -> str`: why it is only tried where the user allows it by name ("it changes which files are
        written"); "" where it may be tried at once.
    why_slower
        `(setting) -> str`: in one clause what makes it slower here where it is measured to be ("no avx512_bf16 or
        amx_bf16: bfloat16 is emulated here"); "" where nothing is known.
    install
        `(parameters)` of a fix for scripts: its run-time form, called in the script's process before the script begins
        (it patches libraries when they are imported, and changes only what is made at the site it is for).
    edit
        `(parameters) -> edits`: what it changes in the script's source; None for a fix that is not for scripts.
    """

    name: str
    does: str
    tag: Tag
    slot: str
    treats: tuple[str, ...]
    runtimes: frozenset[str]
    apply: Callable[[Workload, Parameters, Workshop], Workload]
    gives: str = ""
    refuses: Callable[[Setting], str] = _nothing_to_say
    space: Callable[[Setting], Sequence[Parameters]] = _one_default
    extra: str = ""
    libraries: tuple[str, ...] = ()
    odds: float = 0.5
    build_seconds: float = 1.0
    warm_steps: Callable[[Parameters], int] = _at_once
    beside: Callable[[Setting, Parameters], Sequence[str]] = _alone
    objectives: frozenset[str] = frozenset(OBJECTIVES)
    layers: Callable[[Workload, Parameters, Workshop], Layers] | None = None
    left_behind: bool = False
    asks: Callable[[Setting], str] = _nothing_to_say
    tag_with: Callable[[Parameters], Tag] | None = None
    why_slower: Callable[[Setting], str] = _nothing_to_say
    install: Callable[[Parameters], None] | None = None
    edit: Callable[[Parameters], Sequence[Edit]] | None = None


def _shown(key: str, value: Any) -> str:
    """A parameter in words; the places of calls as "train.py:12"."""
    if isinstance(value, Mapping) and "line" in value:
        return f"{value['file']}:{value['line']}"  # pyright: ignore[reportUnknownMemberType]
    if isinstance(value, Sequence) and value and isinstance(value[0], Mapping) and "site" in value[0]:
        return ", ".join(_shown("site", item["site"]) for item in value)  # pyright: ignore
    if key.endswith("_bytes") and isinstance(value, int | float):
        return f"{key}={size(value)}"
    return f"{key}={value}"


@dataclass(frozen=True)
class Applied:
    """A fix by name, with its parameters."""

    name: str
    parameters: Parameters = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        inside = ", ".join(_shown(key, value) for key, value in self.parameters.items() if value not in ([], ()))
        return f"{self.name}({inside})" if inside else self.name


@dataclass(frozen=True)
class Variant:
    """The fixes of a workload, in the order in which they are applied; none: the original."""

    fixes: tuple[Applied, ...] = ()

    @property
    def id(self) -> str:
        """A short name that is the same in every run: "original", or the hash of the fixes and parameters."""
        if not self.fixes:
            return "original"
        text = json.dumps(to_json(self.fixes), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def __str__(self) -> str:
        return " + ".join(map(str, self.fixes)) or "original"

    def with_fix(self, applied: Applied) -> Variant:
        return Variant((*self.fixes, applied))
