"""`training-arguments`: the call from whose keywords `transformers.Trainer` makes loaders and the optimizer."""

from __future__ import annotations

import functools
from typing import Any, cast

from unslow.scripts.imports import when_imported
from unslow.scripts.notes._notes import Notes, Watch
from unslow.scripts.sites import called_from


def begin(notes: Notes) -> None:
    """From now on."""
    when_imported("transformers.training_args", lambda module: _arguments(notes, module.TrainingArguments))


def _arguments(notes: Notes, kind: Any) -> None:
    """At the end of the constructor, which each class of arguments has anew, but not this."""
    checked = kind.__post_init__

    @functools.wraps(checked)
    def noted(arguments: Any, *args: Any, **kwargs: Any) -> None:
        checked(arguments, *args, **kwargs)
        made = cast(Any, type(arguments))
        optim = getattr(arguments, "optim", "")
        details = {"class": made.__name__, "module": made.__module__, "optim": str(getattr(optim, "value", optim))}
        notes.note("training-arguments", called_from(making=arguments), details)

    kind.__post_init__ = noted


WATCH = Watch(name="training-arguments", kinds=("training-arguments",), begin=begin)
