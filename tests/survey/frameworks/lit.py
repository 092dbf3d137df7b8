"""A small network for scikit-learn's digits, trained by Lightning with its automatic optimisation."""

import sys

import lightning
import torch
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


class Classifier(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))

    def forward(self, images):
        return self.layers(images)

    def training_step(self, batch, index):
        images, labels = batch
        loss = nn.functional.cross_entropy(self(images), labels)
        self.log("loss", loss)
        return loss

    def validation_step(self, batch, index):
        images, labels = batch
        self.log("accuracy", (self(images).argmax(1) == labels).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)

    def train_dataloader(self):
        return DataLoader(Digits(images[:640], labels[:640]), batch_size=32, shuffle=True)


lightning.seed_everything(0)
torch.set_num_threads(1)
images, labels = load_digits(return_X_y=True)
validation = DataLoader(Digits(images[1500:1600], labels[1500:1600]), batch_size=32)
trainer = lightning.Trainer(
    max_epochs=int(sys.argv[1]) if len(sys.argv) > 1 else 500,
    accelerator="cpu",
    accumulate_grad_batches=2,
    log_every_n_steps=5,
)
trainer.fit(Classifier(), val_dataloaders=validation)
print("trained")
