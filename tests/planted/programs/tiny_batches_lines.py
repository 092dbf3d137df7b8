"""What the lines of some descriptions are about: a description is read in pages of 32 lines.

Planted: tiny-batches
By hand: the lines of a page go through the model together, instead of line by line.
"""

import sys

import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from torch import nn

import unslow

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

FIXED = "--fixed" in sys.argv
LENGTH, PAGE, WIDTH, STEPS = 64, 32, 512, 4_000

torch.manual_seed(0)
loads = (load_breast_cancer, load_diabetes, load_digits, load_wine)
text = "".join(load().DESCR for load in loads).encode("ascii", "replace")
lines = torch.tensor(list(text)).unfold(0, LENGTH, 8)
pages = lines[: len(lines) // PAGE * PAGE].reshape(-1, PAGE, LENGTH)
model = nn.Sequential(
    nn.EmbeddingBag(128, WIDTH), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(),
    nn.Linear(WIDTH, 4),
).to(SHORT).eval()  # fmt: skip
total = torch.zeros(4)
with torch.inference_mode():
    for step in range(STEPS):
        with unslow.step():
            page = pages[step % len(pages)]
            if FIXED:
                total += model(page).sum(dim=0)
            else:
                for line in page.split(1):
                    total += model(line)[0]
print("sums of the scores:", total.tolist())
