from __future__ import annotations

import ast
from typing import Any

import pytest

from unslow.core.errors import BadInput
from unslow.core.script import Site
from unslow.core.variant import Edit
from unslow.edits.source import edited


def site_in(source: str, text: str) -> Site:
    """The place of the call that is written as `text`, as Python tells it while it runs."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.get_source_segment(source, node) == text:
            return Site("train.py", node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)
    raise AssertionError(f"{text!r} is no call in the source")


def changed(source: str, text: str, **change: Any) -> str:
    return edited(source, [Edit(site_in(source, text), **change)])


LOADER = "loader = DataLoader(photos, batch_size=16)  # as it comes\n"
CALL = "DataLoader(photos, batch_size=16)"


class TestWhatCannotBeChanged:
    def test_a_place_without_a_call(self) -> None:
        with pytest.raises(BadInput, match=r"There is no call at train\.py:7"):
            edited(LOADER, [Edit(Site("train.py", 7, 0), {"num_workers": "2"})])

    def test_another_call_in_the_same_line(self) -> None:
        with pytest.raises(BadInput, match="There is no call"):
            edited(LOADER, [Edit(Site("train.py", 1, 3), {"num_workers": "2"})])

    def test_an_argument_that_is_not_shown(self) -> None:
        with pytest.raises(BadInput, match="does not show its dataset"):
            changed("DataLoader(*given)\n", "DataLoader(*given)", wrap="kept({})", wrapped="dataset")

    def test_a_method_where_a_function_is_called(self) -> None:
        with pytest.raises(BadInput, match="is no method"):
            changed("double(x)\n", "double(x)", method="float")


class TestKeywords:
    def test_one_that_is_made_from_what_is_hidden(self) -> None:
        with pytest.raises(BadInput, match="does not show its lr"):
            changed("SGD(p, **given)\n", "SGD(p, **given)", keywords={"lr": "{} * 2"}, defaults={"lr": "0.1"})

    def test_a_name_or_a_star_before_it_takes_its_place(self) -> None:
        assert changed("f(a=1, b=2)\n", "f(a=1, b=2)", keywords={"c": "3"}, places={"c": 1}) == "f(a=1, b=2, c=3)\n"
        assert changed("f(*a, 2)\n", "f(*a, 2)", keywords={"c": "3"}, places={"c": 1}) == "f(*a, 2, c=3)\n"

    def test_what_is_given_as_a_mapping_may_hold_it_already(self) -> None:
        source = "loader = DataLoader(photos, **given)  # as it comes\n"
        text = changed(
            source, "DataLoader(photos, **given)", keywords={"num_workers": "2", "persistent_workers": "True"}
        )
        assert text == (
            'loader = DataLoader(photos, **{**given, "num_workers": 2, "persistent_workers": True})  # as it comes\n'
        )
        outcome: dict[str, Any] = {}
        exec(
            text, {"DataLoader": lambda photos, **all: all, "photos": [], "given": {"num_workers": 0, "a": 1}}, outcome
        )
        assert outcome["loader"] == {"num_workers": 2, "persistent_workers": True, "a": 1}

    def test_one_that_stands_without_its_name(self) -> None:
        assert changed("f(a, 2)\n", "f(a, 2)", keywords={"c": "3"}, places={"c": 1}) == "f(a, 3)\n"

    def test_one_that_is_made_from_what_is_there(self) -> None:
        rate = {"keywords": {"lr": "{} * 2"}, "defaults": {"lr": "0.1"}}
        assert changed("SGD(p, lr=r)\n", "SGD(p, lr=r)", **rate) == "SGD(p, lr=r * 2)\n"
        assert changed("SGD(p, lr=r + 1)\n", "SGD(p, lr=r + 1)", **rate) == "SGD(p, lr=(r + 1) * 2)\n"
        assert changed("SGD(p)\n", "SGD(p)", **rate) == "SGD(p, lr=0.1 * 2)\n"

    def test_one_is_added_and_the_comment_stays(self) -> None:
        assert changed(LOADER, CALL, keywords={"num_workers": "2"}) == (
            "loader = DataLoader(photos, batch_size=16, num_workers=2)  # as it comes\n"
        )

    def test_one_that_is_there_gets_its_new_value(self) -> None:
        source = "loader = DataLoader(photos, num_workers = 0)\n"
        new = changed(source, "DataLoader(photos, num_workers = 0)", keywords={"num_workers": "4"})
        assert new == "loader = DataLoader(photos, num_workers = 4)\n"

    def test_a_call_over_several_lines_keeps_its_form(self) -> None:
        source = "loader = DataLoader(\n    photos,\n    shuffle=True,  # always\n)\n"
        text = source[len("loader = ") : -1]
        assert changed(source, text, keywords={"num_workers": "2", "persistent_workers": "True"}) == (
            "loader = DataLoader(\n    photos,\n    shuffle=True,  # always\n"
            "    num_workers=2,\n    persistent_workers=True,\n)\n"
        )

    def test_no_comma_after_the_last_argument(self) -> None:
        source = "x = f(\n    a,\n    b=1  # one\n)\n"
        new = changed(source, source[len("x = ") : -1], keywords={"c": "2"})
        assert new == "x = f(\n    a,\n    b=1,  # one\n    c=2\n)\n"

    def test_the_only_argument_over_several_lines(self) -> None:
        source = "loader = DataLoader(\n    photos,\n)\n"
        new = changed(source, source[len("loader = ") : -1], keywords={"num_workers": "2"})
        assert new == "loader = DataLoader(\n    photos,\n    num_workers=2,\n)\n"

    def test_a_call_without_arguments(self) -> None:
        source = "optimizer.zero_grad()\n"
        new = changed(source, "optimizer.zero_grad()", keywords={"set_to_none": "True"})
        assert new == "optimizer.zero_grad(set_to_none=True)\n"


class TestWrapping:
    def test_the_first_argument(self) -> None:
        assert changed(LOADER, CALL, wrap="kept({}, most=9)", wrapped="dataset") == (
            "loader = DataLoader(kept(photos, most=9), batch_size=16)  # as it comes\n"
        )

    def test_the_argument_of_that_name(self) -> None:
        source = "DataLoader(batch_size=16, dataset=photos[:9])\n"
        new = changed(source, source.strip(), wrap="kept({})", wrapped="dataset")
        assert new == "DataLoader(batch_size=16, dataset=kept(photos[:9]))\n"

    def test_what_is_called(self) -> None:
        source = "if True:\n    torch.save(state, path)\n"
        new = changed(source, "torch.save(state, path)", callee="rarely({}, every_s=30)")
        assert new == "if True:\n    rarely(torch.save, every_s=30)(state, path)\n"

    def test_what_a_method_belongs_to(self) -> None:
        source = "trainer.losses[0].backward()\n"
        new = changed(source, "trainer.losses[0].backward()", callee="scaled({owner}).backward")
        assert new == "scaled(trainer.losses[0]).backward()\n"

    def test_the_whole_call(self) -> None:
        source = "rows = torch.from_numpy(table)\n"
        assert changed(source, "torch.from_numpy(table)", result="{}.float()") == (
            "rows = torch.from_numpy(table).float()\n"
        )

    def test_a_method_of_the_same_object(self) -> None:
        source = "model = net(3).double()\n"
        assert changed(source, "net(3).double()", method="float") == "model = net(3).float()\n"


def test_a_method_called_over_several_lines_is_found_where_it_ends() -> None:
    source = "model = Net(\n    3,\n).double()\n"
    site = Site("train.py", 3, 2, 3, 10)  # as Python tells it: from the method's name on
    assert edited(source, [Edit(site, method="float")]) == "model = Net(\n    3,\n).float()\n"


class TestSeveral:
    def test_two_changes_of_one_call(self) -> None:
        site = site_in(LOADER, CALL)
        edits = [Edit(site, {"num_workers": "2"}), Edit(site, wrap="kept({})", wrapped="dataset")]
        assert edited(LOADER, edits) == (
            "loader = DataLoader(kept(photos), batch_size=16, num_workers=2)  # as it comes\n"
        )

    def test_what_is_put_around_a_call_is_not_what_the_next_change_is_for(self) -> None:
        source = "scores = model(images)\n"
        site = site_in(source, "model(images)")
        edits = [
            Edit(site, callee="half({})", result="{}.float()"),
            Edit(site, callee="compiled({})"),
            Edit(site, result="{}.cpu()"),
        ]
        assert edited(source, edits) == "scores = compiled(half(model))(images).float().cpu()\n"

    def test_calls_that_move_one_another(self) -> None:
        source = "a = f(1); b = f(2)\n"
        edits = [
            Edit(site_in(source, "f(1)"), {"much": "'longer than before'"}),
            Edit(site_in(source, "f(2)"), {"n": "3"}),
        ]
        assert edited(source, edits) == "a = f(1, much='longer than before'); b = f(2, n=3)\n"

    def test_lines_come_before_the_statement_and_under_its_comment(self) -> None:
        source = "def main():\n    # the loader\n    x = f(1)\n"
        assert changed(source, "f(1)", before=("torch.set_num_threads(2)",)) == (
            "def main():\n    # the loader\n    torch.set_num_threads(2)\n    x = f(1)\n"
        )


class TestAfterALoop:
    SOURCE = "for a in b:\n    while a:\n        total += f(1)\n    # the end\n    print(total)\n"

    def test_lines_come_after_the_innermost_one(self) -> None:
        assert changed(self.SOURCE, "f(1)", after_loop=("total = g(total)",)) == (
            "for a in b:\n    while a:\n        total += f(1)\n    total = g(total)\n    # the end\n    print(total)\n"
        )

    def test_two_calls_that_want_the_same_lines(self) -> None:
        source = "for a in b:\n    t += f(1)\n    t += f(2)\n"
        edits = [Edit(site_in(source, text), after_loop=("t = g(t)",)) for text in ("f(1)", "f(2)")]
        assert edited(source, edits) == source + "t = g(t)\n"

    def test_there_is_none(self) -> None:
        with pytest.raises(BadInput, match="stands in no loop"):
            changed("total += f(1)\n", "f(1)", after_loop=("total = g(total)",))


class TestHeads:
    """A line that must come before a call cannot, where the call stands in the head of a block."""

    @pytest.mark.parametrize(
        "source",
        ["for x in f(1):\n    g(x)\n", "with f(1) as x:\n    g(x)\n", "if c: x = f(1)\n\ndef h():\n    return 2\n"],
    )
    def test_it_is_not_put_anywhere_else(self, source: str) -> None:
        with pytest.raises(BadInput, match="head of a block"):
            changed(source, "f(1)", before=("first()",))


class TestPlaces:
    @pytest.mark.parametrize("before", ['print(f"Época", ', "x = (zusammenfügen, ", "größe, y = (1, "])
    def test_columns_are_counted_in_bytes(self, before: str) -> None:
        source = f"{before}f(1))\n"
        assert changed(source, "f(1)", keywords={"b": "2"}) == f"{before}f(1, b=2))\n"

    def test_a_form_feed_ends_no_line(self) -> None:
        assert changed("x = 1\n\x0c\nf(1)\n", "f(1)", keywords={"b": "2"}) == "x = 1\n\x0c\nf(1, b=2)\n"


class TestSwitches:
    def test_after_the_imports_before_which_the_environment_is_set(self) -> None:
        source = 'import os\nos.environ["OMP_NUM_THREADS"] = "1"\nimport torch\n\n\ndef main():\n    f(1)\n'
        assert changed(source, "f(1)", imports=("import torch",), switches=("torch.set_num_threads(1)",)) == (
            source.replace("import torch\n", "import torch\ntorch.set_num_threads(1)\n")
        )

    def test_before_whatever_needs_them(self) -> None:
        source = "import torch\nx = f(1)\nimport json\n"
        assert changed(source, "f(1)", switches=("torch.set_num_threads(1)",)) == (
            "import torch\ntorch.set_num_threads(1)\nx = f(1)\nimport json\n"
        )


class TestImports:
    def test_after_the_last_one_at_the_top(self) -> None:
        source = '"""Doc."""\n\nimport torch\n\nx = f(1)\n'
        assert changed(source, "f(1)", imports=("from rarely import rarely",)) == (
            '"""Doc."""\n\nimport torch\nfrom rarely import rarely\n\nx = f(1)\n'
        )

    def test_after_the_docstring_where_there_is_none(self) -> None:
        assert changed('"""Doc."""\nx = f(1)\n', "f(1)", imports=("import kept",)) == (
            '"""Doc."""\nimport kept\nx = f(1)\n'
        )

    def test_not_after_one_further_down(self) -> None:
        source = "import torch\nx = f(1)\nimport json\n"
        assert changed(source, "f(1)", imports=("import kept",)) == "import torch\nimport kept\nx = f(1)\nimport json\n"

    def test_one_that_is_there_is_not_written_twice(self) -> None:
        source = "import kept\nx = f(1)\n"
        assert changed(source, "f(1)", imports=("import kept",)) == source


class TestContexts:
    CONTEXT = "torch.no_grad()"

    @pytest.mark.parametrize(
        ("source", "after"),
        [
            ("out = [m(x) for x in rows]\n", "with torch.no_grad():\n    out = [m(x) for x in rows]\n"),
            (
                "if a:\n    # why\n\n    return_(m(x))  # it\n",
                "if a:\n    # why\n\n    with torch.no_grad():\n        return_(m(x))  # it\n",
            ),
            (
                "out = f(\n    m(x),\n    2,\n)\n",
                "with torch.no_grad():\n    out = f(\n        m(x),\n        2,\n    )\n",
            ),
        ],
    )
    def test_the_statement_stands_in_it(self, source: str, after: str) -> None:
        new = changed(source, "m(x)", within=self.CONTEXT)
        assert new == after
        ast.parse(new)

    @pytest.mark.parametrize(
        "source",
        [
            "def f():\n    yield m(x)\n", "f = lambda x: m(x)\n", "out = sum(m(x) for x in rows)\n", "if m(x): pass\n",
            "for y in m(x):\n    pass\n", "if a: out = m(x)\n", "async def f():\n    await g(m(x))\n",
        ],
    )  # fmt: skip
    def test_what_happens_at_another_time_is_called_in_it(self, source: str) -> None:
        assert changed(source, "m(x)", within=self.CONTEXT) == source.replace("m(x)", "torch.no_grad()(m)(x)")

    def test_two_calls_of_a_statement_share_it(self) -> None:
        source = "out = m(x), n(x)\n"
        edits = [Edit(site_in(source, call), within=self.CONTEXT) for call in ("m(x)", "n(x)")]
        assert edited(source, edits) == "with torch.no_grad():\n    out = m(x), n(x)\n"

    def test_a_line_before_it(self) -> None:
        new = changed("out = m(x)\n", "m(x)", within=self.CONTEXT, before=("a = 1",))
        assert new == "a = 1\nwith torch.no_grad():\n    out = m(x)\n"
