"""Lays images out in memory pixel by pixel instead of colour plane by colour plane.

What it is
----------
A batch of images has four axes: image, channel, row, column. PyTorch keeps whole planes of one channel by default. In
`channels_last` all channels of a pixel lie side by side, for weights and for images. Shapes and answers stay the
same. In a script the model is laid out at its first call, and its images at each: a small module beside the script
does it.

Why it is slow
--------------
Convolution kernels sum over the channels of a pixel, and read them side by side. From planes they first copy the
image into another order, in each layer.

How it shows
------------
Much time in convolutions and in reordering of memory around them; of a script, the habit `not-channels-last`. Gains of
1.1 to 1.5 in eager mode on processors.

When it does not matter
-----------------------
For models without convolutions over images; with few channels; when the model is compiled or runs on an engine that
chooses layouts by itself (ONNX Runtime, OpenVINO, Inductor).

Risk
----
Sums are taken in another order: the last bits differ. Code that looks at strides or calls `view` on images may fail.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from unslow.core.script import Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._models import Call, around_models, called_models, sites
from unslow.fixes._script import SCRIPT, helper, site_of, with_change
from unslow.fixes._settings import TORCH_RUNTIMES, with_settings

NAME = "channels-last"
_CONVOLUTIONS = ("Conv2d", "ConvTranspose2d")
_IMAGE_AXES = 4


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Sets the runtime's memory format, for the weights and for each input of four axes; of a script, changes it."""
    if "calls" in parameters:
        return with_change(workload, NAME, parameters)
    return with_settings(workload, memory_format="channels_last")


def refuses(setting: Setting) -> str:
    """Refused where it is set already, and for models that are known to have no convolution over images."""
    if setting.facts.script is not None:
        return "" if _calls(setting) else "the script's own source calls no model with convolutions over such images"
    if setting.workload.model.settings.get("memory_format") == "channels_last":
        return "the model already runs in channels_last"
    modules = setting.facts.modules
    if modules and not any(any(name in module for name in _CONVOLUTIONS) for module in modules):
        return "the model has no convolution over images"
    images = any(len(shape) == _IMAGE_AXES for leaf in setting.facts.inputs for shape, _ in leaf.shapes)
    return "" if images or not setting.facts.inputs else "no input is a batch of images"


def space(setting: Setting) -> Sequence[Parameters]:
    """Of a script, all its models at once."""
    return ({},) if setting.facts.script is None else ({"calls": _calls(setting)},)


def _calls(setting: Setting) -> list[dict[str, Any]]:
    return sites(
        [
            noted
            for noted in called_models(setting)
            if noted.details["convolutions"] and noted.details["images"] and not noted.details["channels_last"]
        ]
    )


def install(parameters: Parameters) -> None:
    """Around the models at these calls."""

    def change(model: Any, call: Call, site: Site) -> Call:
        module: Any = importlib.import_module("unslow.helpers.channels_last")
        return module.channels_last(call)

    around_models([site_of(call) for call in parameters["calls"]], change)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`model(images)` becomes `channels_last(model)(images)`."""
    return tuple(
        Edit(
            site_of(call),
            callee="channels_last({})",
            imports=("from channels_last import channels_last",),
            module=helper("channels_last.py"),
        )
        for call in parameters["calls"]
    )


FIX = Fix(
    name=NAME,
    does="lays images out in memory pixel by pixel",
    tag="numeric",
    slot="layout",
    treats=("full-precision-compute", "uncompiled-graph", "not-channels-last"),
    runtimes=TORCH_RUNTIMES | SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    extra="torch",
    libraries=("torch",),
    odds=0.4,
    build_seconds=0.2,
    install=install,
    edit=edit,
)
