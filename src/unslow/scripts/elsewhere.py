"""Whether another process can make an item of a data set, and how such a process must be started.

A forked process is a copy in which only one thread goes on: a library whose threads, locks or device contexts were left
behind raises, or waits for ever. It is tried, not guessed. Where it fails, so is one that starts afresh.
"""

from __future__ import annotations

import ast
import multiprocessing
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

AFRESH = "forkserver"
AFRESH_S = 60.0
"""How long a process that starts afresh may take in addition: it imports all that the script does."""
MADE = "made"


@dataclass(frozen=True)
class Elsewhere:
    """`method` is "fork", "forkserver" or "none"; `why_not_forked` is "" where the first of them did."""

    method: str
    why_not_forked: str = ""


def tried_elsewhere(dataset: Any, patience_s: float) -> Elsewhere:
    """Ask a process that is started in the usual way for the first item; where it has none, one that starts afresh."""
    usual = multiprocessing.get_start_method(allow_none=True) or _default()
    why = ""
    for method in dict.fromkeys((usual, AFRESH)):
        if method not in multiprocessing.get_all_start_methods() or (method != "fork" and not _is_guarded()):
            continue
        said = _asked(method, dataset, patience_s + (AFRESH_S if method != "fork" else 0.0))
        if said == MADE:
            return Elsewhere(method, why)
        why = why or said
    return Elsewhere("none", why)


def _default() -> str:
    return multiprocessing.get_all_start_methods()[0]


def _asked(method: str, dataset: Any, patience_s: float) -> str:
    """`MADE`, or what happened instead."""
    context: Any = multiprocessing.get_context(method)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_make, args=(dataset, theirs), daemon=True)
    try:
        process.start()
    except Exception as error:  # A data set that cannot be pickled raises whatever its parts do.
        theirs.close()
        ours.close()
        return _first_line(error)
    theirs.close()
    try:
        return str(ours.recv()) if ours.poll(patience_s) else f"it did not come within {patience_s:g} s"
    except EOFError:
        process.join()
        return f"the process ended with code {process.exitcode}"
    finally:
        ours.close()
        process.kill()
        process.join()


def _make(dataset: Any, answers: Connection) -> None:
    """In the other process."""
    try:
        dataset[0]
    except Exception as error:  # Whatever it says: it is passed on.
        answers.send(_first_line(error))
    else:
        answers.send(MADE)


def _first_line(error: Exception) -> str:
    said = (str(error).strip() or "no message").splitlines()[0]
    return f"{type(error).__name__}: {said}"


def _is_guarded() -> bool:
    """Whether the script may be imported by a process that starts afresh: it begins below `if __name__ == …`."""
    try:
        with open(str(getattr(sys.modules["__main__"], "__file__", "")), "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError):
        return False
    return any(_asks_for_its_name(node.test) for node in tree.body if isinstance(node, ast.If))


def _asks_for_its_name(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))
