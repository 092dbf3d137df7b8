from __future__ import annotations

import pytest

from unslow.core.script import Site
from unslow.scripts.arguments import Arguments, Key
from unslow.scripts.sites import Called

SAVE = Called(Site("a.py", 10, 4, 12, 5), True)
STATE = Called(Site("a.py", 11, 8, 11, 30), True)
CALLS: dict[Key, Called] = {("checkpoint", "a.py:10"): SAVE, ("state", "a.py:11"): STATE}


def known(seen: Key, calls: dict[Key, Called]) -> Key | None:
    arguments = Arguments()
    arguments.learn(seen, calls)
    return arguments.whole_of(("state", "a.py:11"))


@pytest.mark.parametrize(
    "state",
    [
        Called(Site("a.py", 9, 8, 9, 30), True),
        Called(Site("a.py", 12, 3, 12, 30), True),
        Called(Site("b.py", 11, 8, 11, 30), True),
        Called(SAVE.site, True),
        Called(STATE.site, False),  # a library's, within the user's call
    ],
)
def test_what_is_not_among_the_arguments(state: Called) -> None:
    assert known(("checkpoint", "a.py:10"), {**CALLS, ("state", "a.py:11"): state}) is None


def test_other_phases_are_not_built_for_a_call() -> None:
    calls = {("checkpoint", "a.py:10"): SAVE, ("forward", "a.py:11"): STATE}
    arguments = Arguments()
    assert not arguments.learn(("forward", "a.py:11"), calls) and not arguments.whole_of(("forward", "a.py:11"))


@pytest.mark.parametrize("seen", list(CALLS))
def test_whichever_is_seen_first(seen: Key) -> None:
    assert known(seen, CALLS) == ("checkpoint", "a.py:10")
