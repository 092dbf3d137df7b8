"""An echo of photographs' brightness that fades out: each line through a long row of decaying weights.

Planted: subnormal-numbers
By hand: weights that have faded below the smallest ordinary number are set to zero.
Shows where: normal/subnormal:elementwise below 0.8
"""

import torch
from sklearn.datasets import load_sample_images
from torch import Tensor, nn

import unslow

TAPS, LINES = 48, 1_200


class Echo(nn.Module):
    """Each tap is the line, moved and weighted."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights, requires_grad=False)

    def forward(self, lines: Tensor) -> Tensor:
        heard = lines
        for tap, weight in enumerate(self.weights, start=1):
            heard = torch.addcmul(heard, lines.roll(tap, dims=1), weight)
        return heard


def weights(width: int) -> Tensor:
    """Each tap is weaker than the one before; the later ones have faded to subnormal numbers."""
    strength = 0.1 ** torch.linspace(1, 44, TAPS, dtype=torch.float64)
    return (strength[:, None] * torch.linspace(0.5, 1, width, dtype=torch.float64)).float()


def strips() -> list[Tensor]:
    """(LINES, 640) each: the lines of a photograph's three colours below each other."""
    photos = [
        torch.tensor(photo).float().permute(2, 0, 1).reshape(-1, 640) / 255 for photo in load_sample_images().images
    ]
    return [photo[top : top + LINES] for photo in photos for top in range(0, 80, 10)]


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(Echo(weights(640)).eval(), strips())


@unslow.workload
def fixed() -> unslow.Inference:
    faded = weights(640)
    faded[faded < torch.finfo(torch.float32).tiny] = 0
    return unslow.Inference(Echo(faded).eval(), strips())
