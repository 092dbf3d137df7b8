"""Trains a regression on patients' measurements, and logs every step's gradients to a file that is forced to the disk.

Planted: io-in-the-loop
By hand: every hundredth step is logged.
"""

import logging
import os
import sys
import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_diabetes
from torch import nn

FIXED = "--fixed" in sys.argv


class SafeFile(logging.FileHandler):
    """A log that survives a crash of the machine."""

    def emit(self, record):
        super().emit(record)
        os.fsync(self.stream.fileno())


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    patients, progression = (torch.from_numpy(array).float() for array in load_diabetes(return_X_y=True))
    progression = progression / 350
    model = nn.Sequential(nn.Linear(10, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=True)
    with tempfile.TemporaryDirectory() as folder:
        log = logging.getLogger("training")
        log.setLevel(logging.INFO)
        log.propagate = False
        log.addHandler(SafeFile(Path(folder) / "training.log"))
        for step in range(20000):
            chosen = torch.randint(len(patients), (32,))
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(patients[chosen])[:, 0], progression[chosen])
            loss.backward()
            optimizer.step()
            norms = [layer.weight.grad.norm() for layer in model[::2]]
            if not FIXED or step % 100 == 0:
                log.info("step %d: loss %.5f", step, loss)
                for place, norm in enumerate(norms):
                    log.info("step %d: gradient of layer %d %.5f", step, place, norm)
        logging.shutdown()


if __name__ == "__main__":
    main()
