"""Encodes pieces of documents with a transformer whose attention is written out, in short numbers.

Planted: unfused-attention
By hand: `torch.nn.functional.scaled_dot_product_attention` in the place of product, softmax and product.
"""

import math

import torch
from sklearn.datasets import load_diabetes, load_digits, load_wine
from torch import Tensor, nn
from torch.nn import functional

import unslow

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

LENGTH, TOGETHER, WIDTH, HEADS, LAYERS = 1024, 2, 256, 8, 2


class Layer(nn.Module):
    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.projected, self.joined = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def attention(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        if self.fused:
            return functional.scaled_dot_product_attention(query, key, value)
        likeness = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        return torch.softmax(likeness, dim=-1) @ value

    def forward(self, x: Tensor) -> Tensor:
        parts = self.projected(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        return x + self.joined(self.attention(*parts).transpose(1, 2).flatten(2))


def encoder(fused: bool) -> nn.Module:
    torch.manual_seed(0)
    layers = [Layer(fused) for _ in range(LAYERS)]
    return nn.Sequential(nn.Embedding(128, WIDTH), *layers).to(SHORT).eval().requires_grad_(False)


def pieces() -> list[Tensor]:
    text = "".join(load().DESCR for load in (load_diabetes, load_digits, load_wine)).encode("ascii", "replace")
    windows = torch.tensor(list(text)).unfold(0, LENGTH, 64)
    return list(windows[: len(windows) // TOGETHER * TOGETHER].reshape(-1, TOGETHER, LENGTH))


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(encoder(fused=False), pieces())


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(encoder(fused=True), pieces())
