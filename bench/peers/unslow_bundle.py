"""What `unslow fix` chose: the bundle that `UNSLOW_BENCH_BUNDLE` names, loaded by `unslow.load`, same requests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from _handmade import built_here, peer

import unslow

BUNDLE_VARIABLE = "UNSLOW_BENCH_BUNDLE"


def build(folder: Path, example: str) -> None:
    """Nothing but the requests: the bundle is there."""


def opened(folder: Path) -> Any:
    return unslow.load(os.environ[BUNDLE_VARIABLE], trust=True)


@unslow.workload
def encoder() -> unslow.Inference:
    return peer(__file__, "encoder", opened)


@unslow.workload
def classifier() -> unslow.Inference:
    return peer(__file__, "classifier", opened)


if __name__ == "__main__":
    built_here(build)
