"""Where the steps of a script end, found without touching it.

An optimizer step, a batch taken from a `DataLoader`, a call of a model that no other model makes, a request answered
by an ONNX Runtime session, or the end of a `with unslow.step():` block.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

from unslow.core.script import StepKind
from unslow.core.step import when_stepped
from unslow.scripts.imports import when_imported
from unslow.scripts.layers import ALWAYS, Around, Switch, outermost_only, put_around

KINDS: tuple[StepKind, ...] = get_args(StepKind)
OTHERS_MAY_STEP = 20
"""After so many steps of other optimizers alone, one of those is the clock: the first has done its part."""

Listener = Callable[[StepKind], None]


@dataclass
class _Ear:
    """A switch for the steps of one kind."""

    on: bool = True


_EARS: dict[StepKind, _Ear] = {kind: _Ear() for kind in KINDS}


def listen(listener: Listener, kinds: Iterable[StepKind] = KINDS) -> None:
    """Tell of every step of these kinds, at its end, from now on. Called before the script begins."""
    for kind in kinds:
        _EARS[kind].on = True
        _SOURCES[kind](functools.partial(listener, kind), _EARS[kind])


def settle_on(kind: StepKind) -> None:
    """From now on steps that are less surely the script's than those of `kind` need not be told of: that takes time."""
    for other in KINDS[KINDS.index(kind) + 1 :]:
        _EARS[other].on = False


def _marked(tell: Callable[[], None], _: Switch) -> None:
    when_stepped(tell)


def _optimizers(tell: Callable[[], None], _: Switch) -> None:
    """Of several optimizers (as for two networks that play against each other) one is the clock."""
    clock: dict[str, int] = {"of": 0, "others": 0}

    def stepped(optimizer: Any, *_: Any) -> None:
        if clock["of"] not in (0, id(optimizer)) and clock["others"] < OTHERS_MAY_STEP:
            clock["others"] += 1
            return
        clock.update(of=id(optimizer), others=0)
        tell()

    def patch(module: Any) -> None:
        module.register_optimizer_step_post_hook(stepped)

    when_imported("torch.optim.optimizer", patch)


def _loaders(tell: Callable[[], None], switch: Switch) -> None:
    """A step ends where the next batch is asked for: what is done with a batch belongs to it."""

    def taken(call: Callable[[], Any], args: tuple[Any, ...], _: dict[str, Any]) -> Any:
        if getattr(args[0], "_num_yielded", 0):
            tell()
        return call()

    def patch(module: Any) -> None:
        put_around(module._BaseDataLoaderIter, "__next__", taken, switch)

    when_imported("torch.utils.data.dataloader", patch)


def _models(tell: Callable[[], None], switch: Switch) -> None:
    def patch(module: Any) -> None:
        outermost(module, _nothing, lambda called: tell(), switch)

    when_imported("torch.nn.modules.module", patch)


def _nothing(module: Any) -> None:
    """Nobody wants to know."""


def outermost(
    library: Any, begins: Callable[[Any], None], ends: Callable[[Any], None], switch: Switch = ALWAYS
) -> None:
    """Tell when a module begins and ends that no other module calls; `library` is `torch.nn.modules.module`."""

    def told(call: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        begins(args[0])
        try:
            return call()
        finally:
            ends(args[0])

    around_outermost(library, told, switch)


def around_outermost(library: Any, around: Around, switch: Switch = ALWAYS) -> None:
    """Call `around` in place of a module that no other module calls, while `switch` is on; `args` begins with it.
    `library` is `torch.nn.modules.module`.
    """
    put_around(library.Module, "__call__", around, switch, outermost_only)


def _sessions(tell: Callable[[], None], switch: Switch) -> None:
    def run(call: Callable[[], Any], *_: Any) -> Any:
        answer = call()
        tell()
        return answer

    def patch(module: Any) -> None:
        put_around(module.Session, "run", run, switch)

    when_imported("onnxruntime.capi.onnxruntime_inference_collection", patch)


_SOURCES: dict[StepKind, Callable[[Callable[[], None], Switch], None]] = {
    "step": _marked,
    "optimizer": _optimizers,
    "loader": _loaders,
    "forward": _models,
    "request": _sessions,
}
