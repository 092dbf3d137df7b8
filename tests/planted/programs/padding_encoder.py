"""Encodes the paragraphs of some descriptions, a batch of paragraphs a request, with a mask for what is filled up.

Planted: padding-waste
By hand: each batch, of paragraphs of like length, is cut at its own longest before it is encoded.
"""

import random

import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from torch import Tensor, nn
from torch.nn import functional

import unslow

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

LONGEST, TOGETHER, WIDTH, HEADS = 256, 8, 256, 4


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.projected, self.joined = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor, visible: Tensor) -> Tensor:
        parts = self.projected(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*parts, attn_mask=visible)
        x = x + self.joined(seen.transpose(1, 2).flatten(2))
        return x + self.down(torch.relu(self.up(x)))


class Encoder(nn.Module):
    def __init__(self, cuts: bool) -> None:
        super().__init__()
        self.cuts = cuts
        self.table, self.layers = nn.Embedding(128, WIDTH), nn.ModuleList(Layer() for _ in range(4))

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        if self.cuts:
            longest = int(attention_mask.sum(dim=1).max())
            tokens, attention_mask = tokens[:, :longest], attention_mask[:, :longest]
        x, visible = self.table(tokens), attention_mask[:, None, None].bool()
        for layer in self.layers:
            x = layer(x, visible)
        return (x * attention_mask[..., None]).sum(dim=1) / attention_mask.sum(dim=1, keepdim=True)


def encoder(cuts: bool) -> nn.Module:
    torch.manual_seed(0)
    return Encoder(cuts).to(SHORT).eval().requires_grad_(False)


def paragraphs() -> list[bytes]:
    loads = (load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine)
    blocks = [block for load in loads for block in load().DESCR.split("\n\n")]
    return sorted((block.strip().encode("ascii", "replace")[:LONGEST] for block in blocks if block.strip()), key=len)


def filled(texts: list[bytes]) -> dict[str, Tensor]:
    tokens = torch.zeros(len(texts), LONGEST, dtype=torch.long)
    mask = torch.zeros(len(texts), LONGEST, dtype=torch.long)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = torch.tensor(list(text))
        mask[row, : len(text)] = 1
    return {"tokens": tokens, "attention_mask": mask}


def batches() -> list[list[bytes]]:
    """Of like length, in any order."""
    texts = paragraphs()
    together = [texts[start : start + TOGETHER] for start in range(0, len(texts) - TOGETHER + 1, TOGETHER)]
    random.Random(0).shuffle(together)
    return together


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(encoder(cuts=False), [filled(batch) for batch in batches()])


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(encoder(cuts=True), [filled(batch) for batch in batches()])
