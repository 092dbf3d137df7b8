"""A group of commands that is listed without importing any of them: names and short helps are read from the source."""

from __future__ import annotations

import ast
import difflib
import importlib
import pkgutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from unslow.core.discover import BadPlugin

ATTRIBUTE = "COMMAND"


class LazyGroup(click.Group):
    """The commands of a package: each public module that assigns `COMMAND`, imported when it is run or asked about."""

    def __init__(self, *args: Any, package: str = "unslow.cli", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.package = package

    @cached_property
    def shown(self) -> dict[str, str]:
        """Each command's one-line help by its name, sorted."""
        room = importlib.import_module(self.package)
        found: dict[str, str] = {}
        for info in sorted(pkgutil.iter_modules(room.__path__), key=lambda info: info.name):
            if info.name.startswith("_") or info.ispkg:
                continue
            line = short_help(Path(info.module_finder.path) / f"{info.name}.py")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
            if line is not None:
                found[info.name.replace("_", "-")] = line
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.shown)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.shown:
            return None
        module = importlib.import_module(f"{self.package}.{cmd_name.replace('-', '_')}")
        command = getattr(module, ATTRIBUTE)
        if not isinstance(command, click.Command):
            raise BadPlugin(
                f"{module.__file__}:1 has a {ATTRIBUTE} that is no click command.",
                f"End the file with `{ATTRIBUTE} = <the function decorated with click.command>`.",
            )
        _accept_debug(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.shown:
            close = difflib.get_close_matches(args[0], self.shown, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.shown:
            with formatter.section("Commands"):
                formatter.write_dl(list(self.shown.items()))


def short_help(file: Path) -> str | None:
    """The first line of a command file's docstring; None where it assigns no `COMMAND` at module level.

    Raises
    ------
    BadPlugin
        The file has a command but no docstring.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    if not _assigns(tree.body, ATTRIBUTE):
        return None
    docstring = ast.get_docstring(tree)
    if not docstring:
        raise BadPlugin(f"{file}:1 has no docstring.", "Its first line is what `unslow --help` shows of the command.")
    return docstring.splitlines()[0].rstrip(".")


def _assigns(body: Sequence[ast.stmt], name: str) -> bool:
    for statement in body:
        targets = (
            statement.targets
            if isinstance(statement, ast.Assign)
            else [statement.target]
            if isinstance(statement, ast.AnnAssign)
            else []
        )
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return True
    return False


def _accept_debug(command: click.Command) -> None:
    """Lets `--debug` stand after the command's name too; `main` reads it from the arguments."""
    if not any("--debug" in parameter.opts for parameter in command.params):
        command.params.append(debug_option())


def debug_option() -> click.Option:
    """`--debug`, which nothing receives: it only says how an error is shown."""
    return click.Option(["--debug"], is_flag=True, expose_value=False, help="Show the traceback of an error.")
