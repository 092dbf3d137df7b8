"""Cuts off padding that nothing needs, and lets requests of like length share a call.

What it is
----------
Texts of different length are filled up to one length, and a mask says which places are filling. This fix cuts off the
places that are filling in every row of a call. Where several requests are answered at a time, those of like length
are put together, so that little filling is left.

Why it is slow
--------------
The model computes the filled places like all others, and throws the results away. With attention the work even grows
with the square of the length.

How it shows
------------
The habit `padding-waste`: the share of the places that the mask switches off.

When it does not matter
-----------------------
When requests have nearly the same length, or when they are not padded at all.

Risk
----
A model that uses its mask correctly gives the same answers but for the last bits; one that does not, gives others
(unslow checks). Cut places come back as zeros in answers that had them. In a stream, sorting by length needs several
requests waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._serving import EVERY_RUNTIME, not_joinable, sizes
from unslow.fixes._settings import shapes_vary

LEAST_PADDING = 0.01
"""Where less of the tokens is padding, cutting it off one request at a time costs more than it saves."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Trims, and with a `size` above 1 also joins requests of like length."""
    mask = workshop.facts.padding_mask
    if not mask:
        return workload
    size = int(parameters.get("size", 1))
    serving = replace(workload.serving, trim_padding=True, padding_mask=mask)
    if size > 1:
        serving = replace(serving, batch_size=size, bucket=True, pad=True)
    return workload if serving == workload.serving else replace(workload, serving=serving)


def refuses(setting: Setting) -> str:
    """Refused without a mask, and where there is neither padding to cut nor a batch to sort."""
    facts = setting.facts
    if not facts.padding_mask:
        return "no input is a mask that says what is padding"
    if setting.objective == "latency":
        return "" if facts.padding_share >= LEAST_PADDING else "the requests are not padded, or hardly"
    if facts.padding_share > 0:
        return ""
    return not_joinable(setting) or ("" if shapes_vary(facts) else "all requests have the same length")


def space(setting: Setting) -> Sequence[Parameters]:
    """One request at a time: trimming only. Else sizes first that leave little padding and still fill the processor."""
    alone: tuple[Parameters, ...] = ({"size": 1},) if setting.facts.padding_share > 0 else ()
    if setting.objective == "latency" or not_joinable(setting):
        return alone
    return (*({"size": size} for size in sizes(setting, (8, 16, 32, 4))), *alone)


FIX = Fix(
    name="length-bucketing",
    does="cuts off padding, and lets requests of like length share a call",
    tag="numeric",
    slot="serving",
    treats=("padding-waste", "tiny-batches"),
    runtimes=EVERY_RUNTIME,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.8,
    build_seconds=0.5,
)
