"""`ddp`: a model is made a `DistributedDataParallel`; how often its gradients are exchanged, and what goes unused."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, final

from unslow.scripts.imports import when_imported
from unslow.scripts.layers import put_around
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import called_from

MOST_LOOKED_AT = 20
"""Optimizer steps before which the parameters without a gradient are counted."""


def begin(notes: Notes) -> None:
    """From now on."""
    seen = _Parallel(notes)
    when_imported("torch.nn.parallel.distributed", seen.patch)
    when_imported("torch.autograd", seen.patch_backward)
    when_imported("torch.optim.optimizer", lambda module: module.register_optimizer_step_pre_hook(seen.steps))


@final
class _Parallel:
    """Every such model that the script makes, with what is noted of it."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._models: list[tuple[Any, dict[str, Any]]] = []
        self._of: dict[int, list[tuple[Any, dict[str, Any]]]] = {}
        self._answered: dict[int, dict[str, Any]] = {}

    def patch(self, module: Any) -> None:
        kind = module.DistributedDataParallel
        made, forward = kind.__init__, kind.forward

        @functools.wraps(made)
        def noted(model: Any, *args: Any, **kwargs: Any) -> None:
            made(model, *args, **kwargs)
            details = {
                "find_unused": bool(model.find_unused_parameters),
                "static": bool(getattr(model, "static_graph", False)),
                "world": int(model.process_group.size()), "exchanges": 0, "steps": 0, "looked_at": 0, "unused": 0,
            }  # fmt: skip
            self._models.append((model, details))
            self._of.clear()
            self._notes.note("ddp", called_from(making=model), details)

        @functools.wraps(forward)
        def answered(model: Any, *args: Any, **kwargs: Any) -> Any:
            answer = forward(model, *args, **kwargs)
            if self._notes.on and model.require_backward_grad_sync and module.torch.is_grad_enabled():
                self._answered[id(model)] = self._details(model)
            return answer

        kind.__init__, kind.forward = noted, answered

    def patch_backward(self, module: Any) -> None:
        def noted(call: Callable[[], Any], *_: Any) -> Any:
            for details in self._answered.values():
                details["exchanges"] += self._notes.stepping
            self._answered.clear()
            return call()

        put_around(module, "backward", noted, self._notes)

    def steps(self, optimizer: Any, *_: Any) -> None:
        """Before a step of an optimizer: of the models whose parameters it moves."""
        if not self._models or not (self._notes.stepping and self._notes.on):
            return
        for model, details in self._moved_by(optimizer):
            details["steps"] += 1
            if details["looked_at"] < MOST_LOOKED_AT:
                details["looked_at"] += 1
                unused = sum(weight.requires_grad and weight.grad is None for weight in model.parameters())
                details["unused"] = max(details["unused"], unused)

    def _moved_by(self, optimizer: Any) -> list[tuple[Any, dict[str, Any]]]:
        if id(optimizer) not in self._of:
            moved = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
            self._of[id(optimizer)] = [
                (model, details)
                for model, details in self._models
                if any(id(weight) in moved for weight in model.parameters())
            ]
        return self._of[id(optimizer)]

    def _details(self, model: Any) -> dict[str, Any]:
        return next((details for known, details in self._models if known is model), {"exchanges": 0})


WATCH = Watch(name="parallel", kinds=("ddp",), begin=begin)
