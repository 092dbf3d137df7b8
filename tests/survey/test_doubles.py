"""Scripts that make float64 numbers, surveyed: each call that does is noted, where the user's own source makes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from surveyed import seen

pytestmark = pytest.mark.slow  # a survey of some seconds; the fix is tested in tests/fixes

LAYERS = """
import torch
from torch import nn


class Norm(nn.LayerNorm):
    def __init__(self, kind):
        super().__init__(8, dtype=kind)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8, dtype=torch.float64))

    def forward(self, x):
        return x * self.weight


model = nn.Sequential(
    nn.Linear(4, 8, dtype=torch.float64), Norm(torch.double), Own(), nn.Linear(8, 1), nn.Linear(1, 1).double()
)
rows = torch.randn(16, 4, dtype=torch.float64)
optimizer = torch.optim.SGD(model.parameters())
while True:
    optimizer.zero_grad()
    hidden = model[:3](rows)
    model[4](model[3](hidden.float()).double()).sum().backward()
    optimizer.step()
"""


def test_layers_that_are_told_their_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    known = [one for one in seen(tmp_path, LAYERS).of_kind("double") if one.direct]
    layers = {one.details["call"]: (one.details["module"], one.site.line) for one in known if "module" in one.details}
    assert layers == {"Linear": ("torch.nn.modules.linear", 21), "LayerNorm": ("torch.nn.modules.normalization", 8)}
    others = {(one.details["call"], one.site.line) for one in known if "module" not in one.details}
    assert others == {("ones", 14), ("Module.double", 21), ("randn", 23), ("double", 28)}
