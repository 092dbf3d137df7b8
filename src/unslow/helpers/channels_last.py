"""Lays a network and its images out in memory pixel by pixel, as convolutions read them.

`channels_last(model)(images)` is `model(images)`: shapes and answers stay the same. The network's weights are laid out
once, at the first call; each input of four axes (image, channel, row, column) at every call.
"""

import inspect
import weakref

import torch

_laid_out = weakref.WeakSet()


def channels_last(call):
    """The same call of a model (or of a function around one), with its weights and images laid out so."""
    model = inspect.unwrap(call)
    if model not in _laid_out:
        model.to(memory_format=torch.channels_last)
        _laid_out.add(model)

    def called(*args, **kwargs):
        return call(*map(_image, args), **{name: _image(value) for name, value in kwargs.items()})

    called.__wrapped__ = call
    return called


def _image(value):
    is_image = isinstance(value, torch.Tensor) and value.ndim == 4
    return value.contiguous(memory_format=torch.channels_last) if is_image else value
