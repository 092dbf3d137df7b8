"""Trains a wide network on digits with Lightning, from memory, in large batches and with 16-bit products.

Planted: nothing
By hand: nothing is left to remove.
"""

import tempfile
import warnings

import lightning
import torch
from sklearn.datasets import load_digits
from torch import nn

PRECISION = "bf16-mixed" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "32-true"  # What the processor has.

BATCH = 512


class Batches:
    """Batches of the digits in another order each epoch: (512, 64) float32 rows and the digits."""

    def __init__(self):
        digits = load_digits()
        self.rows, self.labels = torch.from_numpy(digits.data).float() / 16, torch.from_numpy(digits.target)

    def __len__(self):
        return len(self.rows) // BATCH

    def __iter__(self):
        for chosen in torch.randperm(len(self.rows))[: BATCH * len(self)].split(BATCH):
            yield self.rows[chosen], self.labels[chosen]


class Classifier(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 10)
        )

    def training_step(self, batch, index):
        rows, labels = batch
        return nn.functional.cross_entropy(self.layers(rows).float(), labels)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9, fused=True)


def main():
    warnings.filterwarnings("ignore")
    lightning.seed_everything(0)
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(
            max_epochs=600, accelerator="cpu", precision=PRECISION, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
        )  # fmt: skip
        trainer.fit(torch.compile(Classifier()), Batches())


if __name__ == "__main__":
    main()
