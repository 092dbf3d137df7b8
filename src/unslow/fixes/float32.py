"""Computes in 32-bit floats what was computed in 64-bit ones.

What it is
----------
The weights and the inputs become 32-bit floats (7 decimal digits); the answers are given in their old type. Models
become 64-bit by accident: a NumPy array is 64-bit unless said otherwise, and one such array in the weights makes all
that follows 64-bit. In a script the calls that make 64-bit floats are changed, and data sets whose items hold them are
put into `InFloat32`, a small module written beside the script.

Why it is slow
--------------
64-bit numbers take twice the memory and twice the time to move, and a vector instruction computes half as many of
them. Some engines have no good 64-bit kernels at all.

How it shows
------------
The habit `float64-compute`: the share of the time in operations on 64-bit floats, and what 32-bit ones take of it on
this machine (half, as a rule).

When it does not matter
-----------------------
When the 64-bit part is small, or when the digits are needed: long sums, differences of nearly equal numbers, physics.

Risk
----
Answers differ from the 7th digit on. unslow measures how much on each request.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unslow.core.facts import Facts
from unslow.core.jsonable import to_json
from unslow.core.script import Noted, Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, around_calls, facts_of, helper, site_of, when_made, with_change
from unslow.fixes._settings import TORCH_RUNTIMES, output_types, with_settings

NAME = "float32"
_MAKERS = {
    "from_numpy": (("torch", "from_numpy"),),
    "tensor": (("torch", "tensor"),),
    "as_tensor": (("torch", "as_tensor"),),
    "double": (("torch", "Tensor.double"),),
    "to": (("torch", "Tensor.to"),),
    "Module.double": (("torch.nn.modules.module", "Module.double"),),
}
DEFAULT = "set_default_dtype"
"""How a script comes by float64, and what is to be changed there; each answers something that has `.float()`."""
BY_DTYPE = "by_dtype"
"""What is known of a call that is told its type by the argument `dtype`: that is changed, and what it makes is a leaf
as before."""
MODULE = "module"
"""What is known of a call that makes a layer: the module in which its kind is defined."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Sets the runtime's type (nothing where nothing is 64-bit); of a script, changes the calls that make doubles."""
    if "calls" in parameters:
        return with_change(workload, NAME, parameters)
    if not _has_doubles(workshop.facts):
        return workload
    return with_settings(workload, dtype="float32", output_dtypes=output_types(workshop.facts))


def _has_doubles(facts: Facts) -> bool:
    return facts.parameter_bytes.get("float64", 0) > 0 or any(leaf.dtype == "float64" for leaf in facts.inputs)


def refuses(setting: Setting) -> str:
    """Refused where a type is chosen already, or nothing is 64-bit."""
    if setting.facts.script is not None:
        return "" if _calls(setting) else "no call of the script's own makes 64-bit floats"
    if setting.workload.model.settings.get("dtype"):
        return "the model's type is chosen already"
    return "" if _has_doubles(setting.facts) else "no weight and no input is a 64-bit float"


def space(setting: Setting) -> Sequence[Parameters]:
    """Of a script, all calls at once: half of them would mix the types."""
    if setting.facts.script is None:
        return ({},)
    calls = _calls(setting)
    return ({"calls": calls, "loaders": _loaders(setting)},) if calls else ()


def _calls(setting: Setting) -> list[dict[str, object]]:
    return [
        {"site": to_json(noted.site), "call": noted.details["call"]} | _how(noted)
        for noted in facts_of(setting).of_kind("double")
        if noted.direct and (noted.details["call"] in (*_MAKERS, DEFAULT) or _how(noted))
    ]


def _how(noted: Noted) -> dict[str, object]:
    """Of a factory or a layer that is told its type by name: that it is, and where the layer comes from."""
    if not noted.details.get(BY_DTYPE):
        return {}
    found: dict[str, object] = {BY_DTYPE: True}
    return {**found, MODULE: noted.details[MODULE]} if MODULE in noted.details else found


def _loaders(setting: Setting) -> list[dict[str, object]]:
    """The loaders whose items are 64-bit, as NumPy makes them: a model that is so no longer cannot take them."""
    loaders = facts_of(setting).loaders
    sites = dict.fromkeys(one.site for one in loaders if one.direct and one.doubles and not one.iterable)
    return [{"site": to_json(site)} for site in sites]


def install(parameters: Parameters) -> None:
    """What these calls make becomes 32-bit, and so do the items of these loaders."""
    for call in parameters["calls"]:
        if call["call"] == DEFAULT:
            around_calls("torch", DEFAULT, [site_of(call)], _single_by_default)
        if call.get(BY_DTYPE):
            library, name = (call[MODULE], f"{call['call']}.__init__") if MODULE in call else ("torch", call["call"])
            around_calls(library, name, [site_of(call)], _single_by_name)
        for library, name in _MAKERS.get(call["call"], ()):
            around_calls(library, name, [site_of(call)], lambda inner, _, args, kwargs: inner(*args, **kwargs).float())
    for loader in parameters.get("loaders", ()):
        when_made("torch.utils.data.dataloader", "DataLoader", site_of(loader), _with_items_in_float32)


def _single_by_default(inner: Callable[..., Any], site: Site, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    torch: Any = sys.modules["torch"]
    return inner(torch.float32)


def _single_by_name(inner: Callable[..., Any], site: Site, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    torch: Any = sys.modules["torch"]
    return inner(*args, **{**kwargs, "dtype": torch.float32})


def _with_items_in_float32(args: Sequence[Any], named: dict[str, Any]) -> Sequence[Any]:
    helpers: Any = importlib.import_module("unslow.helpers.in_float32")
    if "dataset" in named:
        named["dataset"] = helpers.InFloat32(named["dataset"])
        return args
    return (helpers.InFloat32(args[0]), *args[1:])


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`.double()` becomes `.float()`, the default float32; what other calls make is made 32-bit, and so are items."""
    loaded = (
        Edit(
            site_of(loader),
            wrap="InFloat32({})",
            wrapped="dataset",
            imports=("from in_float32 import InFloat32",),
            module=helper("in_float32.py"),
        )
        for loader in parameters.get("loaders", ())
    )
    return (*map(_edit, parameters["calls"]), *loaded)


def _edit(call: Mapping[str, Any]) -> Edit:
    if call["call"] == DEFAULT:
        return Edit(site_of(call), wrap="torch.float32", wrapped="d", imports=("import torch",))
    if call.get(BY_DTYPE):
        return Edit(site_of(call), wrap="torch.float32", wrapped="dtype", imports=("import torch",))
    if "double" in call["call"]:
        return Edit(site_of(call), method="float")
    return Edit(site_of(call), result="{}.float()")


FIX = Fix(
    name=NAME,
    does="computes in 32-bit floats what was computed in 64-bit ones",
    tag="numeric",
    slot="doubles",
    treats=("float64-compute",),
    runtimes=TORCH_RUNTIMES | SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    extra="torch",
    libraries=("torch",),
    odds=0.9,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
