"""A compiled encoder of text in bytes, in short numbers: large products, fused attention, a batch of lines a request.

Planted: nothing
By hand: nothing is left to remove: compiled, evaluation mode, no gradients, large batches of one length.
Shows where: bfloat16/float32:matmul below 1
"""

import torch
from sklearn.datasets import load_diabetes, load_digits, load_wine
from torch import Tensor, nn
from torch.nn import functional

import unslow

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

LENGTH, TOGETHER, WIDTH, HEADS = 128, 16, 384, 6


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.projected, self.joined = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.projected(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*parts)
        x = x + self.joined(seen.transpose(1, 2).flatten(2))
        return x + self.down(torch.relu(self.up(x)))


def lines() -> list[Tensor]:
    text = "".join(load().DESCR for load in (load_diabetes, load_digits, load_wine)).encode("ascii", "replace")
    windows = torch.tensor(list(text)).unfold(0, LENGTH, 16)
    return list(windows[: len(windows) // TOGETHER * TOGETHER].reshape(-1, TOGETHER, LENGTH))


@unslow.workload
def clean() -> unslow.Inference:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Embedding(128, WIDTH), *(Layer() for _ in range(2)))
    encoder = encoder.to(SHORT).eval().requires_grad_(False)
    return unslow.Inference(torch.compile(encoder), lines())
