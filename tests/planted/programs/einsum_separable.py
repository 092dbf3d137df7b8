"""Spectra of scanned digits: each scan times a matrix of cosines from both sides.

Planted: einsum-unplanned
By hand: `optimize=True`.
"""

import numpy as np
from sklearn.datasets import load_digits

import unslow

ROWS = 128
frequencies = np.arange(8)
COSINES = np.cos(np.pi / 8 * (frequencies + 0.5) * frequencies[:, None]).astype(np.float32)


def spectra(scans: np.ndarray) -> np.ndarray:
    return np.einsum("ur,nrc,vc->nuv", COSINES, scans, COSINES)


def planned(scans: np.ndarray) -> np.ndarray:
    return np.einsum("ur,nrc,vc->nuv", COSINES, scans, COSINES, optimize=True)


def pages() -> list[np.ndarray]:
    scans = (load_digits().images / 16).astype(np.float32)
    return [scans[start : start + ROWS] for start in range(0, len(scans) - ROWS, ROWS)]


@unslow.workload
def planted() -> unslow.Inference:
    return unslow.Inference(spectra, pages())


@unslow.workload
def fixed() -> unslow.Inference:
    return unslow.Inference(planned, pages())
