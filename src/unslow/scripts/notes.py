"""Calls that habits ask about, noted by the place where the user makes them.

`backward`: what it is called on is float64; `double`: makes float64 numbers (`torch.from_numpy`, `.double()`);
`optimizer`: an optimizer is made; `fill`: gradients are set to zero rather than dropped; `anomaly`: autograd is told to
look for NaN in every operation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast, final

from unslow.core.script import Noted
from unslow.scripts.imports import when_imported
from unslow.scripts.losses import first_of
from unslow.scripts.sites import Called, called_from

MAKERS = ("from_numpy", "tensor", "as_tensor")
METHODS = ("double", "to")


@final
class Notes:
    """Collects them while the script runs."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Noted] = {}

    def watch(self) -> None:
        """From now on; libraries as they are imported."""
        when_imported("torch", self._tensors)
        when_imported("torch.nn.modules.module", lambda module: self._doubling(module.Module, "double"))
        when_imported("torch.autograd", self._backward)
        when_imported("torch.optim.optimizer", self._optimizers)
        when_imported("torch.autograd.anomaly_mode", self._anomaly)

    def facts(self) -> tuple[Noted, ...]:
        return tuple(self._found.values())

    def _note(self, kind: str, called: Called | None, details: Mapping[str, Any]) -> None:
        if called is None:
            return
        key = kind, str(called.site) + str(called.site.column)
        before = self._found.get(key)
        # The first note of a place is of the call itself; what follows may be a call that it makes.
        self._found[key] = (
            Noted(kind, called.site, called.direct, 1, details)
            if before is None
            else replace(before, times=before.times + 1)
        )

    def _tensors(self, torch: Any) -> None:
        for name in MAKERS:
            self._after(torch, name, functools.partial(self._made, torch.float64, name))
        for name in METHODS:
            self._after(torch.Tensor, name, functools.partial(self._made, torch.float64, name))
        self._default_dtype(torch)

    def _made(self, float64: Any, name: str, result: Any) -> None:
        if getattr(result, "dtype", None) is float64:
            details = {"call": name, "elements": int(result.numel())}
            self._note("double", called_from(2), details)

    def _backward(self, module: Any) -> None:
        inner = module.backward

        @functools.wraps(inner)
        def noted(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if str(getattr(first_of(tensors), "dtype", "")) == "torch.float64":
                self._note("backward", called_from(), {"dtype": "float64"})
            return inner(tensors, *args, **kwargs)

        module.backward = noted

    def _default_dtype(self, torch: Any) -> None:
        set_dtype = torch.set_default_dtype

        @functools.wraps(set_dtype)
        def noted(dtype: Any) -> Any:
            if dtype is torch.float64:
                self._note("double", called_from(), {"call": "set_default_dtype", "elements": 0})
            return set_dtype(dtype)

        torch.set_default_dtype = noted

    def _doubling(self, kind: Any, name: str) -> None:
        inner = getattr(kind, name)

        @functools.wraps(inner)
        def noted(module: Any) -> Any:
            elements = sum(parameter.numel() for parameter in module.parameters())
            self._note("double", called_from(), {"call": "Module.double", "elements": elements})
            return inner(module)

        setattr(kind, name, noted)

    def _after(self, owner: Any, name: str, tell: Callable[[Any], None]) -> None:
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def noted(*args: Any, **kwargs: Any) -> Any:
            result = inner(*args, **kwargs)
            tell(result)
            return result

        setattr(owner, name, noted)

    def _optimizers(self, module: Any) -> None:
        made, zeroed = module.Optimizer.__init__, module.Optimizer.zero_grad

        @functools.wraps(made)
        def noted_made(optimizer: Any, params: Any, defaults: Any) -> None:
            made(optimizer, params, defaults)
            self._note("optimizer", called_from(making=optimizer), _of_optimizer(optimizer, defaults))

        @functools.wraps(zeroed)
        def noted_zeroed(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if (args and not args[0]) or not kwargs.get("set_to_none", True):
                self._note("fill", called_from(), {"positional": bool(args)})
            return zeroed(optimizer, *args, **kwargs)

        module.Optimizer.__init__, module.Optimizer.zero_grad = noted_made, noted_zeroed

    def _anomaly(self, module: Any) -> None:
        for name in ("set_detect_anomaly", "detect_anomaly"):
            kind = getattr(module, name)
            kind.__init__ = self._noting_anomaly(kind.__init__, name)

    def _noting_anomaly(self, made: Callable[..., None], name: str) -> Callable[..., None]:
        @functools.wraps(made)
        def noted(mode: Any, *args: Any, **kwargs: Any) -> None:
            on = name == "detect_anomaly" or bool(args[0] if args else kwargs.get("mode"))
            if on:
                self._note("anomaly", called_from(making=mode), {"call": name, "positional": bool(args)})
            made(mode, *args, **kwargs)

        return noted


def _of_optimizer(optimizer: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    kind = cast(Any, type(optimizer))
    tensors = [tensor for group in optimizer.param_groups for tensor in group["params"]]
    return {
        "class": kind.__name__,
        "module": kind.__module__,
        "fused": bool(defaults.get("fused")),
        "foreach": defaults.get("foreach") is not None,
        "can_be_fused": "fused" in defaults,
        "tensors": len(tensors),
        "devices": sorted({tensor.device.type for tensor in tensors}),
    }
