"""What fixes for scripts share: a change as plain data, and the call that it is for, at run time and in the source."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from types import CodeType
from typing import Any

from unslow.core.jsonable import from_json, to_json
from unslow.core.script import LoaderFacts, ScriptFacts, Site
from unslow.core.variant import Applied, Edit, Parameters, Setting
from unslow.core.workload import Workload

SCRIPT = frozenset({"script"})
CHANGES = "changes"
WARM_STEPS = "warm_steps"
STEPS_IN_ONE = "steps_in_one"
_BY_NAME: Mapping[str, int] = {}


def with_change(
    workload: Workload, name: str, parameters: Parameters, warm_steps: int = 0, in_one: int = 1
) -> Workload:
    """The workload with one more change of its script; it is steady after `warm_steps` steps (0: at once), and one of
    them has the samples of `in_one` steps of before."""
    settings = workload.model.settings
    more: dict[str, Any] = {
        CHANGES: [*settings.get(CHANGES, ()), to_json(Applied(name, parameters))],
        WARM_STEPS: max(int(settings.get(WARM_STEPS, 0)), warm_steps),
    }
    if in_one > 1:
        more[STEPS_IN_ONE] = steps_in_one(workload) * in_one
    return replace(workload, model=replace(workload.model, settings={**settings, **more}))


def changed_by(workload: Workload) -> set[str]:
    """The fixes that have changed the script."""
    return {change["name"] for change in workload.model.settings.get(CHANGES, ())}


def with_steps_in_one(workload: Workload, times: int) -> Workload:
    """The same, known to have the samples of `times` steps of another in each of its own."""
    settings = {**workload.model.settings, STEPS_IN_ONE: times}
    return replace(workload, model=replace(workload.model, settings=settings))


def steps_in_one(workload: Workload) -> int:
    """How many steps of the original have the samples of one step of this workload."""
    return int(workload.model.settings.get(STEPS_IN_ONE, 1))


def warm_steps_of(workload: Workload) -> int:
    """After how many of its steps it is steady."""
    return int(workload.model.settings.get(WARM_STEPS, 0))


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


Around = Callable[[Callable[..., Any], Site, tuple[Any, ...], dict[str, Any]], Any]
"""`(inner, site, args, kwargs) -> result`, in place of `inner(*args, **kwargs)`; a method's `args` begin with self."""


def around_calls(library: str, name: str, sites: Collection[Site], change: Around) -> None:
    """`change` the calls of the function or method `name` of `library` that the user's source itself makes at these
    sites. Which calls those are is looked up once for each instruction: it is asked in every step that is timed."""
    from unslow.scripts.devices import remember_constructors
    from unslow.scripts.imports import when_imported
    from unslow.scripts.scripted import shown_to_torchscript
    from unslow.scripts.sites import called_in, direct_frame

    shown_to_torchscript()
    chosen: dict[tuple[CodeType, int], Site | None] = {}

    def patch(module: Any) -> None:
        if library == "torch":
            remember_constructors(module)
        owner, _, last = name.rpartition(".")
        holder = getattr(module, owner) if owner else module
        inner = getattr(holder, last)

        @functools.wraps(inner)
        def changed(*args: Any, **kwargs: Any) -> Any:
            frame = direct_frame()
            if frame is None:
                return inner(*args, **kwargs)
            key = frame.f_code, frame.f_lasti
            if key not in chosen:
                site = called_in(frame).site
                chosen[key] = site if site in sites else None
            site = chosen[key]
            return inner(*args, **kwargs) if site is None else change(inner, site, args, kwargs)

        setattr(holder, last, changed)

    when_imported(library, patch)


def helper(name: str) -> tuple[str, str]:
    """The name and the text of a module that a patch puts beside the script."""
    return name, resources.files("unslow.helpers").joinpath(name).read_text(encoding="utf-8")


def keywords(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as source."""
    return {name: repr(value) for name, value in values.items()}


TRAINING_ARGUMENTS = {
    "batch_size": "per_device_train_batch_size",
    "num_workers": "dataloader_num_workers",
    "persistent_workers": "dataloader_persistent_workers",
    "pin_memory": "dataloader_pin_memory",
    "prefetch_factor": "dataloader_prefetch_factor",
    "multiprocessing_context": "dataloader_multiprocessing_context",
}
"""What the keywords of a `DataLoader` are called where `transformers.Trainer` makes it from its `TrainingArguments`."""


def training_arguments(setting: Setting) -> Parameters | None:
    """The call of the script's own that makes the arguments of `transformers.Trainer`: its `site`, `class`, `module`
    and the optimizer that they name (`optim`); None where there is none, or more than one."""
    calls = [noted for noted in facts_of(setting).of_kind("training-arguments") if noted.direct]
    # A class of the script's own may have other keywords.
    known = [noted for noted in calls if noted.details["module"] != "__main__"]
    if len(calls) != 1 or not known:
        return None
    return {"site": to_json(known[0].site), **known[0].details}


def loader_call(setting: Setting, loader: LoaderFacts) -> Parameters | None:
    """Where the keywords of a loader can be set, as parameters of a fix: the `site` of its own call, or of the one that
    makes the `arguments` from which `transformers.Trainer` makes it. None where neither is in the user's source."""
    if loader.direct:
        return {"site": to_json(loader.site)}
    made = training_arguments(setting)
    return {"site": made["site"], "arguments": f"{made['module']}.{made['class']}"} if made else None


def why_not_set(setting: Setting, loader: LoaderFacts | None) -> str:
    """Why the keywords of this loader cannot be set; "" where they can."""
    if loader is not None and loader_call(setting, loader) is None:
        return f"the DataLoader of {loader.site} is made by a library, from no call of the script's own"
    return ""


def all_at(setting: Setting, loader: LoaderFacts, chosen: Callable[[LoaderFacts], bool]) -> bool:
    """Whether all loaders that the same call makes are `chosen` (those of training and of validation, in a function of
    the user's): what is changed at the call is changed for all of them."""
    return all(map(chosen, (one for one in facts_of(setting).loaders if one.site == loader.site)))


def set_when_made(parameters: Parameters, values: Mapping[str, Any]) -> None:
    """The run-time form of keywords of a loader, at the place that `loader_call` gave."""
    made = str(parameters.get("arguments") or "torch.utils.data.dataloader.DataLoader")
    library, _, name = made.rpartition(".")
    named_there = _named(parameters, values)

    places = _BY_NAME if "arguments" in parameters else LOADER_PLACES

    def change(args: Sequence[Any], named: dict[str, Any]) -> Sequence[Any]:
        changed = list(args)
        for key, value in named_there.items():
            if places.get(key, len(args)) < len(args):
                changed[places[key]] = value
            else:
                named[key] = value
        return changed

    when_made(library, name, site_of(parameters), change)


LOADER_PLACES = {
    "batch_size": 1, "shuffle": 2, "sampler": 3, "batch_sampler": 4, "num_workers": 5, "collate_fn": 6,
    "pin_memory": 7, "drop_last": 8, "timeout": 9, "worker_init_fn": 10, "multiprocessing_context": 11,
}  # fmt: skip
"""Where the arguments of a `DataLoader` stand that are given without names."""


def set_in_source(parameters: Parameters, values: Mapping[str, Any]) -> Edit:
    """The same keywords, in the source; in the loader's own call they may stand in their places without names."""
    known = _BY_NAME if "arguments" in parameters else LOADER_PLACES
    return Edit(site_of(parameters), keywords(_named(parameters, values)), known)


def _named(parameters: Parameters, values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {TRAINING_ARGUMENTS[name]: value for name, value in values.items()} if "arguments" in parameters else values
