"""What a runtime says when it cannot answer a request: two plain lines, made only after something was raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unslow.core.calls import Request, dtype_name, is_array
from unslow.core.errors import BadInput

# What libraries raise for values that they cannot take; anything else (an interrupt, no memory) passes through.
REFUSALS = (TypeError, ValueError, RuntimeError, LookupError, AttributeError, AssertionError)


def refused(request: Request, error: Exception) -> BadInput:
    """The two lines for a request that the model raised on: the library's first line, and what the request held."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return BadInput(
        f"The model cannot answer this request: {type(error).__name__}: {lines[0] if lines else 'no message'}",
        f"The request holds {_contents(request)}; give it the inputs that the model takes.",
    )


def guarded(call: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """`call`, with what libraries raise turned into `BadInput` (the original as its cause)."""

    def answer(request: Request) -> Any:
        try:
            return call(request)
        except REFUSALS as error:
            raise refused(request, error) from error

    return answer


def unreadable(path: str, wanted: str, error: Exception) -> BadInput:
    """The two lines for an artefact that a library could not open."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return BadInput(
        f"{path} cannot be opened as {wanted}: {lines[0] if lines else type(error).__name__}",
        "Check that the file is there, whole, and of this kind; run again with --debug for the library's own message.",
    )


def _contents(request: Request) -> str:
    pairs = [*((str(index), value) for index, value in enumerate(request.args)), *request.kwargs.items()]
    shown = [f"{name}: {_shown(value)}" for name, value in pairs]
    return ", ".join(shown) or "nothing"


def _shown(value: Any) -> str:
    return f"{dtype_name(value)}{list(value.shape)}" if is_array(value) else type(value).__name__
