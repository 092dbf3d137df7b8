"""The grids: which combinations of fixes are in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench._common import EXAMPLES
from bench._dry import LEAST_PADDING, Ground, every_variant
from bench._grid import grid_json, read_grid
from unslow.core.errors import BadInput
from unslow.core.facts import Facts, Leaf
from unslow.core.machine import Machine
from unslow.core.variant import Applied, Fix, Parameters, Setting, Variant, Workshop
from unslow.core.workload import Host, Model, Target, Workload
from unslow.fixes import all_fixes

ORIGINAL = Workload(Target("python-file", "model.py", "model"), Model("torch-module"))
FACTS = Facts("torch", 10, 0.01, 1.0, 1 << 28, 0.01, (Leaf("x", "float32", (((1, 8), 10),)),))
MACHINE = Machine("some", 2, 2, 2, None, 8 << 30, ("avx2",), (), "Linux", "3.11")


def made_up(name: str, slot: str, parameters: Sequence[Parameters] = ({},), gives: str = "", **about: object) -> Fix:
    def apply(workload: Workload, chosen: Parameters, workshop: Workshop) -> Workload:
        if slot == "threads":
            return replace(workload, host=Host(threads=1))
        path = (
            str(workshop.make(name, chosen, lambda folder: pytest.fail("a dry workshop makes nothing")))
            if gives
            else ""
        )
        settings = {**workload.model.settings, name: dict(chosen)}
        return replace(workload, model=Model(gives or workload.model.runtime, path or workload.model.path, settings))

    fix = Fix(
        name, "", "numeric", slot, (), frozenset({"torch-module", "other"}), apply, gives, space=lambda _: parameters
    )
    return replace(fix, **about)


def variants(*fixes: Fix, facts: Facts = FACTS) -> list[str]:
    ground = Ground(ORIGINAL, facts, MACHINE, {fix.name: fix for fix in fixes})
    return [str(variant) for variant in every_variant(ground)]


class TestLeftOut:
    def test_what_changes_nothing(self) -> None:
        def nothing(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
            return workload

        assert variants(made_up("a", "mode", apply=nothing)) == []

    def test_what_is_refused(self) -> None:
        def never(setting: Setting) -> str:
            return "no"

        assert variants(made_up("a", "mode", refuses=never)) == []

    def test_what_is_not_installed(self) -> None:
        assert variants(made_up("a", "mode", libraries=("no_such_library",))) == []

    def test_two_fixes_of_one_slot(self) -> None:
        assert variants(made_up("a", "mode"), made_up("b", "mode")) == ["a", "b"]

    def test_the_other_order_of_the_same_fixes(self) -> None:
        assert variants(made_up("a", "mode"), made_up("b", "precision")) == ["a", "b", "a + b"]

    def test_eager_settings_before_a_conversion(self) -> None:
        mode = made_up("a", "mode", runtimes=frozenset({"torch-module"}))
        assert variants(mode, made_up("b", "runtime", gives="other")) == ["a", "b"]

    def test_two_settings_that_are_not_default(self) -> None:
        two = ({"n": 1}, {"n": 2})
        found = variants(made_up("a", "precision", two), made_up("b", "runtime", two, gives="other"))
        assert "b(n=1) + a(n=1)" in found or "a(n=1) + b(n=1)" in found
        assert not any("a(n=2)" in name and "b(n=2)" in name for name in found)

    def test_three_fixes_without_a_runtime(self) -> None:
        fixes = [made_up("a", "mode"), made_up("b", "precision"), made_up("c", "layout")]
        assert max(name.count("+") for name in variants(*fixes)) == 1

    def test_padding_that_cannot_be_seen(self) -> None:
        trim = made_up("trim", "serving", treats=("padding-waste",))
        assert variants(trim) == []
        assert variants(trim, facts=replace(FACTS, padding_share=LEAST_PADDING)) == ["trim"]


def test_three_fixes_by_default_are_in() -> None:
    fixes = [made_up("a", "precision"), made_up("b", "runtime", gives="other"), made_up("c", "threads")]
    assert any(name.count("+") == 2 for name in variants(*fixes))


class TestGridFiles:
    def test_no_grid(self) -> None:
        with pytest.raises(BadInput):
            read_grid("no_such_example")

    def test_goes_there_and_back(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        wanted = [Variant((Applied("a", {"n": 1}), Applied("b"))), Variant((Applied("c", {"x": None}),))]
        (tmp_path / "some.json").write_text(grid_json("some", wanted, {"cores": 2}))
        monkeypatch.setattr("bench._grid.GRIDS", tmp_path)
        assert read_grid("some") == wanted

    @pytest.mark.parametrize("example", list(EXAMPLES))
    def test_frozen_grids_name_fixes_that_exist(self, example: str) -> None:
        grid = read_grid(example)
        names = {applied.name for variant in grid for applied in variant.fixes}
        assert names <= set(all_fixes())
        assert len({variant.id for variant in grid}) == len(grid) >= 30
