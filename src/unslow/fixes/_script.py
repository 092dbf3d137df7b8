"""What fixes for scripts share: a change as plain data, and the call that it is for, at run time and in the source."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

from unslow.core.jsonable import from_json, to_json
from unslow.core.script import LoaderFacts, ScriptFacts, Site
from unslow.core.variant import Applied, Parameters, Setting
from unslow.core.workload import Workload

SCRIPT = frozenset({"script"})
CHANGES = "changes"
WARM_STEPS = "warm_steps"


def with_change(workload: Workload, name: str, parameters: Parameters, warm_steps: int = 0) -> Workload:
    """The workload with one more change of its script; it is steady after `warm_steps` steps (0: at once)."""
    settings = workload.model.settings
    changes = [*settings.get(CHANGES, ()), to_json(Applied(name, parameters))]
    steps = max(int(settings.get(WARM_STEPS, 0)), warm_steps)
    return replace(workload, model=replace(workload.model, settings={**settings, CHANGES: changes, WARM_STEPS: steps}))


def facts_of(setting: Setting) -> ScriptFacts:
    """What is known of the script; nothing, where it is none."""
    return setting.facts.script or ScriptFacts("step", 0)


def site_of(parameters: Parameters) -> Site:
    """The call that a change is for."""
    return from_json(Site, parameters["site"])


def waited_for(setting: Setting, chosen: Callable[[LoaderFacts], bool]) -> LoaderFacts | None:
    """Of the loaders that are `chosen`, the one that is waited for longest in all; None where there is none."""
    loaders = [loader for loader in facts_of(setting).loaders if chosen(loader)]
    return max(loaders, key=lambda loader: loader.wait_s * loader.batches, default=None)


def when_made(
    library: str, name: str, site: Site, change: Callable[[Sequence[Any], dict[str, Any]], Sequence[Any]]
) -> None:
    """Before the class `name` of `library` is made at `site`: `change` its arguments (positional ones are returned)."""
    from unslow.scripts.imports import when_imported
    from unslow.scripts.sites import called_from

    def patch(module: Any) -> None:
        kind = getattr(module, name)
        made = kind.__init__

        @functools.wraps(made)
        def changed(self: Any, *args: Any, **kwargs: Any) -> None:
            called = called_from(making=self)
            if called is not None and called.site == site:
                args = tuple(change(args, kwargs))
            made(self, *args, **kwargs)

        kind.__init__ = changed

    when_imported(library, patch)


def after_call(library: str, name: str, site: Site, change: Callable[[Any], Any]) -> None:
    """What the function or method `name` of `library` gives at `site` becomes `change` of it."""
    from unslow.scripts.devices import remember_constructors
    from unslow.scripts.imports import when_imported
    from unslow.scripts.sites import called_from

    def patch(module: Any) -> None:
        if library == "torch":
            remember_constructors(module)
        owner, _, last = name.rpartition(".")
        holder = getattr(module, owner) if owner else module
        inner = getattr(holder, last)

        @functools.wraps(inner)
        def changed(*args: Any, **kwargs: Any) -> Any:
            called, made = called_from(), inner(*args, **kwargs)
            return change(made) if called is not None and called.site == site else made

        setattr(holder, last, changed)

    when_imported(library, patch)


def helper(name: str) -> tuple[str, str]:
    """The name and the text of a module that a patch puts beside the script."""
    return name, resources.files("unslow.helpers").joinpath(name).read_text(encoding="utf-8")


def keywords(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as source."""
    return {name: repr(value) for name, value in values.items()}
