"""Changes calls in Python source by their places; formatting, comments and everything else stay as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import libcst as cst
from libcst import matchers
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from unslow.core.errors import BadInput
from unslow.core.variant import Edit
from unslow.edits.arguments import with_keyword, within, wrapped

LINE_END = re.compile(r"\r\n|\r|\n")


def edited(source: str, edits: Sequence[Edit]) -> str:
    """The source of one file with all its `edits`, whose sites are places in `source` as it is given.

    Raises
    ------
    BadInput
        The source has no call at a site, or a statement there that nothing can be put before.
    """
    lines = LINE_END.split(source)
    edits = [_in_characters(edit, lines) for edit in edits]
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=False)
    first = _first_statement(wrapper, min((edit.site.line for edit in edits), default=0))
    change = _Change(edits)
    changed = wrapper.visit(change)
    missed = [edit for edit in edits if edit not in change.done]
    if missed:
        raise BadInput(f"There is no call at {missed[0].site} that can be changed.", "The file may have changed since.")
    imports = dict.fromkeys(line for edit in edits for line in edit.imports)
    switches = dict.fromkeys(line for edit in edits for line in edit.switches)
    return _with_lines_on_top(changed, list(imports), list(switches), first).code


def _in_characters(edit: Edit, lines: Sequence[str]) -> Edit:
    """Python counts columns in bytes of UTF-8, the syntax tree in characters."""
    site = edit.site

    def column(line: int, in_bytes: int) -> int:
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        return len(text.encode()[:in_bytes].decode(errors="ignore")) if not text.isascii() else in_bytes

    start, end = column(site.line, site.column), column(site.end_line, site.end_column)
    return replace(edit, site=replace(site, column=start, end_column=end))


def _first_statement(wrapper: MetadataWrapper, line: int) -> int:
    """The number of the file's own statement that holds a line."""
    positions = wrapper.resolve(PositionProvider)
    ends = [positions[statement].end.line for statement in wrapper.module.body]
    return next((place for place, end in enumerate(ends) if end >= line), len(ends))


class _Change(cst.CSTTransformer):
    """All edits in one pass, since each moves the places of what follows it."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, edits: Sequence[Edit]) -> None:
        super().__init__()
        self._edits = edits
        self._waiting: list[tuple[str, ...]] = []
        self._contexts: dict[str, None] = {}
        self._later: list[bool] = [True]
        self._after_loops: list[dict[str, None]] = []
        self.done: list[Edit] = []

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
        position = self.get_metadata(PositionProvider, original_node)
        if not isinstance(position, CodeRange):
            return updated_node
        here = [edit for edit in self._edits if edit not in self.done and _is_at(position, edit)]
        call = updated_node
        for edit in here:
            call = _changed(call, edit)
            if edit.within and self._later[-1]:
                call = call.with_changes(func=within(f"{edit.within}({{}})", call.func))
            elif edit.within:
                self._contexts[edit.within] = None
        self.done += here
        self._waiting += [edit.before for edit in here if edit.before]
        for edit in here:
            if edit.after_loop:
                self._loop_of(edit).update(dict.fromkeys(edit.after_loop))
        # Last, for what is put around the call is another expression, which no edit of the call is for.
        whole: cst.BaseExpression = call
        for edit in here:
            whole = within(edit.result, whole) if edit.result else whole
        return whole

    # What a head of a loop or of a block waits for is no matter of the statements in it.

    def visit_IndentedBlock(self, node: cst.IndentedBlock) -> None:
        self._nothing_waits()

    def visit_SimpleStatementSuite(self, node: cst.SimpleStatementSuite) -> None:
        self._nothing_waits()

    def leave_SimpleStatementSuite(
        self, original_node: cst.SimpleStatementSuite, updated_node: cst.SimpleStatementSuite
    ) -> cst.SimpleStatementSuite:
        self._nothing_waits()
        return updated_node

    def _nothing_waits(self) -> None:
        if self._waiting:
            raise BadInput(
                f"A line cannot be put before the call at {self.done[-1].site}, which stands in the head of a block.",
                "Edit it by hand.",
            )

    # What is in a statement of its own happens while the statement does; what is in one of these, at another time.

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> None:
        self._later.append(bool(matchers.findall(node, matchers.Yield() | matchers.Await())))

    def visit_Lambda(self, node: cst.Lambda) -> None:
        self._later.append(True)

    def leave_Lambda(self, original_node: cst.Lambda, updated_node: cst.Lambda) -> cst.BaseExpression:
        self._later.pop()
        return updated_node

    def visit_GeneratorExp(self, node: cst.GeneratorExp) -> None:
        self._later.append(True)

    def leave_GeneratorExp(self, original_node: cst.GeneratorExp, updated_node: cst.GeneratorExp) -> cst.BaseExpression:
        self._later.pop()
        return updated_node

    def _loop_of(self, edit: Edit) -> dict[str, None]:
        """The lines that come after the loop which the call stands in."""
        if not self._after_loops:
            raise BadInput(f"The call at {edit.site} stands in no loop.", "Edit it by hand.")
        return self._after_loops[-1]

    def visit_For(self, node: cst.For) -> None:
        self._after_loops.append({})

    def visit_While(self, node: cst.While) -> None:
        self._after_loops.append({})

    def leave_For(self, original_node: cst.For, updated_node: cst.For) -> Any:
        return self._loop_and_lines(updated_node)

    def leave_While(self, original_node: cst.While, updated_node: cst.While) -> Any:
        return self._loop_and_lines(updated_node)

    def _loop_and_lines(self, loop: cst.For | cst.While) -> Any:
        lines = self._after_loops.pop()
        return cst.FlattenSentinel([loop, *map(cst.parse_statement, lines)]) if lines else loop

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        self._later.pop()
        if self._contexts:
            updated_node = self._in_contexts(updated_node)
        if not self._waiting:
            return updated_node
        lines = [line for before in self._waiting for line in before]
        self._waiting.clear()
        first, *rest = [cst.parse_statement(line) for line in lines]
        # What stands above the statement (comments, empty lines) stays above.
        first = first.with_changes(leading_lines=updated_node.leading_lines)
        return cst.FlattenSentinel([first, *rest, updated_node.with_changes(leading_lines=())])

    def _in_contexts(self, statement: cst.SimpleStatementLine) -> Any:
        """A `with` around the statement; what stands above it stays above."""
        items = [cst.WithItem(cst.parse_expression(context)) for context in self._contexts]
        self._contexts.clear()
        body = cst.IndentedBlock([statement.with_changes(leading_lines=())])
        return cst.With(items, body, leading_lines=statement.leading_lines)


def _is_at(position: CodeRange, edit: Edit) -> bool:
    """By where the call ends: no two calls end in the same place, and Python says of a method called over several lines
    that it begins at the method's name. Where the site has no end, by where it begins."""
    site, start, end = edit.site, position.start, position.end
    if site.end_line:
        return (end.line, end.column) == (site.end_line, site.end_column)
    return (start.line, start.column) == (site.line, site.column)


