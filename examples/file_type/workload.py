"""Which type a file has: magika's ONNX model, asked one file at a time.

The requests are real files, turned into magika's features as magika turns them; the labels are their extensions' types.
"""

from __future__ import annotations

import functools
import json
import sysconfig
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import unslow

MODEL_FOLDER = "models/standard_v3_3"
INPUT = "bytes"
PACKAGES = ("magika", "numpy", "onnxruntime", "scipy", "skimage", "sklearn")
"""Besides the standard library; all in requirements.txt."""
FILES_OF_A_TYPE = 160
TIMED_EVERY = 4
"""Of the files, one in four is timed and the others are judged: few judged files could prove little."""
TYPES = {
    ".bat": "batch",
    ".c": "c",
    ".css": "css",
    ".csv": "csv",
    ".exe": "pebin",
    ".f": "fortran",
    ".f90": "fortran",
    ".gif": "gif",
    ".gz": "gzip",
    ".html": "html",
    ".jpg": "jpeg",
    ".json": "json",
    ".npy": "npy",
    ".npz": "npz",
    ".onnx": "onnx",
    ".pdf": "pdf",
    ".png": "png",
    ".py": "python",
    ".pyi": "python",
    ".so": "elf",
    ".toml": "toml",
    ".xml": "xml",
    ".zip": "zip",
}
"""Extensions that leave no doubt. (`.h` may be C or C++, `.txt` anything.)"""
LEFT_OUT = frozenset({"__init__.py"})
"""Often empty or a line long: magika answers such files by rule."""


@unslow.workload
def file_type() -> unslow.Inference:
    """No file is both timed and judged."""
    timed = files()[::TIMED_EVERY]
    judged = [path for number, path in enumerate(files()) if number % TIMED_EVERY]
    return unslow.Inference(
        magika_folder() / MODEL_FOLDER / "model.onnx",
        [{INPUT: features(path)} for path in timed],
        evaluation=[{INPUT: features(path)} for path in judged],
        labels=[TYPES[path.suffix] for path in judged],
        metric=accuracy,
        tolerance=0.01,
    )


def accuracy(outputs: np.ndarray, labels: Sequence[str]) -> float:
    """The share of files whose likeliest type is the label. `outputs`: (files, types) probabilities."""
    likeliest = np.asarray(outputs).reshape(len(labels), -1).argmax(axis=1)
    names = config()["target_labels_space"]
    return float(np.mean([names[k] == label for k, label in zip(likeliest, labels, strict=True)]))


def features(path: Path) -> np.ndarray:
    """Shape (1, 2048), int32: the first and the last 1,024 bytes without the space around them, padded with 256.

    The same as `Magika._extract_features_from_seekable` of magika 1.0.
    """
    sizes = config()
    block, content = sizes["block_size"], path.read_bytes()
    start, end = content[:block].lstrip()[: sizes["beg_size"]], content[-block:].rstrip()[-sizes["end_size"] :]
    row = np.full(sizes["beg_size"] + sizes["end_size"], sizes["padding_token"], dtype=np.int32)
    row[: len(start)] = list(start)
    row[len(row) - len(end) :] = list(end)
    return row[None]


@functools.cache
def files() -> list[Path]:
    """Real files of the types, extension by extension, in the order of their paths."""
    found: dict[str, list[Path]] = {extension: [] for extension in TYPES}
    smallest = config()["min_file_size_for_dl"]
    for folder in (Path(sysconfig.get_path("stdlib")), *map(package_folder, PACKAGES)):
        for path in sorted(folder.rglob("*")):
            if path.suffix in found and is_wanted(path, folder) and path.stat().st_size >= smallest:
                found[path.suffix].append(path)
    return [path for paths in found.values() for path in spread(paths)]


def spread(paths: list[Path]) -> list[Path]:
    """As many as are wanted, at even distances, so that neighbours do not stand for all."""
    wanted = min(FILES_OF_A_TYPE, len(paths))
    return [paths[k * len(paths) // wanted] for k in range(wanted)]


def is_wanted(path: Path, folder: Path) -> bool:
    """Not what happens to be installed beside the standard library, nor its own tests, whose files are often broken."""
    inside = path.relative_to(folder).parts
    return (
        path.is_file()
        and path.name not in LEFT_OUT
        and not {"site-packages", "dist-packages", "test", "lib2to3"} & set(inside)
    )


@functools.cache
def config() -> dict[str, Any]:
    """magika's own: sizes of the features, names of the types."""
    return json.loads((magika_folder() / MODEL_FOLDER / "config.min.json").read_text())


def magika_folder() -> Path:
    """Where magika is installed; it is not imported (it loads ONNX Runtime)."""
    return package_folder("magika")


def package_folder(name: str) -> Path:
    """Where a package is installed, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed: see requirements.txt beside this file")
    return Path(spec.origin).parent
