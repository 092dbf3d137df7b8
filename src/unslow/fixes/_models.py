"""What fixes of a script's models share: the calls of models, and what is to be done around them at run time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Noted, Site
from unslow.core.variant import Setting
from unslow.fixes._script import around_calls, facts_of

Call = Callable[..., Any]


def called_models(setting: Setting) -> list[Noted]:
    """The calls of models in the script's steps that its own source makes, by place."""
    return [noted for noted in facts_of(setting).of_kind("model") if noted.direct and noted.times_in_steps]


def early_place(setting: Setting) -> Site | None:
    """A loader or an optimizer that the script makes by itself: after the imports of its file a switch can be set."""
    script = facts_of(setting)
    made = [loader.site for loader in script.loaders if loader.direct]
    noted = (*script.of_kind("optimizer"), *script.of_kind("training-arguments"))
    made += [call.site for call in noted if call.direct]
    return min(made, key=lambda site: (site.file, site.line), default=None)


def fixed_shapes(called: Noted) -> bool:
    """Whether its inputs had one shape in all that was seen, or two, as with a smaller last batch of an epoch."""
    return 1 <= called.details.get("shapes", 1) <= 2


def sites(calls: Sequence[Noted]) -> list[dict[str, Any]]:
    """The places of calls, as a fix's parameters."""
    return [{"site": to_json(noted.site)} for noted in calls]


def around_models(chosen_sites: Sequence[Site], change: Callable[[Any, Call, Site], Call]) -> None:
    """What is called instead of a model at these sites: `change(model, call, site)`; `call` is the model's own."""

    def around(inner: Call, site: Site, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        model, *others = args
        call = functools.partial(inner, model)
        vars(call)["__wrapped__"] = model  # As a decorator would: helpers find the model by it.
        return change(model, call, site)(*others, **kwargs)

    around_calls("torch.nn.modules.module", "Module.__call__", chosen_sites, around)
