"""Trains a small, compiled transformer that reads the pixels of digits as words, with PyTorch's own attention.

Planted: nothing
By hand: nothing is left to remove.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

SHORT = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # Whether the processor has 16-bit products.

WIDTH, HEADS, LAYERS = 192, 6, 3


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.questions, self.answers = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.thinking = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, words):
        batch, length, _ = words.shape
        heads = self.questions(self.before(words)).view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(*heads).transpose(1, 2).reshape(batch, length, WIDTH)
        words = words + self.answers(seen)
        return words + self.thinking(self.after(words))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(17, WIDTH), nn.Parameter(0.02 * torch.randn(64, WIDTH))
        self.layers, self.head = nn.Sequential(*(Layer() for _ in range(LAYERS))), nn.Linear(WIDTH, 10)

    def forward(self, pixels):
        return self.head(self.layers(self.words(pixels) + self.places).mean(1))


def main():
    torch.manual_seed(0)
    digits = load_digits()
    pixels, labels = torch.from_numpy(digits.data).long(), torch.from_numpy(digits.target)
    model = Encoder()
    compiled = torch.compile(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, fused=True)
    for epoch in range(40):
        total = torch.zeros(())
        for chosen in torch.randperm(len(pixels))[:1792].split(64):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=SHORT):
                answers = compiled(pixels[chosen])
            loss = nn.functional.cross_entropy(answers.float(), labels[chosen])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        print(f"epoch {epoch}: loss {total.item() / 28:.4f}")


if __name__ == "__main__":
    main()
