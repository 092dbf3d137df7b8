"""Trains on digits that a sensor sends over a socket: every batch is asked for, and waited for, when it is needed.

Planted: input-bound
By hand: a thread asks for the next batches and puts them into a queue, while this one is computed.
"""

import multiprocessing
import queue
import sys
import threading
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

FIXED = "--fixed" in sys.argv
BATCH, ANSWERS_AFTER_S = 128, 0.02


def sensor(connection):
    """Answers every question with a batch: (128, 64) float32 rows and (128,) digits."""
    digits, numbers = load_digits(), np.random.default_rng(0)
    rows = (digits.data / 16).astype(np.float32)
    while connection.recv() == "more":
        chosen = numbers.integers(len(rows), size=BATCH)
        time.sleep(ANSWERS_AFTER_S)
        connection.send((rows[chosen], digits.target[chosen]))


def asked(connection, count):
    for _ in range(count):
        connection.send("more")
        yield connection.recv()
    connection.send("enough")


def ahead(batches):
    """The same batches, fetched by a thread."""
    kept = queue.Queue(maxsize=4)

    def fetch():
        for batch in batches:
            kept.put(batch)
        kept.put(None)

    threading.Thread(target=fetch, daemon=True).start()
    yield from iter(kept.get, None)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)  # The network is too small for more.
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=sensor, args=(there,), daemon=True)
    process.start()
    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    batches = asked(here, 2000)
    total = torch.zeros(())
    for step, (rows, digits) in enumerate(ahead(batches) if FIXED else batches, 1):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.from_numpy(rows)), torch.from_numpy(digits))
        loss.backward()
        optimizer.step()
        total += loss.detach()
        if step % 500 == 0:
            print(f"step {step}: loss {total.item() / step:.3f}")
    process.join()


if __name__ == "__main__":
    main()
