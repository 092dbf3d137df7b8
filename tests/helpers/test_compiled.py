from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

from unslow.helpers.compiled import compiled  # noqa: E402


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The calls of compilers, which here compile nothing."""
    made: list[int] = []

    def instead(function: Any, **options: Any) -> Any:
        assert options == {"dynamic": False}

        def called(*args: Any) -> Any:
            made.append(1)
            return function(*args)

        return called

    monkeypatch.setattr(torch, "compile", instead)
    return made


def test_it_is_compiled_once_and_stays_what_it_was(graphs: list[int]) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 1))
    before = net(torch.ones(1, 2))
    implementation = None
    for _ in range(3):
        assert compiled(net) is net and torch.equal(compiled(net)(torch.ones(1, 2)), before)
        implementation = implementation or net._compiled_call_impl
        assert net._compiled_call_impl is implementation
    assert len(graphs) == 3 and list(net.state_dict()) == ["0.weight", "0.bias"]


def test_what_is_around_it_stays_around_it(graphs: list[int]) -> None:
    net = torch.nn.Linear(2, 1)
    half = torch.autocast("cpu", torch.bfloat16)(net)
    assert inspect.unwrap(half) is net
    assert compiled(half)(torch.ones(1, 2)).dtype is torch.bfloat16 and graphs == [1]


def test_a_copy_and_what_is_saved_are_not_bound_to_the_original(graphs: list[int]) -> None:
    net = torch.nn.Linear(2, 1)
    compiled(net)(torch.ones(1, 2))
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        with torch.no_grad():
            other.weight.zero_()
            other.bias.zero_()
        assert other(torch.ones(1, 2)).item() == 0.0
