"""Is somebody speaking? silero-vad's ONNX model on a stream of speech, 32 ms at a time, its state carried along.

The requests are windows of telephone prompts (8 kHz) played one after another, as silero's own wrapper cuts them: the
last samples of the window before stand in front of each. There are no labels: the guard asks for agreement.
"""

from __future__ import annotations

import os
import wave
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np

import unslow

RATE = 8_000
WINDOW, CONTEXT = 256, 32
"""Samples, at 8 kHz (silero's wrapper: 512 and 64 at 16 kHz)."""
STATE = (2, 1, 128)
TIMED, JUDGED = 2_000, 1_000
"""Windows: 64 and 32 seconds of sound."""
FULL_SCALE = 32_768.0
HERE = Path(__file__).parent
FOLDER_VARIABLE = "UNSLOW_EXAMPLE_SPEECH"
PROMPTS = "usr/share/asterisk/sounds"
"""Where the Debian package asterisk-core-sounds-en-wav puts them."""


@unslow.workload
def voice_activity() -> unslow.Inference:
    """`state` is given for the first window only; then each answer's `stateN` takes its place."""
    windows = requests()
    return unslow.Inference(
        package_folder("silero_vad") / "data" / "silero_vad.onnx",
        list(islice(windows, TIMED)),
        evaluation=list(islice(windows, JUDGED)),
        tolerance=0.01,
        carry={"stateN": "state"},
    )


def requests() -> Iterator[dict[str, np.ndarray]]:
    """`input` (1, 32 + 256) float32, `state` (2, 1, 128) float32, `sr` int64; ends when the recordings do."""
    context = np.zeros(CONTEXT, dtype=np.float32)
    left = np.zeros(0, dtype=np.float32)
    for path in recordings():
        left = np.concatenate([left, samples(path)])
        while len(left) >= WINDOW:
            window, left = left[:WINDOW], left[WINDOW:]
            sound = np.concatenate([context, window])[None]
            context = window[-CONTEXT:]
            yield {"input": sound, "state": np.zeros(STATE, dtype=np.float32), "sr": np.array(RATE, dtype=np.int64)}


def samples(path: Path) -> np.ndarray:
    """Float32 in -1 to 1."""
    with wave.open(str(path)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").astype(np.float32) / FULL_SCALE


def recordings() -> list[Path]:
    """16-bit, one channel, 8 kHz, in the order of their paths."""
    for folder in folders():
        found = [path for path in sorted(folder.rglob("*.wav")) if is_telephone(path)]
        if found:
            return found
    raise FileNotFoundError(
        "No 8 kHz recordings of speech found. Install the Debian package asterisk-core-sounds-en-wav, or unpack it "
        f"(dpkg-deb -x) into {HERE}."
    )


def folders() -> list[Path]:
    """The user's own, the Debian package unpacked beside this file, the Debian package installed."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return [*([Path(chosen)] if chosen else []), HERE / PROMPTS, Path("/") / PROMPTS]


def is_telephone(path: Path) -> bool:
    """Whether `samples` can read it."""
    try:
        with wave.open(str(path)) as sound:
            return (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (RATE, 1, 2)
    except wave.Error:
        return False


def package_folder(name: str) -> Path:
    """Where a package is installed, without importing it (silero_vad imports PyTorch)."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed: see requirements.txt beside this file")
    return Path(spec.origin).parent
