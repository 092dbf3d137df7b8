"""Joins items to a batch field by field, each field at once, instead of in loops of Python.

What it is
----------
The loader's `collate_fn` becomes `Joined(…)`, a small module written beside the script, which stacks each field of the
items. A tensor that is made of a list of arrays is made of one array instead: `torch.tensor(numpy.asarray(arrays))`.

Why it is slow
--------------
Numbers that go through Python one by one take a hundred times as long as copying them.

How it shows
------------
The habits `slow-collate` and `arrays-stacked-slowly`.

When it does not matter
-----------------------
Where workers make batches faster than they are used.

Risk
----
Only done where the loader's own function, tried with batches of several sizes and orders, gave the same to the bit, of
the same types. A function that does something else now and then would not be noticed; items of another shape than those
that were tried raise an error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import LoaderFacts, Noted, Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, all_at, around_calls, facts_of, helper, site_of, when_made, with_change

NAME = "vectorised-collate"
STACKED = "numpy.asarray({})"
TIMES_FASTER = 1.2
"""What joining at once must take less, where it was tried, to be worth another function."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    return with_change(workload, NAME, parameters)


def refuses(setting: Setting) -> str:
    if space(setting):
        return ""
    slowest = max(facts_of(setting).loaders, key=lambda loader: loader.collate_s, default=None)
    if slowest is not None and slowest.collate_s:
        why = slowest.why_not_vectorised or "that is no faster, or its call is not in the source"
        return f"what the loader at {slowest.site} joins cannot be joined field by field: {why}"
    return "the script joins no items and makes no tensors of lists of arrays"


def space(setting: Setting) -> Sequence[Parameters]:
    """All such loaders and calls at once."""
    known = facts_of(setting)
    loaders = {loader.site: loader for loader in known.loaders if _is_joined(setting, loader)}.values()
    exchanged = [loader.collate for loader in loaders if loader.collate is not None]
    calls = [noted for noted in known.of_kind("arrays") if _is_stacked(noted) and not _is_in(noted.site, exchanged)]
    if not loaders and not calls:
        return ()
    parameters = {
        "loaders": [{"site": to_json(loader.site), "joined": to_json(loader.joined)} for loader in loaders],
        "calls": [{"site": to_json(call.site), "call": call.details["call"]} for call in calls],
    }
    return (parameters,)


def _is_joined(setting: Setting, loader: LoaderFacts) -> bool:
    faster = loader.collate_s > TIMES_FASTER * loader.vector_collate_s
    alike = all_at(setting, loader, lambda one: one.joined == loader.joined)
    return bool(loader.joined) and loader.direct and faster and alike and not loader.why_not_vectorised


def _is_stacked(noted: Noted) -> bool:
    return noted.direct and not noted.details["why_not_stacked"]


def _is_in(site: Site, functions: Sequence[Site]) -> bool:
    return any(site.file == one.file and one.line <= site.line <= one.end_line for one in functions)


def install(parameters: Parameters) -> None:
    """At the calls that make the loaders, and at those that make tensors."""
    for loader in parameters["loaders"]:
        change = functools.partial(_with_collate, loader["joined"])
        when_made("torch.utils.data.dataloader", "DataLoader", site_of(loader), change)
    for name in ("tensor", "as_tensor"):
        sites = [site_of(call) for call in parameters["calls"] if call["call"] == name]
        if sites:
            around_calls("torch", name, sites, _of_one_array)


def _with_collate(joined: Mapping[str, Any], args: Sequence[Any], named: dict[str, Any]) -> Sequence[Any]:
    from unslow.scripts.collation import join_of

    named["collate_fn"] = join_of(joined)
    return args


def _of_one_array(inner: Callable[..., Any], site: Site, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    import numpy as np

    if args:
        return inner(np.asarray(args[0]), *args[1:], **kwargs)
    return inner(**{**kwargs, "data": np.asarray(kwargs["data"])})


def edit(parameters: Parameters) -> Sequence[Edit]:
    """`collate_fn=Joined(…)`, with its module; and one array of each list."""
    module = helper("vectorised_collate.py")
    imports = ("from vectorised_collate import Field, Joined",)
    joined = [
        Edit(site_of(loader), {"collate_fn": _source(loader["joined"])}, imports=imports, module=module)
        for loader in parameters["loaders"]
    ]
    stacked = [
        Edit(site_of(call), wrap=STACKED, wrapped="data", imports=("import numpy",)) for call in parameters["calls"]
    ]
    return (*joined, *stacked)


def _source(joined: Mapping[str, Any]) -> str:
    """As source: `Joined((Field(0, "torch.float32"), …))`."""
    fields = [_field(field) for field in joined["fields"]]
    if joined["form"] == "dict":
        pairs = [f"{field['key']!r}: {made}" for field, made in zip(joined["fields"], fields, strict=True)]
        return f"Joined({{{', '.join(pairs)}}})"
    several = ", ".join(fields) + ("," if len(fields) == 1 else "")
    return f"Joined({fields[0]})" if not joined["form"] else f"Joined({_BRACKETS[joined['form']].format(several)})"


def _field(field: Mapping[str, Any]) -> str:
    shape = "" if field["shape"] is None else f", shape={tuple(field['shape'])!r}"
    return f'Field({field["place"]!r}, "{field["dtype"]}"{shape})'


_BRACKETS = {"tuple": "({})", "list": "[{}]"}

FIX = Fix(
    name=NAME,
    does="joins items to a batch field by field, each field at once",
    tag="exact",
    slot="collate",
    treats=("slow-collate", "arrays-stacked-slowly"),
    runtimes=SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.8,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
