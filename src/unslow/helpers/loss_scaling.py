"""Scales losses, so that their gradients do not vanish in float16, and scales the gradients back before they are used.

`scaled(loss).backward()` and `unscaled(optimizer).step()`. Where a gradient has become infinite the step is
left out, and the next loss is scaled by half as much (`torch.amp.GradScaler`).
"""

import functools

import torch


@functools.cache
def scaler(device):
    """The one that scales all losses on a kind of device ("cuda")."""
    return torch.amp.GradScaler(device)


def scaled(loss):
    """The loss, scaled."""
    return scaler(loss.device.type).scale(loss)


def unscaled(optimizer):
    """The optimizer, whose `step` scales the gradients back first."""
    return _Unscaled(optimizer)


class _Unscaled:
    def __init__(self, optimizer):
        self._optimizer = optimizer

    def step(self):
        scales = scaler(self._optimizer.param_groups[0]["params"][0].device.type)
        result = scales.step(self._optimizer)
        scales.update()
        return result