def _changed(call: cst.Call, edit: Edit) -> cst.Call:
    """The call with all of an edit but what is put around it."""
    if edit.callee:
        call = call.with_changes(func=within(edit.callee, call.func, _owner(call.func)))
    if edit.wrap:
        call = wrapped(call, edit)
    for name, value in edit.keywords.items():
        call = with_keyword(call, name, value, edit)
    if edit.method:
        call = call.with_changes(func=_renamed(call.func, edit))
    return call


def _renamed(func: cst.BaseExpression, edit: Edit) -> cst.BaseExpression:
    if not isinstance(func, cst.Attribute):
        raise BadInput(f"What is called at {edit.site} is no method.", "Edit it by hand.")
    return func.with_changes(attr=cst.Name(edit.method))


def _owner(func: cst.BaseExpression) -> cst.BaseExpression | None:
    return func.value if isinstance(func, cst.Attribute) else None


def _with_lines_on_top(module: cst.Module, imports: Sequence[str], switches: Sequence[str], first: int) -> cst.Module:
    """Imports, then switches, after the imports on top, or after the docstring where there are none, and before the
    statement number `first`, which needs them; imports that are there stay.

    Statements may stand between imports, as those that set the environment for what is imported next.
    """
    body = module.body
    place = 1 if body and _is_docstring(body[0]) else 0
    for number, statement in enumerate(body[:first]):
        if isinstance(statement, (cst.FunctionDef, cst.ClassDef, cst.For, cst.While, cst.With)):
            break
        place = number + 1 if _is_import(statement) else place
    present = {module.code_for_node(node).strip() for node in body[:place]}
    new = [cst.parse_statement(line) for line in (*imports, *switches) if line not in present]
    return module.with_changes(body=[*body[:place], *new, *body[place:]])


def _is_import(node: Any) -> bool:
    return isinstance(node, cst.SimpleStatementLine) and isinstance(node.body[0], (cst.Import, cst.ImportFrom))


def _is_docstring(node: Any) -> bool:
    return (
        isinstance(node, cst.SimpleStatementLine)
        and isinstance(node.body[0], cst.Expr)
        and isinstance(node.body[0].value, cst.SimpleString)
    )
