"""Whether a number that is asked for in every step can be added up where it lies, and asked for after the loop.

Proven from the source alone, which must show all that becomes of it: `total += loss.item()`, where `total` began as a
number that is written there, and the loop reads it at most now and then, in statements under an `if`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from unslow.core.script import Site
from unslow.scripts._syntax import (
    BLOCKS,
    FUNCTIONS,
    binds,
    called_name,
    end_of,
    has_its_own,
    is_count,
    mentions,
    one_by_one,
    statements_before,
    stores,
)

Kind = Literal["float", "int"]
Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.While
SAYING = frozenset({"print", "debug", "info", "warning", "error", "log", "write"})
READING_ALL = frozenset({"locals", "globals", "vars", "eval", "exec"})


@dataclass(frozen=True)
class Deferral:
    """What is added up: its `name`, and whether it begins as a "float" or an "int". `reads` are calls in the statements
    in the loop that need the number. `why_not` in one sentence where it cannot be put off, "" where it can."""

    why_not: str = ""
    name: str = ""
    begins: Kind = "float"
    multiplied: bool = False
    reads: tuple[Site, ...] = ()


class _CannotBe(Exception):
    """Why a number cannot be put off."""


def deferral(source: str, site: Site) -> Deferral:
    """What can be said of the `.item()` whose call is at `site` in `source`."""
    try:
        return _Proof(ast.parse(source), site).deferral()
    except SyntaxError:
        return Deferral("its source cannot be read")
    except _CannotBe as reason:
        return Deferral(str(reason))


class _Proof:
    """One call, and the statements around it."""

    def __init__(self, tree: ast.Module, site: Site) -> None:
        self._file = site.file
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        ends = site.end_line, site.end_column
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and end_of(node) == ends]
        if not calls:
            raise _CannotBe("its call is not in the source")
        self._call = calls[0]

    def deferral(self) -> Deferral:
        statement, multiplied = self._sum()
        name = _name(statement)
        loop, scope = self._loop(statement), self._scope(statement)
        self._refuse_other_scopes(scope, name)
        self._refuse_handlers(loop, name)
        begins = self._begins(loop, scope, name)
        return Deferral("", name, begins, multiplied, self._reads(loop, name, begins))

    def _sum(self) -> tuple[ast.AugAssign, bool]:
        """The statement that adds the number up, and whether the number is multiplied before."""
        if not isinstance(self._call.func, ast.Attribute) or self._call.func.attr != "item" or self._call.args:
            raise _CannotBe("it is no call of .item()")
        above = self._parents[self._call]
        product = isinstance(above, ast.BinOp)
        if isinstance(above, ast.BinOp):
            other = above.left if above.right is self._call else above.right
            if not isinstance(above.op, ast.Mult) or not is_count(other):
                raise _CannotBe("what it is used with may be no number")
            above = self._parents[above]
        if isinstance(above, ast.AugAssign) and isinstance(above.op, ast.Add) and isinstance(above.target, ast.Name):
            return above, product
        raise _CannotBe(self._other_use())

    def _other_use(self) -> str:
        for node in self._above(self._call):
            if isinstance(node, ast.Call) and called_name(node) in SAYING:
                return "it is said in every step"
            if isinstance(node, (ast.If, ast.While, ast.IfExp)):
                return "what is done next depends on it"
        return "the source does not show all that becomes of it"

    def _above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What encloses a node, up to its statement."""
        while not isinstance(node, ast.stmt):
            node = self._parents[node]
            yield node

    def _around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What encloses a node, innermost first, up to the function that it stands in, or the module."""
        while node in self._parents:
            node = self._parents[node]
            yield node
            if isinstance(node, (*FUNCTIONS, ast.Module)):
                return

    def _loop(self, statement: ast.stmt) -> Loop:
        for node in self._around(statement):
            if isinstance(node, (ast.For, ast.While)):
                return node
        raise _CannotBe("it is asked for in no loop")

    def _scope(self, statement: ast.stmt) -> Scope:
        *_, outermost = self._around(statement)
        if not isinstance(outermost, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
            raise _CannotBe("it is asked for in the body of a class")
        return outermost

    def _refuse_other_scopes(self, scope: Scope, name: str) -> None:
        """Nobody else may see the name while the number is not known."""
        for node in ast.walk(scope):
            if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
                raise _CannotBe(f"{name} is shared with other functions")
            if isinstance(node, ast.Call) and called_name(node) in READING_ALL:
                raise _CannotBe(f"{called_name(node)}() may read {name}")
            if (
                isinstance(node, FUNCTIONS)
                and node is not scope
                and mentions(node, name)
                and not has_its_own(node, name)
            ):
                raise _CannotBe(f"another function uses {name}")

    def _refuse_handlers(self, loop: Loop, name: str) -> None:
        for node in self._around(loop):
            if isinstance(node, (ast.Try, ast.TryStar)):
                others = [*node.handlers, *node.finalbody, *node.orelse]
                if any(mentions(other, name) for other in others):
                    raise _CannotBe(f"{name} is used where the loop is left by an error")

    def _begins(self, loop: Loop, scope: Scope, name: str) -> Kind:
        """How the name begins before the loop: by a number that is written there, whichever way the loop is reached."""
        node: ast.AST = loop
        kinds: set[str] = set()
        while node is not scope:  # From the loop outwards, from the last statement to the first.
            above = self._parents[node]
            for earlier in reversed(statements_before(above, node)):
                if binds(earlier, name):
                    return self._one_kind(kinds | {_literal(earlier, name)}, name)
            if isinstance(node, ast.ExceptHandler):
                raise _CannotBe(f"{name} is used where an error is handled")
            if isinstance(above, (ast.For, ast.While)):  # What comes after it in that loop is before it the next time.
                inside = set(ast.walk(loop))
                others = [one for one in ast.walk(above) if stores(one, name) and one not in inside]
                kinds |= {_literal(self._statement(other), name) for other in others}
            node = above
        raise _CannotBe(f"what {name} begins with is not in the source")

    def _one_kind(self, kinds: set[str], name: str) -> Kind:
        if len(kinds) > 1:
            raise _CannotBe(f"{name} begins as an int and as a float")
        return "float" if "float" in kinds else "int"

    def _reads(self, loop: Loop, name: str, begins: str) -> tuple[Site, ...]:
        """All that the loop does with the name: adds to it, begins it anew, or reads it under an `if`."""
        reads: dict[Site, None] = {}
        sums = 0
        for node in ast.walk(loop):
            if not isinstance(node, ast.Name) or node.id != name:
                continue
            statement = self._statement(node)
            if isinstance(statement, ast.AugAssign) and statement.target is node:
                _refuse_other_sums(statement, name)
                sums += 1
            elif isinstance(node.ctx, ast.Store):
                self._one_kind({_literal(statement, name), begins}, name)
            elif isinstance(node.ctx, ast.Load) and self._is_rare(statement, loop):
                reads[self._a_call_in(statement, name)] = None
            else:
                raise _CannotBe(f"{name} is used in every step")
        if sums > 1 and begins == "int":
            raise _CannotBe(f"{name} begins as an int and is added to in several places")
        return tuple(reads)

    def _statement(self, node: ast.AST) -> ast.stmt:
        while not isinstance(node, ast.stmt):
            node = self._parents[node]
        return node

    def _is_rare(self, statement: ast.stmt, loop: Loop) -> bool:
        """Whether an `if` decides about a statement without a body."""
        if isinstance(statement, ast.AugAssign) or any(hasattr(statement, block) for block in BLOCKS):
            return False
        for node in self._around(statement):
            if node is loop:
                return False
            if isinstance(node, ast.If):
                return True
        return False

    def _a_call_in(self, statement: ast.stmt, name: str) -> Site:
        above = self._parents[statement]
        block = next(block for block in BLOCKS if statement in getattr(above, block, ()))
        in_line = [one for one in (above, *getattr(above, block)) if getattr(one, "lineno", 0) == statement.lineno]
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and node is not self._call and in_line == [statement]:
                line, column = end_of(node)
                return Site(self._file, node.lineno, node.col_offset, line, column)
        raise _CannotBe(f"nothing can be put before line {statement.lineno}, which uses {name}")


def _refuse_other_sums(statement: ast.AugAssign, name: str) -> None:
    value = statement.value.left if isinstance(statement.value, ast.BinOp) else statement.value
    others = value, getattr(statement.value, "right", value)
    asked = any(isinstance(one, ast.Call) and called_name(one) == "item" for one in others)
    if not isinstance(statement.op, ast.Add) or mentions(statement.value, name) or not asked:
        raise _CannotBe(f"{name} is changed in another way too")


def _name(statement: ast.AugAssign) -> str:
    assert isinstance(statement.target, ast.Name)
    return statement.target.id


def _literal(statement: ast.AST, name: str) -> Kind:
    """Of `name = 0`, also in `name = other = 0` and `name, other = 0, []`: which kind of number it is."""
    pairs: list[tuple[ast.expr, ast.expr | None]] = []
    if isinstance(statement, ast.AnnAssign):
        pairs = [(statement.target, statement.value)]
    elif isinstance(statement, ast.Assign):
        pairs = [pair for target in statement.targets for pair in one_by_one(target, statement.value)]
    values = [value for target, value in pairs if binds(target, name)]
    if len(values) == 1 and isinstance(values[0], ast.Constant) and type(values[0].value) in (int, float):
        return "int" if type(values[0].value) is int else "float"
    raise _CannotBe(f"what {name} begins with is not in the source")
