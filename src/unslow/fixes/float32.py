"""Computes in 32-bit floats what was computed in 64-bit ones.

What it is
----------
The weights and the inputs become 32-bit floats (7 decimal digits); the answers are given in their old type. Models
become 64-bit by accident: a NumPy array is 64-bit unless said otherwise, and one such array in the weights makes all
that follows 64-bit.

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

from collections.abc import Sequence

from unslow.core.facts import Facts
from unslow.core.jsonable import to_json
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, around_calls, facts_of, site_of, with_change
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
"""How a script comes by float64, and what is to be changed there; each answers something that has `.float()`."""


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
    return ({},) if setting.facts.script is None else ({"calls": _calls(setting)},)


def _calls(setting: Setting) -> list[dict[str, object]]:
    return [
        {"site": to_json(noted.site), "call": noted.details["call"]}
        for noted in facts_of(setting).of_kind("double")
        if noted.direct and noted.details["call"] in _MAKERS
    ]


def install(parameters: Parameters) -> None:
    """What these calls make becomes 32-bit."""
    for call in parameters["calls"]:
        for library, name in _MAKERS[call["call"]]:
            around_calls(library, name, [site_of(call)], lambda inner, _, args, kwargs: inner(*args, **kwargs).float())


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`.double()` becomes `.float()`; what other calls make is made 32-bit."""
    return tuple(
        Edit(site_of(call), method="float") if "double" in call["call"] else Edit(site_of(call), result="{}.float()")
        for call in parameters["calls"]
    )


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
