"""Compiles a network at its first call, with `torch.compile`, and calls it compiled from then on.

`compiled(model)(x)` is `model(x)`. The network stays the object that it was: its parameters, its `state_dict` and what
is saved of it keep their names. Each shape of the inputs is compiled for itself.
"""

import inspect

import torch


def compiled(call):
    """The same call of a model (or of a function around one), which is compiled if it is not yet."""
    model = inspect.unwrap(call)
    if model._compiled_call_impl is None:
        # As `model.compile()` does, which leaves networks of PyTorch's own classes (`nn.Sequential`) uncompiled.
        def called(*args, **kwargs):
            return model._call_impl(*args, **kwargs)

        model._compiled_call_impl = torch.compile(called, dynamic=False)
    return call
