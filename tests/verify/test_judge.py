"""What a judge says of two files of answers: a fix that only reorders sums may not change an answer, few or many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unslow.core.workload import Inference
from unslow.verify.judge import Case, judge

RANDOM = np.random.default_rng(0)
TRUE = RANDOM.standard_normal((8, 1, 16)).astype(np.float32)


def written(path: Path, answers: np.ndarray) -> str:
    np.savez(path, **{f"{number}/0": answer for number, answer in enumerate(answers)})
    return str(path)


def verdict(folder: Path, answers: np.ndarray, tag: str, original: np.ndarray = TRUE) -> str:
    case = Case(written(folder / "o.npz", original), written(folder / "v.npz", answers), tag, 0.01, 0.05, 0)
    return judge(Inference(None, list(range(len(original)))), case).verdict


def partly(wrong: int) -> np.ndarray:
    answers = TRUE.copy()
    answers[:wrong] = RANDOM.standard_normal((wrong, 1, 16)) * 3
    return answers


@pytest.mark.parametrize("tag", ["exact", "numeric"])
@pytest.mark.parametrize("wrong", [1, 4, 8])
def test_a_wrong_answer_of_few_is_lost_not_unproven(tmp_path: Path, tag: str, wrong: int) -> None:
    assert verdict(tmp_path, partly(wrong), tag) == "lost"


def test_of_a_lossy_fix_few_samples_prove_nothing(tmp_path: Path) -> None:
    assert verdict(tmp_path, partly(1), "lossy") == "unproven"


def test_a_small_error_on_few_is_unproven_and_none_is_kept(tmp_path: Path) -> None:
    assert verdict(tmp_path, TRUE * np.float32(1.01), "numeric") == "unproven"
    assert verdict(tmp_path, TRUE, "numeric") == "kept"


def test_nan_and_other_shapes_are_lost(tmp_path: Path) -> None:
    assert verdict(tmp_path, TRUE * np.float32("nan"), "lossy") == "lost"
    assert verdict(tmp_path, TRUE[:, :, :3], "lossy") == "lost"
