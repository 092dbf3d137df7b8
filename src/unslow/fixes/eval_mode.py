"""Switches the model to evaluation mode: no dropout, and batch normalisation with its stored statistics.

What it is
----------
PyTorch modules start in training mode, where dropout throws values away at random and batch normalisation computes
the statistics of each batch. This fix calls `model.eval()`, which switches both to what they do in use; in a script
where the model is called, as `model.eval()(x)`.

Why it is slow
--------------
Random masks are drawn and multiplied in for each dropout. Statistics are computed where stored ones would do, and a
normalisation with stored statistics can be folded into the layer before it. Fast paths (of attention, for example)
are taken in evaluation mode only.

How it shows
------------
The habit `train-mode-at-inference` names the modules that are still in training mode and behave differently there.
Often the same request gets two different answers.

When it does not matter
-----------------------
When the model has neither dropout nor batch normalisation: both modes compute the same.

Risk
----
The answers change, to what the model was trained to answer; nobody wants the random ones, except for estimates of
uncertainty by repeated dropout, which this fix would end. A model in training mode is compared in evaluation mode,
and the report says so. Of a script the answers are held against those of today: where they differ by more than
a thousandth, and no `--evaluate` shows that the metric is kept, the change is reported as unproven, and wins only with
`--accept-unproven`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Tag, Workshop
from unslow.core.workload import Workload
from unslow.fixes._models import Call, around_models
from unslow.fixes._script import SCRIPT, facts_of, site_of, with_change
from unslow.fixes._settings import with_settings

NAME = "eval-mode"


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Switches the runtime's `eval` on (nothing where no module is in training mode); of a script, changes calls."""
    if "calls" in parameters:
        return with_change(workload, NAME, parameters)
    return with_settings(workload, eval=True) if workshop.facts.training else workload


def refuses(setting: Setting) -> str:
    """Refused where it is on already, or where no module would behave differently."""
    if setting.facts.script is not None:
        return "" if _calls(setting) else "the script trains, or calls no model that is in training mode by itself"
    if setting.workload.model.settings.get("eval"):
        return "the model already runs in evaluation mode"
    return "" if setting.facts.training else "no part of the model behaves differently in evaluation mode"


def space(setting: Setting) -> Sequence[Parameters]:
    """Of a script, all such calls at once."""
    if setting.facts.script is None:
        return ({},)
    calls = _calls(setting)
    return ({"calls": calls},) if calls else ()


def tag_with(parameters: Parameters) -> Tag:
    """A model is compared in evaluation mode, where nothing changes; a script as it runs today."""
    return "lossy" if "calls" in parameters else "exact"


def _calls(setting: Setting) -> list[dict[str, Any]]:
    script = facts_of(setting)
    if script.of_kind("gradient") or script.of_kind("optimizer"):
        return []
    called = script.of_kind("forward")
    return [{"site": to_json(noted.site)} for noted in called if noted.direct and noted.details["training"]]


def install(parameters: Parameters) -> None:
    """Before these calls."""

    def change(model: Any, call: Call, site: Site) -> Call:
        model.eval()
        return call

    around_models([site_of(call) for call in parameters["calls"]], change)


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`model.eval()` is what is called."""
    return tuple(Edit(site_of(call), callee="{}.eval()") for call in parameters["calls"])


FIX = Fix(
    name=NAME,
    does="switches the model to evaluation mode, where dropout is off and stored statistics are used",
    tag="exact",
    slot="evaluation",
    treats=("train-mode-at-inference",),
    runtimes=frozenset({"torch-module"}) | SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    extra="torch",
    libraries=("torch",),
    odds=0.8,
    build_seconds=0.1,
    tag_with=tag_with,
    install=install,
    edit=edit,
)
