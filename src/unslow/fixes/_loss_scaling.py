"""The part of mixed precision that float16 alone needs: losses are scaled, and an optimizer steps on unscaled
gradients."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Site
from unslow.core.variant import Edit, Parameters, Setting
from unslow.fixes._script import facts_of, helper, site_of

DECORATORS = f"{os.sep}torch{os.sep}optim{os.sep}"
"""Where what PyTorch puts around an optimizer's `step` lies."""


def cannot_scale(setting: Setting) -> str:
    """Why the script's losses cannot be scaled by changing its calls; "" if they can."""
    script = facts_of(setting)
    losses, updates = script.of_kind("goes-backward"), script.of_kind("updates")
    if script.of_kind("scaler"):
        return "the script scales its losses by itself"
    if script.of_kind("clips"):
        return "float16 would need its gradients scaled back before they are clipped, which is to be done by hand"
    if len(losses) != 1 or len(updates) != 1:
        return "float16 needs one loss and one optimizer, whose calls can be changed"
    if not all(noted.direct and not noted.details["arguments"] for noted in (*losses, *updates)):
        return "float16 needs a plain loss.backward() and optimizer.step() in the script's own source"
    return ""


def scaled_calls(setting: Setting) -> dict[str, Any]:
    """The two calls, as a fix's parameters."""
    script = facts_of(setting)
    return {
        name: {"site": to_json(script.of_kind(kind)[0].site)}
        for name, kind in (("backward", "goes-backward"), ("step", "updates"))
    }


def install_scaling(parameters: Parameters) -> None:
    """At these calls; libraries as they are imported."""
    from unslow.scripts.imports import when_imported

    def scaling() -> Any:
        return importlib.import_module("unslow.helpers.loss_scaling")

    def on_tensors(module: Any) -> None:
        site = site_of(parameters["backward"])
        module.Tensor.backward = _at(site, module.Tensor.backward, lambda loss: scaling().scaled(loss).backward)

    def on_optimizers(module: Any) -> None:
        decorated: Callable[[Any], Any] = module.Optimizer.profile_hook_step

        def instead(step: Any) -> Any:
            return _at(site_of(parameters["step"]), decorated(step), lambda owner: scaling().unscaled(owner).step)

        module.Optimizer.profile_hook_step = staticmethod(instead)

    when_imported("torch._tensor", on_tensors)
    when_imported("torch.optim.optimizer", on_optimizers)


def _at(site: Site, method: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """The method, which at a call at that site is `change` of its owner; what this calls in turn is the method."""
    from unslow.scripts.sites import called_from, direct_frame

    chosen: dict[tuple[CodeType, int], bool] = {}
    busy = False

    @functools.wraps(method)
    def changed(owner: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal busy
        frame = None if busy else direct_frame(through=DECORATORS)
        if frame is None:
            return method(owner, *args, **kwargs)
        key = frame.f_code, frame.f_lasti
        if key not in chosen:
            called = called_from()
            chosen[key] = called is not None and called.site == site
        if not chosen[key]:
            return method(owner, *args, **kwargs)
        busy = True
        try:
            return change(owner)(*args, **kwargs)
        finally:
            busy = False

    return changed


def scaling_edits(parameters: Parameters) -> Sequence[Edit]:
    """`loss.backward()` becomes `scaled(loss).backward()`, and `optimizer.step()` `unscaled(optimizer).step()`."""
    return tuple(
        Edit(
            site_of(parameters[method]),
            callee=f"{name}({{owner}}).{method}",
            imports=("from loss_scaling import scaled, unscaled",),
            module=helper("loss_scaling.py"),
        )
        for name, method in (("scaled", "backward"), ("unscaled", "step"))
    )
