"""Changes of a workload's plain data that several fixes make."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from unslow.core.facts import Facts
from unslow.core.variant import Setting
from unslow.core.workload import Model, Workload

TORCH_RUNTIMES = frozenset({"torch-module", "exported-program"})
_COMPILERS = ("g++", "c++", "clang++")
HALF_TYPES = ("bfloat16", "float16")
HOPELESS_FLOOR = 0.97
"""Where products in a smaller type take more than this share of float32's time, converting eats what is left."""


def with_settings(workload: Workload, **changes: Any) -> Workload:
    """The workload with these settings of its model's runtime; the same object where they are what it has already."""
    settings = {**workload.model.settings, **changes}
    if settings == dict(workload.model.settings):
        return workload
    return replace(workload, model=replace(workload.model, settings=settings))


def converted(workload: Workload, runtime: str, path: str, facts: Facts, settings: Mapping[str, Any]) -> Workload:
    """The workload with its model opened by another runtime, told the inputs' names and the answer's structure."""
    described = {"inputs": [leaf.name for leaf in facts.inputs], "structure": facts.output_structure}
    return replace(workload, model=Model(runtime, path, {**described, **settings}))


def half_precision(workload: Workload) -> str:
    """The 16-bit type that the model computes in ("bfloat16", "float16"), or ""."""
    settings = workload.model.settings
    used = (settings.get("dtype"), settings.get("autocast"))
    return next((name for name in used if name in HALF_TYPES), "")


def no_compiler() -> str:
    """Why nothing can be compiled here, in one sentence; "" if there is a C++ compiler."""
    named = os.environ.get("CXX", "")
    found = any(shutil.which(name) for name in (named, *_COMPILERS) if name)
    return "" if found else "no C++ compiler is installed, which Inductor needs"


def output_types(facts: Facts) -> list[str]:
    """The dtype of each output of the original, so that a fix of the types inside gives back what was given before."""
    return [leaf.dtype for leaf in facts.outputs]


def no_gain(setting: Setting, dtype: str) -> str:
    """Why products in this type cannot pay here, from the measured floors; "" if they may or nobody measured.

    A convolutional model is judged by the floor of convolutions, any other by that of matrix products.
    """
    kind = "conv" if is_convolutional(setting.facts) else "matmul"
    floor = setting.machine.floors.get(f"{dtype}/float32:{kind}")
    if floor is None or floor <= HOPELESS_FLOOR:
        return ""
    what = "convolutions" if kind == "conv" else "products"
    return f"{dtype} {what} take {floor:.2f} of float32's time on this processor"


def is_convolutional(facts: Facts) -> bool:
    """Whether the model's products are convolutions, but for a classifier's last layer."""
    return "Conv2d" in facts.modules and facts.modules.get("Linear", 0) <= 1


def shapes_vary(facts: Facts) -> bool:
    """Whether any input has an axis whose length differs between requests."""
    return any(leaf.varying_axes or len({len(shape) for shape, _ in leaf.shapes}) > 1 for leaf in facts.inputs)
