"""Encodes lines of documents with a transformer of PyTorch's own layers in short numbers, a batch of lines a request.

Planted: autograd-at-inference
By hand: the weights ask for no gradient, so that PyTorch uses its fused layers and keeps nothing.
"""

import torch
from sklearn.datasets import load_diabetes, load_digits, load_wine
from torch import nn

import unslow

SHORT = torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32  # What the processor has.

LENGTH, LINES, WIDTH = 64, 8, 256


def batches() -> list[torch.Tensor]:
    """Bytes of the datasets' descriptions, each line of the same length."""
    text = "".join(load().DESCR for load in (load_diabetes, load_digits, load_wine)).encode("ascii", "replace")
    lines = torch.tensor(list(text)).unfold(0, LENGTH, 40)
    return list(lines[: len(lines) // LINES * LINES].reshape(-1, LINES, LENGTH))


def encoder() -> nn.Module:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0.0, batch_first=True)
    return (
        nn.Sequential(nn.Embedding(128, WIDTH), nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))
        .to(SHORT)
        .eval()
    )


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(encoder(), batches())


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(encoder().requires_grad_(False), batches())
