"""Which calls copy to another device."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from unslow.scripts.transfers import goes_elsewhere

HERE = torch.ones(2)
THERE = torch.ones(2, device="meta")


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("to", (torch.float64,), {}), ("to", (), {"dtype": torch.float64}), ("to", ("cpu",), {}), ("to", (HERE,), {}),
        ("to", (), {"device": torch.device("cpu")}), ("to", (), {"memory_format": torch.contiguous_format}),
        ("to", ("cpu:0", torch.float64), {}), ("to", ("nowhere",), {}),
    ],
)  # fmt: skip
def test_what_stays(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert not goes_elsewhere(HERE, name, args, kwargs)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("to", ("meta",), {}), ("to", (torch.device("cuda"), torch.float16), {}), ("to", (THERE,), {}),
        ("to", (), {"device": "cuda:1"}), ("to", (), {"other": THERE}), ("cuda", (), {}), ("cuda", (0,), {}),
        ("cuda", (), {"non_blocking": True}),
    ],
)  # fmt: skip
def test_what_goes(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert goes_elsewhere(HERE, name, args, kwargs)
