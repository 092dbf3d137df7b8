"""What a process of ours says of its end, told as what it is to the user."""

from __future__ import annotations

import pytest

from unslow.core.errors import BadInput, CannotRun, UnslowError, WorkerFailed


@pytest.mark.parametrize(("cannot_run", "kind", "exit_code"), [(False, BadInput, 2), (True, CannotRun, 3)])
def test_a_failure_of_the_target_is_of_the_kind_that_was_raised(
    cannot_run: bool, kind: type[UnslowError], exit_code: int
) -> None:
    told = WorkerFailed("It failed.", cannot_run=cannot_run).of_the_target("Look there.")
    assert (type(told), told.exit_code) == (kind, exit_code)
    assert str(told).splitlines() == ["It failed.", "Look there."]


def test_what_the_process_said_to_do_comes_first() -> None:
    assert WorkerFailed("It failed.", "Do this.").of_the_target("Look there.").todo == "Do this."


def test_a_process_that_died_is_no_fault_of_the_environment() -> None:
    assert isinstance(WorkerFailed("It crashed with SIGSEGV.").of_the_target("Look there."), BadInput)
