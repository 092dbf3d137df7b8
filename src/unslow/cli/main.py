"""The entry point of `unslow`: runs the command that is named, and shows errors as two plain lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from unslow.cli._lazy import LazyGroup, debug_option
from unslow.core.errors import UnslowError

INTERRUPTED = 130
UNKNOWN_ERROR = 2

HELP = """Finds out why a model or a training script is slow, fixes it, and proves the fix.

\b
Examples:
  unslow fix examples/sentence_encoder/workload.py:encoder
  unslow fix model.onnx --budget 5m
  unslow diagnose examples/file_type/workload.py:file_type
  unslow explain autograd-at-inference
"""


def _plain_where_asked(ctx: click.Context) -> None:
    # https://no-color.org: any value but the empty string.
    if os.environ.get("NO_COLOR"):
        ctx.color = False


@click.pass_context
def _group(ctx: click.Context) -> None:
    _plain_where_asked(ctx)


cli = LazyGroup(
    name="unslow",
    help=HELP,
    callback=_group,
    params=[debug_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
cli = click.version_option(package_name="unslow", message="unslow %(version)s")(cli)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line (default: this process's) and returns the exit code; a command's own int return is one.

    0 done, 1 a gate said no, 2 bad usage or input, 3 the environment cannot run it, 130 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code: object = cli.main(given, prog_name="unslow", standalone_mode=False, obj=given)
    except (click.Abort, KeyboardInterrupt):
        return _failed(given, "Interrupted.", "", INTERRUPTED)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _failed(given, error.format_message(), _where_to_look(error), error.exit_code)
    except UnslowError as error:
        return _failed(given, error.what, error.todo, error.exit_code)
    except Exception as error:
        what = f"Unexpected {type(error).__name__}: {_first_line(error)}"
        return _failed(given, what, "Run it again with --debug to see the traceback.", UNKNOWN_ERROR)
    return code if isinstance(code, int) else 0


def _failed(arguments: Sequence[str], what: str, todo: str, code: int) -> int:
    if wants_debug(arguments):
        # Imported here: it is only needed where something went wrong.
        import traceback

        traceback.print_exc()
    click.echo(f"unslow: {what}", err=True)
    if todo:
        click.echo(todo, err=True)
    return code


def _where_to_look(error: click.ClickException) -> str:
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f"See: {ctx.command_path if ctx else 'unslow'} --help"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "(it says nothing)"


def wants_debug(arguments: Sequence[str]) -> bool:
    """Whether `--debug` is among our own arguments; what stands after `--` belongs to the user's script."""
    ours = arguments[: list(arguments).index("--")] if "--" in arguments else arguments
    return "--debug" in ours


if __name__ == "__main__":
    sys.exit(main())
