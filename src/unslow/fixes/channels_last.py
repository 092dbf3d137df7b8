"""Lays images out in memory pixel by pixel instead of colour plane by colour plane.

What it is
----------
A batch of images has four axes: image, channel, row, column. PyTorch keeps whole planes of one channel by default. In
`channels_last` all channels of a pixel lie side by side, for weights and for images. Shapes and answers stay the
same.

Why it is slow
--------------
Convolution kernels sum over the channels of a pixel, and read them side by side. From planes they first copy the
image into another order, in each layer.

How it shows
------------
Much time in convolutions and in reordering of memory around them. Gains of 1.1 to 1.5 in eager mode on processors.

When it does not matter
-----------------------
For models without convolutions over images; with few channels; when the model is compiled or runs on an engine that
chooses layouts by itself (ONNX Runtime, OpenVINO, Inductor).

Risk
----
Sums are taken in another order: the last bits differ. Code that looks at strides or calls `view` on images may fail.
"""

from __future__ import annotations

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._settings import TORCH_RUNTIMES, with_settings

_CONVOLUTIONS = ("Conv2d", "ConvTranspose2d")
_IMAGE_AXES = 4


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Sets the runtime's memory format, for the weights and for each input of four axes."""
    return with_settings(workload, memory_format="channels_last")


def refuses(setting: Setting) -> str:
    """Refused where it is set already, and for models that are known to have no convolution over images."""
    if setting.workload.model.settings.get("memory_format") == "channels_last":
        return "the model already runs in channels_last"
    modules = setting.facts.modules
    if modules and not any(any(name in module for name in _CONVOLUTIONS) for module in modules):
        return "the model has no convolution over images"
    images = any(len(shape) == _IMAGE_AXES for leaf in setting.facts.inputs for shape, _ in leaf.shapes)
    return "" if images or not setting.facts.inputs else "no input is a batch of images"


FIX = Fix(
    name="channels-last",
    does="lays images out in memory pixel by pixel",
    tag="numeric",
    slot="layout",
    treats=("full-precision-compute", "uncompiled-graph"),
    runtimes=TORCH_RUNTIMES,
    apply=apply,
    refuses=refuses,
    extra="torch",
    libraries=("torch",),
    odds=0.4,
    build_seconds=0.2,
)
