from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import click
import pytest

from unslow.cli import main as entry
from unslow.core.errors import BadInput, MissingExtra, UnslowError

OPTIONAL = {"numpy", "rich", "jinja2", "torch", "onnx", "onnxruntime", "openvino", "altair", "cloudpickle", "psutil"}


@pytest.fixture
def fail_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Lets any command raise this."""

    def arrange(error: BaseException) -> None:
        def raises(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr(entry.cli, "main", raises)

    return arrange


def imported_by(code: str) -> set[str]:
    """The top-level modules that `code` leaves imported in a process of its own."""
    program = f"{code}\nimport sys; sys.stderr.write(' '.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


def test_help_imports_no_numpy_and_no_extra() -> None:
    modules = imported_by("from unslow.cli.main import main; main(['--help'])")
    assert "click" in modules
    assert modules & OPTIONAL == set()


def test_help_imports_no_command() -> None:
    code = "from unslow.cli.main import main; main(['--help']); import sys; assert 'unslow.cli.env' not in sys.modules"
    imported_by(code)


def test_help_lists_the_commands_with_their_first_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--help"]) == 0
    shown = capsys.readouterr().out
    commands = shown.partition("Commands:")[2]
    assert "What a habit or a fix is" in commands
    assert "main" not in commands


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("unslow 0")


def test_the_package_is_a_command_too() -> None:
    ran = subprocess.run([sys.executable, "-m", "unslow", "enw"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("unslow: There is no command 'enw'.")


def test_no_command_shows_the_help_and_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([]) == 2
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "what", "where"),
    [
        (["enw"], "There is no command 'enw'. Did you mean 'env'?", "See: unslow --help"),
        (["qqq"], "There is no command 'qqq'.", "See: unslow --help"),
        (["env", "--nope"], "No such option '--nope'.", "See: unslow env --help"),
    ],
)
def test_usage_errors_are_two_plain_lines(
    capsys: pytest.CaptureFixture[str], arguments: list[str], what: str, where: str
) -> None:
    assert entry.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [f"unslow: {what}", where]


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (BadInput("It is broken: a.onnx.", "Mend it."), 2, ["unslow: It is broken: a.onnx.", "Mend it."]),
        (UnslowError("It is broken."), 2, ["unslow: It is broken."]),
        (
            MissingExtra("onnx", "onnx", "This file"),
            3,
            ["unslow: This file needs onnx, which is not installed.", "Install it with: pip install 'unslow[onnx]'"],
        ),
        (
            ZeroDivisionError("first\nsecond"),
            2,
            ["unslow: Unexpected ZeroDivisionError: first", "Run it again with --debug to see the traceback."],
        ),
        (
            ValueError(),
            2,
            ["unslow: Unexpected ValueError: (it says nothing)", "Run it again with --debug to see the traceback."],
        ),
        (KeyboardInterrupt(), 130, ["unslow: Interrupted."]),
        (click.Abort(), 130, ["unslow: Interrupted."]),
    ],
)
def test_errors_are_plain_lines_and_the_class_s_exit_code(
    fail_with: Callable[[BaseException], None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    lines: list[str],
) -> None:
    fail_with(error)
    assert entry.main(["env"]) == code
    assert capsys.readouterr().err.splitlines() == lines


@pytest.mark.parametrize("arguments", [["--debug", "env"], ["env", "--debug"]])
def test_debug_shows_the_traceback(
    fail_with: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    fail_with(BadInput("It is broken.", "Mend it."))
    assert entry.main(arguments) == 2
    shown = capsys.readouterr().err
    assert "Traceback (most recent call last)" in shown
    assert shown.splitlines()[-2:] == ["unslow: It is broken.", "Mend it."]


def test_debug_after_two_dashes_is_the_script_s() -> None:
    assert not entry.wants_debug(["fix", "train.py", "--", "--debug"])
    assert entry.wants_debug(["fix", "--debug", "train.py", "--", "--x"])


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (1, 1), ("text", 0)])
def test_a_command_s_own_number_is_the_exit_code(monkeypatch: pytest.MonkeyPatch, returned: object, code: int) -> None:
    def gives(*_: Any, **__: Any) -> object:
        return returned

    monkeypatch.setattr(entry.cli, "main", gives)
    assert entry.main(["env"]) == code


def test_the_installed_command_exits_with_the_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unslow.cli.main", "nothing"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("unslow: There is no command 'nothing'.")
