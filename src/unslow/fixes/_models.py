"""What fixes of a script's models share: the calls of models, and what is to be done around them at run time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Noted, Site
from unslow.core.variant import Setting
from unslow.fixes._script import facts_of

Call = Callable[..., Any]


def called_models(setting: Setting) -> list[Noted]:
    """The calls of models in the script's steps that its own source makes, by place."""
    return [noted for noted in facts_of(setting).of_kind("model") if noted.direct and noted.times_in_steps]


def early_place(setting: Setting) -> Site | None:
    """Before the first loader or optimizer that the script makes by itself: there a switch can be set."""
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
    """What is called instead of a model at these sites: `change(model, call, site)`, where `call` is the model's own.

    A model that another one of a library calls is none of theirs.
    """
    from unslow.scripts.imports import when_imported
    from unslow.scripts.sites import called_from, direct_frame

    chosen: dict[tuple[CodeType, int], Site | None] = {}

    def patch(library: Any) -> None:
        inner: Call = library.Module.__call__

        @functools.wraps(inner)
        def changed(model: Any, *args: Any, **kwargs: Any) -> Any:
            frame = direct_frame()
            if frame is None:
                return inner(model, *args, **kwargs)
            key = frame.f_code, frame.f_lasti
            if key not in chosen:
                called = called_from()
                chosen[key] = called.site if called is not None and called.site in chosen_sites else None
            site = chosen[key]
            if site is None:
                return inner(model, *args, **kwargs)
            call = functools.partial(inner, model)
            vars(call)["__wrapped__"] = model  # As a decorator would: helpers find the model by it.
            return change(model, call, site)(*args, **kwargs)

        library.Module.__call__ = changed

    when_imported("torch.nn.modules.module", patch)
