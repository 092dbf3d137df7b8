"""What is noted of calls of einsum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from unslow.core.script import Noted
from unslow.scripts.notes import Notes, einsums

np: Any = numpy
A = np.ones((40, 40))


def watched(monkeypatch: pytest.MonkeyPatch, library: str, module: Any) -> Notes:
    """Notes of one library's calls alone."""

    def imported(name: str, patch: Callable[[Any], None]) -> None:
        if name == library:
            patch(module)

    monkeypatch.setattr(einsums, "when_imported", imported)
    notes = Notes()
    notes.stepping = True
    einsums.begin(notes)
    return notes


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Notes:
    monkeypatch.setattr(np, "einsum", np.einsum)  # Put back after the test.
    return watched(monkeypatch, "numpy", np)


@pytest.fixture
def in_torch(monkeypatch: pytest.MonkeyPatch) -> Notes:
    torch: Any = pytest.importorskip("torch")
    functions = torch.functional._VF
    monkeypatch.setattr(functions, "einsum", functions.einsum)
    monkeypatch.setattr(torch.backends.opt_einsum, "enabled", False)
    return watched(monkeypatch, "torch", torch)


def the(notes: Notes) -> Noted:
    (found,) = notes.facts()
    return found


def test_what_is_planned_already_or_not_looked_at(notes: Notes) -> None:
    np.einsum("ij,jk,kl->il", A, A, A, optimize=True)
    np.einsum("ij,jk,kl->il", A, A, A, optimize=["einsum_path", (0, 1), (0, 1)])
    notes.on = False
    np.einsum("ij,jk,kl->il", A, A, A)
    assert not notes.facts()


@pytest.mark.parametrize("args", [("ij->i", A), ("ij,jk->ik", A[:4, :4], A[:4, :4])])
def test_what_is_small_is_not_tried(notes: Notes, args: tuple[Any, ...]) -> None:
    np.einsum(*args)
    assert the(notes).details["tried_seconds"] == 0


def test_three_operands_in_one_loop(notes: Notes) -> None:
    answers = [np.einsum("ij,jk,kl", A, A, A) for _ in range(3)]
    assert all((answer == 1600).all() for answer in answers)
    found = the(notes)
    assert found.times_in_steps == 3 and found.details["expression"] == "ij,jk,kl->il"
    assert found.details["multiplications"] > 20 * found.details["planned"] and found.details["tried_seconds"] > 0


def test_operands_by_lists_of_indices(notes: Notes) -> None:
    np.einsum(A, [0, 1], A, [1, 2], A, [2, 3], [0, 3])
    assert the(notes).details["operands"] == 3


def test_from_left_to_right_in_pytorch(in_torch: Notes) -> None:
    torch: Any = pytest.importorskip("torch")
    x, v = torch.ones(100, 100), torch.ones(100)
    torch.einsum("ij,jk->ik", x, x)
    assert not in_torch.facts()
    answer = torch.einsum("ij,jk,k->i", x, x, v)
    assert (answer == 10_000).all()
    found = the(in_torch)
    assert found.details["multiplications"] > 10 * found.details["planned"]
    assert found.details["order"] != [[0, 1], [0, 1]] and found.details["planned_seconds"] > 0


def test_operands_on_which_nothing_is_computed(in_torch: Notes) -> None:
    torch: Any = pytest.importorskip("torch")
    x = torch.ones(10, 10, device="meta")
    assert torch.einsum("ij,jk,kl->il", x, x, x).shape == (10, 10)
    assert not in_torch.facts()
