"""Larger batches for a training script: which ones there can be, and the learning rate that goes with them.

A batch of k times as many samples gives one step where there were k. Its gradient is less noisy, so the step may be
longer: k times for stochastic gradient descent (Goyal et al. 2017, *Accurate, Large Minibatch SGD*), the square root of
k for Adam and its kin (Malladi et al. 2022, *On the SDEs and Scaling Rules for Adaptive Gradient Algorithms*).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import LoaderFacts, Noted, ScriptFacts
from unslow.core.variant import Edit, Parameters, Setting
from unslow.fixes._script import (
    facts_of,
    loader_call,
    set_in_source,
    set_when_made,
    site_of,
    training_arguments,
    when_made,
    why_not_set,
)
from unslow.scripts.counting import Counting

TIMES = (4, 8, 2, 16)
UNSCALED_TIMES = 2
"""Steps of four times the samples that are no longer learn too little from them."""
LEAST_BATCHES = 8
"""An epoch of fewer has hardly any steps to learn from."""
SUMMED = 1.5
"""Batches of one optimizer step, from which on gradients are summed over several."""
LONGEST_TURN_S = 10.0
BATCH_SHARE = 0.05
"""Of the machine's memory, what a batch may take as arrays: activations take many times as much."""
LINEAR = ("SGD", "ASGD")
SQUARE_ROOT = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad")
RATE_PLACE = {"lr": 1}


def why_not(setting: Setting) -> str:
    """Why the script cannot have larger batches, or cannot be measured with them; "" where it can."""
    script = facts_of(setting)
    loader = _loader(script)
    if script.step != "optimizer" or loader is None:
        return "the script does not train on the batches of a DataLoader"
    if script.whole_runs:
        return f"its turns are whole runs ({script.whole_runs}), in which samples cannot be counted"
    if not script.has_losses:
        return "the script shows no losses, so that nothing could say whether its training is kept"
    if loader.batches > SUMMED * script.steps:
        return "gradients are summed over several batches already"
    if why := why_not_set(setting, loader):
        return why
    return "" if _times(setting, loader) else "there are too few samples, or too little memory, for larger batches"


def choices(setting: Setting) -> Sequence[Parameters]:
    """With the learning rate that goes with the size; twice the size also with the rate as it is."""
    script = facts_of(setting)
    loader = _loader(script)
    call = loader and loader_call(setting, loader)
    if loader is None or call is None or why_not(setting):
        return ()
    sizes = [{**call, "size": loader.batch_size * times, "times": times} for times in _times(setting, loader)]
    scaled = [{**one, "rates": rates} for one in sizes if (rates := _rates(setting, script, one["times"]))]
    return (*scaled, *(one for one in sizes if not scaled or one["times"] == UNSCALED_TIMES))


def install(parameters: Parameters) -> None:
    """At the calls that make the loader and the optimizers, when the script does."""
    size = int(parameters["size"])
    if "arguments" in parameters:
        set_when_made(parameters, {"batch_size": size})
    else:
        when_made("torch.utils.data.dataloader", "DataLoader", site_of(parameters), _put("batch_size", size))
    for rate in parameters.get("rates", ()):
        when_made(rate["module"], rate["class"], site_of(rate), _scaled(rate))


def edits(parameters: Parameters) -> Sequence[Edit]:
    """The size and the rates in the source, wherever they stand in their calls."""
    sized = set_in_source(parameters, {"batch_size": int(parameters["size"])})
    return (sized, *(_rate_edit(rate) for rate in parameters.get("rates", ())))


def _loader(script: ScriptFacts) -> LoaderFacts | None:
    known = [loader for loader in script.loaders if loader.batch_size > 0]
    return max(known, key=lambda loader: loader.batches, default=None)


def _times(setting: Setting, loader: LoaderFacts) -> list[int]:
    script, batches = facts_of(setting), loader.batches_per_epoch
    seconds = setting.facts.seconds_per_request
    drops_last = bool(batches and loader.items and loader.items // loader.batch_size == batches)
    drops_last = drops_last and loader.items % loader.batch_size > 0
    most_bytes = BATCH_SHARE * setting.machine.memory_bytes
    found: list[int] = []
    for times in TIMES:
        turn = Counting(script.turn_steps(seconds), times, script.period).granularity
        fits = not batches or batches >= LEAST_BATCHES * times
        fits = fits and not (drops_last and batches % times) and turn * seconds <= max(LONGEST_TURN_S, times * seconds)
        if fits and loader.item_bytes * loader.batch_size * times <= most_bytes:
            found.append(times)
    return found


def _rates(setting: Setting, script: ScriptFacts, times: int) -> list[Parameters]:
    """Every learning rate of the script, times what goes with the size; none where one of them cannot be set."""
    found = [_rate(setting, made, times) for made in script.of_kind("optimizer")]
    return [] if None in found else [rate for rate in found if rate is not None]


def _rate(setting: Setting, made: Noted, times: int) -> Parameters | None:
    kind, rate = str(made.details["class"]), float(made.details["lr"])
    longer = times if kind in LINEAR else math.sqrt(times) if kind in SQUARE_ROOT else 0.0
    if not longer or not rate or not made.details["module"].startswith("torch.optim."):
        return None
    about = {"default": rate, "times": round(longer, 4)}
    if made.direct:
        return {"site": to_json(made.site), "class": kind, "module": made.details["module"], "name": "lr", **about}
    call = training_arguments(setting)
    if call is None:
        return None
    named = {key: call[key] for key in ("site", "class", "module")}
    return {**named, "name": "learning_rate", **about}


def _rate_edit(rate: Parameters) -> Edit:
    name = rate["name"]
    value, default = {name: f"{{}} * {rate['times']:g}"}, {name: repr(rate["default"])}
    return Edit(site_of(rate), value, RATE_PLACE if name in RATE_PLACE else {}, default)


def _put(name: str, value: Any) -> Any:
    """The second argument, whether it is passed by its name or by its place."""

    def change(args: Sequence[Any], named: dict[str, Any]) -> Sequence[Any]:
        if len(args) > 1:
            return (args[0], value, *args[2:])
        named[name] = value
        return args

    return change


def _scaled(rate: Parameters) -> Any:
    name, times = rate["name"], float(rate["times"])

    def change(args: Sequence[Any], named: dict[str, Any]) -> Sequence[Any]:
        if name in RATE_PLACE and len(args) > 1:
            return (args[0], args[1] * times, *args[2:])
        named[name] = named.get(name, rate["default"]) * times
        return args

    return change
