"""The losses of a script's steps: what it calls `backward` on."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from typing import Any, Protocol, cast, final

from unslow.core.script import StepKind
from unslow.scripts.imports import when_imported
from unslow.scripts.layers import put_around
from unslow.scripts.run import Plan


@final
class Losses:
    """Keeps what each step went backward from, as tensors: asking for numbers would wait for the device.

    `most`: of so many steps alone.
    """

    def __init__(self, most: float = math.inf) -> None:
        self.on = True
        self._most = most
        self._kept: list[Any] = []
        self._summed: Any = None

    def watch(self) -> None:
        """From now on, in this process."""

        def patch(module: Any) -> None:
            put_around(module, "backward", self._watched, self)

        when_imported("torch.autograd", patch)
        when_imported("torch.amp.grad_scaler", _keep_unscaled)

    def _watched(self, call: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        first = first_of(args[0] if args else kwargs.get("tensors"))
        first = getattr(first, _UNSCALED, first)
        if hasattr(first, "numel") and first.numel() == 1:
            loss = first.detach().clone()
            self._summed = loss if self._summed is None else self._summed + loss
        return call()

    def stepped(self) -> None:
        """A step is over: what was summed (over the parts of an accumulated batch) is its loss."""
        if self._summed is not None:
            self._kept.append(self._summed)
            self._summed = None
            self.on = len(self._kept) < self._most

    def values(self) -> list[float]:
        return [float(loss) for loss in self._kept]

    def __len__(self) -> int:
        return len(self._kept)


LEAST_STEPS = 6
_UNSCALED = "_unslow_unscaled"


def _keep_unscaled(module: Any) -> None:
    """A loss that is scaled for float16 is known by what it was: the scale changes while the script runs."""
    inner = module.GradScaler.scale

    @functools.wraps(inner)
    def scaled(scaler: Any, outputs: Any) -> Any:
        result = inner(scaler, outputs)
        if hasattr(outputs, "detach") and result is not outputs:
            setattr(result, _UNSCALED, outputs.detach())
        return result

    module.GradScaler.scale = scaled


def first_of(tensors: Any) -> Any:
    """What `backward` is called on: a tensor, or the first of several."""
    if not isinstance(tensors, (list, tuple)):
        return tensors
    several = cast(list[Any], tensors)
    return several[0] if several else None


class Kept(Protocol):
    """What is kept of every step."""

    def stepped(self) -> None:
        """A step is over."""
        ...


def first_steps(kept: Kept, kind: StepKind, steps: int, seconds: float) -> Plan:
    """Until `steps` have been taken, or `seconds` are over since the first and at least half of a dozen have."""
    ends = math.inf
    count = 0
    while count < steps and (time.monotonic() < ends or count < LEAST_STEPS):
        if (yield) == kind:
            kept.stepped()
            count += 1
            ends = min(ends, time.monotonic() + seconds)
