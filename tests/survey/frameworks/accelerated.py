"""A small network for scikit-learn's digits, trained in a loop of its own that Accelerate prepares."""

import sys

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return torch.tensor(self.images[index].tolist()) / 16, int(self.labels[index])


set_seed(0)
torch.set_num_threads(1)
images, labels = load_digits(return_X_y=True)
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2, project_dir="runs")
model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loader = DataLoader(Digits(images[:640], labels[:640]), batch_size=32, shuffle=True)
validation = DataLoader(Digits(images[1500:1600], labels[1500:1600]), batch_size=32)
model, optimizer, loader, validation = accelerator.prepare(model, optimizer, loader, validation)
for epoch in range(int(sys.argv[1]) if len(sys.argv) > 1 else 500):
    model.train()
    for inputs, targets in loader:
        with accelerator.accumulate(model):
            loss = nn.functional.cross_entropy(model(inputs), targets)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    right = 0
    with torch.no_grad():
        for inputs, targets in validation:
            right += (model(inputs).argmax(1) == targets).sum().item()
    accelerator.print(f"epoch {epoch}: {right} of 100")
    accelerator.save_state(f"runs/{epoch % 2}")
print("trained")
