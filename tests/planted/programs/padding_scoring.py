"""Scores lines of descriptions byte by byte, in short numbers, a batch of lines at a time.

Planted: padding-waste
By hand: lines of like length share a batch, which is padded to its own longest, not to the longest a line may have.
"""

import random
import sys

import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from torch import Tensor, nn

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

FIXED = "--fixed" in sys.argv
LONGEST, BATCH, ROUNDS, WIDTH = 512, 16, 60, 384


class Scorer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(128, WIDTH)
        self.up, self.down, self.score = nn.Linear(WIDTH, 1024), nn.Linear(1024, WIDTH), nn.Linear(WIDTH, 1)

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        x = self.down(torch.relu(self.up(self.table(tokens))))
        x = (x * attention_mask[..., None]).sum(dim=1) / attention_mask.sum(dim=1, keepdim=True)
        return self.score(x)[:, 0]


loads = (load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine)
lines = [line.strip() for load in loads for line in load().DESCR.splitlines() if line.strip()]
if FIXED:
    lines.sort(key=len)
batches = []
for start in range(0, len(lines) - BATCH + 1, BATCH):
    texts = [line.encode("ascii", "replace") for line in lines[start : start + BATCH]]
    length = max(map(len, texts)) if FIXED else LONGEST
    tokens = torch.tensor([list(text.ljust(length, b"\0")) for text in texts])
    batches.append((tokens, (tokens > 0).long()))
random.Random(0).shuffle(batches)
torch.manual_seed(0)
model = Scorer().to(SHORT).eval()
total = torch.zeros(())
with torch.inference_mode():
    for _ in range(ROUNDS):
        for tokens, mask in batches:
            total += model(tokens, attention_mask=mask).sum()
print("sum of the scores:", float(total))
