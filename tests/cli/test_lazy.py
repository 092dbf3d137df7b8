from __future__ import annotations

import textwrap
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from unslow.cli._lazy import LazyGroup, short_help
from unslow.core.discover import BadPlugin

GOOD = '''
    """Does a thing. And more.

    Details.
    """
    import click

    @click.command()
    def good_one():
        click.echo("done")

    COMMAND = good_one
'''


def source(folder: Path, text: str) -> Path:
    file = folder / "command.py"
    file.write_text(textwrap.dedent(text))
    return file


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LazyGroup:
    """A group of the commands in a package of a test's own, of which two files are no commands and one is bad."""
    package = tmp_path / f"commands_of_{tmp_path.name.replace('-', '_')}"
    package.mkdir()
    files = {"__init__": "", "good_one": GOOD, "_helper": "raise SystemExit('imported')", "other": '"""No command."""'}
    files["bad"] = '"""Is no command of click."""\nCOMMAND = 3\n'
    for name, text in files.items():
        (package / f"{name}.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(str(tmp_path))
    return LazyGroup(name="it", package=package.name)


@pytest.mark.parametrize("text", ["", '"""Doc."""', "def COMMAND(): ..."])
def test_a_file_without_the_attribute_is_no_command(tmp_path: Path, text: str) -> None:
    assert short_help(source(tmp_path, text)) is None


def test_an_attribute_inside_a_function_does_not_count(tmp_path: Path) -> None:
    assert short_help(source(tmp_path, '"""Doc."""\ndef f():\n    COMMAND = 1\n')) is None


def test_a_command_without_a_docstring_fails_loudly(tmp_path: Path) -> None:
    with pytest.raises(BadPlugin, match=r"command\.py:1 has no docstring"):
        short_help(source(tmp_path, "COMMAND = 1"))


@pytest.mark.parametrize("assignment", ["COMMAND = 1", "COMMAND: int = 1", "a = COMMAND = 1"])
def test_the_help_is_the_docstring_s_first_line(tmp_path: Path, assignment: str) -> None:
    assert short_help(source(tmp_path, f'"""Does a thing.\n\nMore.\n"""\n{assignment}')) == "Does a thing"


def test_commands_are_found_by_file_and_named_with_dashes(group: LazyGroup) -> None:
    assert group.list_commands(click.Context(group)) == ["bad", "good-one"]


def test_the_help_imports_no_command(group: LazyGroup) -> None:
    result = CliRunner().invoke(group, ["--help"])
    assert result.exit_code == 0
    assert "Does a thing. And more" in result.output


def test_a_command_runs_and_takes_debug(group: LazyGroup) -> None:
    for arguments in (["good-one"], ["good-one", "--debug"]):
        assert CliRunner().invoke(group, arguments).output == "done\n"


def test_a_bad_command_fails_loudly(group: LazyGroup) -> None:
    result = CliRunner().invoke(group, ["bad"])
    assert isinstance(result.exception, BadPlugin)
    assert "bad.py:1" in str(result.exception)


def test_a_close_name_is_suggested(group: LazyGroup) -> None:
    assert "Did you mean 'good-one'?" in CliRunner().invoke(group, ["good-on"]).output
