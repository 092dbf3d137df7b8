"""Describes parts of photographs by attention between their patches, in short numbers, all parts of a photo at a time.

Planted: unfused-attention
By hand: `torch.nn.functional.scaled_dot_product_attention` in the place of product, softmax and product.
"""

import sys

import torch
from sklearn.datasets import load_sample_images
from torch import Tensor, nn
from torch.nn import functional

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

FIXED = "--fixed" in sys.argv
SIDE, WIDTH, HEADS, STEPS = 8, 128, 4, 400


class Describer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cut = nn.Conv2d(3, WIDTH, SIDE, stride=SIDE)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.joined = nn.Linear(WIDTH, WIDTH)

    def forward(self, photos: Tensor) -> Tensor:
        patches = self.cut(photos).flatten(2).transpose(1, 2)
        for _ in range(2):
            query, key, value = (
                layer(patches).unflatten(-1, (HEADS, -1)).transpose(1, 2)
                for layer in (self.query, self.key, self.value)
            )
            if FIXED:
                seen = functional.scaled_dot_product_attention(query, key, value)
            else:
                weights = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
                seen = functional.softmax(weights, dim=-1) @ value
            patches = self.joined(seen.transpose(1, 2).flatten(2))
        return patches.mean(dim=1)


torch.manual_seed(0)
photos = torch.stack([torch.tensor(photo) for photo in load_sample_images().images]).permute(0, 3, 1, 2).to(SHORT) / 255
parts = [
    [photo[:, top : top + 256, left : left + 256] for top in (0, 170) for left in (0, 192, 384)] for photo in photos
]
batches = [torch.stack(of_one) for of_one in parts]
model = Describer().to(SHORT).eval()
total = torch.zeros(WIDTH)
with torch.inference_mode():
    for step in range(STEPS):
        total += model(batches[step % 2]).mean(dim=0)
print("mean description:", float(total.mean() / STEPS))
