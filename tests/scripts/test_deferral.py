from __future__ import annotations

import ast
import textwrap

import pytest

from unslow.core.script import Site
from unslow.scripts.deferral import Deferral, deferral


def asked(source: str, text: str = "loss.item()") -> Deferral:
    source = textwrap.dedent(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.get_source_segment(source, node) == text:
            return deferral(
                source, Site("a.py", node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)
            )
    raise AssertionError(text)


EPOCH = """
def train(loader):
    {begin}
    for batch in loader:
        loss = step(batch)
        {body}
    {after}
    return total / len(loader)
"""


def epoch(body: str, begin: str = "total = 0.0", after: str = "pass", text: str = "loss.item()") -> Deferral:
    return asked(EPOCH.format(body=body.replace("\n", "\n        "), begin=begin, after=after), text)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("print(loss.item())", "said in every step"),
        ("log.info('%s', loss.item())", "said in every step"),
        ("if loss.item() > 3:\n    break", "depends on it"),
        ("losses.append(loss.item())", "does not show"),
        ("self.total += loss.item()", "does not show"),
        ("total -= loss.item()", "does not show"),
        ("total += loss.item() / count", "may be no number"),
        ("total += loss.item() * weight", "may be no number"),
        ("total += loss.item()\nprint(total)", "used in every step"),
        ("total += loss.item()\nif total > 3:\n    break", "used in every step"),
        ("total += loss.item()\nif n:\n    for k in range(total):\n        print(k)", "used in every step"),
        ("total += loss.item()\ntotal += penalty", "in another way too"),
        ("total += loss.item()\ntotal *= 0.9", "in another way too"),
        ("total += loss.item()\nif n:\n    total = start", "not in the source"),
        ("total += loss.item()\nif n: print(total)", "nothing can be put before"),
        ("total += loss.item()\nif n:\n    best = total", "nothing can be put before"),
        ("total += loss.item()\nbars.append(lambda: total)", "another function"),
        ("total += loss.item()\nhook(lambda: say(total=total))", "another function"),
        ("total += loss.item()\nprint(locals())", "locals"),
    ],
)
def test_what_the_loop_needs_or_does_not_show(body: str, why: str) -> None:
    assert why in epoch(body).why_not


@pytest.mark.parametrize("begin", ["total = start", "pass", "total = start; total += 1", "total = None", "total = [0]"])
def test_a_sum_that_begins_with_who_knows_what(begin: str) -> None:
    assert "begins with" in epoch("total += loss.item()", begin).why_not


def test_a_variable_of_others() -> None:
    assert "shared" in epoch("total += loss.item()", "global total\n    total = 0.0").why_not


def test_no_loop() -> None:
    assert "no loop" in asked("total = 0.0\ntotal += loss.item()\n").why_not


def test_an_error_that_leaves_the_loop() -> None:
    source = """
    total = 0.0
    try:
        for batch in loader:
            total += loss.item()
    finally:
        print(total)
    """
    assert "by an error" in asked(source).why_not


def test_what_an_outer_loop_makes_of_it() -> None:
    source = """
    total = 0.0
    for epoch in epochs:
        for batch in loader:
            total += loss.item()
        total /= 2
    """
    assert "not in the source" in asked(source).why_not


def test_an_int_here_and_a_float_there() -> None:
    assert "as an int and as a float" in epoch("total += loss.item()\nif n:\n    total = 0").why_not
    twice = "total += loss.item()\ntotal += other.item()"
    assert "several places" in epoch(twice, "total = 0").why_not


def test_a_place_without_a_call() -> None:
    assert deferral("x = 1\n", Site("a.py", 1, 0, 1, 5)).why_not and deferral("x = = 1\n", Site("a.py", 1)).why_not


class TestWhatCanBePutOff:
    def test_a_sum(self) -> None:
        assert epoch("total += loss.item()") == Deferral("", "total", "float")

    @pytest.mark.parametrize("begin", ["total = 0", "total: int = 0", "count = total = 0", "count, total = 0.0, 0"])
    def test_a_count(self, begin: str) -> None:
        assert epoch("total += loss.item()", begin).begins == "int"

    @pytest.mark.parametrize("factor", ["len(batch)", "batch.size(0)", "batch.shape[0]", "2"])
    def test_times_the_size_of_the_batch(self, factor: str) -> None:
        assert epoch(f"total += loss.item() * {factor}").multiplied and not epoch("total += loss.item()").multiplied
        assert not epoch(f"total += {factor} * loss.item()").why_not

    def test_two_sums_in_one(self) -> None:
        assert not epoch("total += loss.item()\ntotal += other.item()").why_not

    def test_read_now_and_then(self) -> None:
        found = epoch("total += loss.item()\nif n % 100 == 0:\n    print(total / 100)\n    total = 0.0")
        (read,) = found.reads
        assert read.line == 8 and not found.why_not

    def test_another_functions_variable_of_the_same_name(self) -> None:
        source = """
        def evaluate():
            total = 1
            return total
        total = 0.0
        for batch in loader:
            total += loss.item()
        """
        assert not asked(source).why_not

    def test_over_all_epochs(self) -> None:
        source = """
        total = 0.0
        for epoch in epochs:
            for batch in loader:
                total += loss.item()
            print(total)
        """
        assert not asked(source).why_not
