"""The arguments of a call in Python source, set or wrapped, with commas, lines and comments as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import libcst as cst

from unslow.core.errors import BadInput
from unslow.core.variant import Edit


def wrapped(call: cst.Call, edit: Edit) -> cst.Call:
    named = [n for n, arg in enumerate(call.args) if arg.keyword is not None and arg.keyword.value == edit.wrapped]
    if not named and (not call.args or call.args[0].keyword is not None or call.args[0].star):
        raise BadInput(
            f"The call at {edit.site} does not show its {edit.wrapped or 'first argument'}.", "Edit it by hand."
        )
    place = named[0] if named else 0
    arg = call.args[place]
    args = [*call.args]
    args[place] = arg.with_changes(value=within(edit.wrap, arg.value))
    return call.with_changes(args=args)


def within(template: str, inner: cst.BaseExpression, owner: cst.BaseExpression | None = None) -> cst.BaseExpression:
    """The template's expression with `inner` where its `{}` stands, and `owner` where `{owner}` does."""
    whole = cst.Module([])
    owned = "" if owner is None else whole.code_for_node(owner)
    return cst.parse_expression(template.format(whole.code_for_node(inner), owner=owned))


def with_keyword(call: cst.Call, name: str, value: str, edit: Edit) -> cst.Call:
    """The call with an argument set, wherever it stands; one more, where it does not stand there."""
    args = [*call.args]
    place = next((n for n, arg in enumerate(args) if _is_called(arg, name)), None)
    if place is None and _has_by_position(args, edit.places.get(name)):
        place = edit.places[name]
    if place is not None:
        args[place] = args[place].with_changes(value=_made(value, args[place].value, name in edit.defaults))
        return call.with_changes(args=args)
    if name in edit.defaults and any(arg.star for arg in args):
        raise BadInput(f"The call at {edit.site} does not show its {name}.", "Edit it by hand.")
    given = next((n for n, arg in enumerate(args) if arg.star == "**"), None)
    if given is not None:
        args[given] = args[given].with_changes(value=_with_item(args[given].value, name, value))
        return call.with_changes(args=args)
    default = cst.parse_expression(edit.defaults.get(name, "None"))
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    new = cst.Arg(_made(value, default, name in edit.defaults), keyword=cst.Name(name), equal=equal)
    return call.with_changes(args=_with_last(args, new, call.whitespace_before_args))


def _with_item(mapping: cst.BaseExpression, name: str, value: str) -> cst.Dict:
    """What is given as `**mapping`, and an item that may be in it already: `{**mapping, "name": value}`."""
    space = cst.SimpleWhitespace(" ")
    elements: list[Any] = [*mapping.elements] if isinstance(mapping, cst.Dict) else [cst.StarredDictElement(mapping)]
    if elements:
        elements[-1] = elements[-1].with_changes(comma=cst.Comma(whitespace_after=space))
    return cst.Dict([*elements, cst.DictElement(cst.SimpleString(f'"{name}"'), cst.parse_expression(value))])


def _is_called(arg: cst.Arg, name: str) -> bool:
    return arg.keyword is not None and arg.keyword.value == name


def _has_by_position(args: Sequence[cst.Arg], place: int | None) -> bool:
    return place is not None and len(args) > place and not any(arg.keyword or arg.star for arg in args[: place + 1])


def _made(value: str, there: cst.BaseExpression, of_what_is_there: bool) -> cst.BaseExpression:
    """The new value of an argument, from the one that is there where it is a template."""
    if not of_what_is_there:
        return cst.parse_expression(value)
    stands_alone = isinstance(there, (cst.Name, cst.Attribute, cst.Integer, cst.Float, cst.Call, cst.Subscript))
    return within(value if stands_alone else value.replace("{}", "({})"), there)


def _with_last(args: Sequence[cst.Arg], new: cst.Arg, before: Any) -> list[cst.Arg]:
    """The arguments and one more, separated and ended as they are; a comment after the last one stays with it.

    `before` is the white space before the first.
    """
    if not args:
        return [new]
    *others, last = args
    has_comma = isinstance(last.comma, cst.Comma)
    # What stands before the bracket that closes the call: after the last comma, or, without one, after the argument.
    ending: Any = cast(Any, last.comma).whitespace_after if has_comma else last.whitespace_after_arg
    between: Any = args[0].comma if others else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    if isinstance(ending, cst.ParenthesizedWhitespace):  # The bracket is in a line of its own.
        line = getattr(before, "last_line", cst.SimpleWhitespace(ending.last_line.value + "    "))
        between = cst.Comma(whitespace_after=ending.with_changes(last_line=line))
        ending = ending.with_changes(first_line=cst.TrailingWhitespace(newline=ending.first_line.newline))
    separated = last.with_changes(comma=between, whitespace_after_arg=cst.SimpleWhitespace(""))
    if has_comma:
        return [*others, separated, new.with_changes(comma=cst.Comma(whitespace_after=ending))]
    return [*others, separated, new.with_changes(whitespace_after_arg=ending)]
