"""What Python source says of a name and of a call, as far as its syntax shows it."""

from __future__ import annotations

import ast
from collections.abc import Sequence

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
BLOCKS = ("body", "orelse", "finalbody")


def end_of(node: ast.expr) -> tuple[int, int]:
    return node.end_lineno or 0, node.end_col_offset or 0


def called_name(call: ast.Call) -> str:
    func = call.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def is_count(node: ast.expr) -> bool:
    """Whether it can only be a number of Python's own: written there, or the size of something."""
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "shape" and is_count(node.slice)
    return isinstance(node, ast.Call) and (
        (isinstance(node.func, ast.Name) and node.func.id == "len")
        or (isinstance(node.func, ast.Attribute) and node.func.attr == "size" and len(node.args) == 1)
    )  # fmt: skip


def mentions(node: ast.AST, name: str) -> bool:
    """Whether the name is written in it at all, as a variable, an argument or a name that is imported."""
    return any(
        name in (getattr(one, "id", None), getattr(one, "arg", None), getattr(one, "asname", None))
        for one in ast.walk(node)
    )


def has_its_own(function: ast.AST, name: str) -> bool:
    """Whether a function without others in it has a variable of that name (and says nowhere that it is another's)."""
    if isinstance(function, ast.ClassDef):
        return False
    inside = [*ast.walk(function)]
    alone = sum(isinstance(node, FUNCTIONS) for node in inside) == 1
    return alone and any(stores(one, name) or (isinstance(one, ast.arg) and one.arg == name) for one in inside)


def stores(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)


def binds(node: ast.AST, name: str) -> bool:
    """Whether the name gets another value in it: also by an import, or by an `except … as`."""
    return any(
        stores(one, name)
        or (isinstance(one, ast.alias) and name in (one.asname, one.name))
        or (isinstance(one, ast.ExceptHandler) and one.name == name)
        for one in ast.walk(node)
    )


def statements_before(above: ast.AST, node: ast.AST) -> Sequence[ast.stmt]:
    """The statements that come before `node` in its block."""
    for block in BLOCKS:
        statements: list[ast.stmt] = getattr(above, block, [])
        if node in statements:
            return statements[: statements.index(node)]  # pyright: ignore[reportArgumentType]
    return ()


def one_by_one(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """The assignments that `a, b = 0, 1` stands for."""
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return [(target, value)]
    starred = any(isinstance(one, ast.Starred) for one in target.elts)
    same = len(target.elts) == len(value.elts) and not starred
    return list(zip(target.elts, value.elts, strict=True)) if same else [(target, value)]
