"""Answers several requests in one call of the model; trains a script on larger batches.

What it is
----------
Requests that wait are joined along their first axis, answered by one call, and the answer is split again. It is tried
only where joined requests were seen to give the same answers. Requests of different lengths are padded where the
model takes a mask; without a mask only requests of one shape are joined.

A script that trains gets a larger `batch_size` on its `DataLoader`, with a learning rate that is longer too (k times
for SGD, the square root of k for Adam), and at twice the size without, too. Steps are then compared by their samples,
and so are losses. What wins is the fastest size that keeps the training over the measured window, not the largest.

Why it is slow
--------------
A call has costs that do not depend on the number of rows: Python, dispatch, waking threads, and reading the weights
from memory. With one row at a time they are paid for each request, and matrix units stay half empty.

How it shows
------------
The habit `tiny-batches`: what a row costs in a batch and what it costs alone.

When it does not matter
-----------------------
When one request already fills the processor (large images, long texts), or when requests come one by one and each is
waited for: then there is nothing to join, and waiting for a batch to fill costs time. That is why it is tried for
throughput and cost only.

Risk
----
Each request waits for the slowest of its batch. Memory grows with the batch. The last bits can differ, since kernels
are chosen by size.

It is another training: fewer updates, with less noise. What a window of steps keeps, a whole run may lose, so it is
tried only where it is named (`--allow batch-size`), and `--evaluate` judges whole runs. Schedules that count steps
see fewer of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unslow.core.variant import Edit, Fix, Parameters, Setting, Tag, Workshop
from unslow.core.workload import Workload
from unslow.fixes import _larger_batches as larger
from unslow.fixes._script import SCRIPT, with_change
from unslow.fixes._serving import EVERY_RUNTIME, not_joinable, sizes
from unslow.fixes._settings import shapes_vary

NAME = "batch-size"
_DEFAULT = 8


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Sets how many requests share a call, padded where their shapes vary and the model has a mask; of a script, how
    many samples share a step."""
    if "times" in parameters:
        return with_change(workload, NAME, parameters, in_one=int(parameters["times"]))
    facts = workshop.facts
    pad = bool(facts.padding_mask) and shapes_vary(facts)
    mask = facts.padding_mask if pad else workload.serving.padding_mask
    size = int(parameters.get("size", _DEFAULT))
    serving = replace(workload.serving, batch_size=size, pad=pad, padding_mask=mask)
    return workload if serving == workload.serving else replace(workload, serving=serving)


def refuses(setting: Setting) -> str:
    """Refused where requests cannot be joined, or samples cannot be counted."""
    if setting.facts.script is not None:
        return larger.why_not(setting)
    if setting.objective == "latency":
        return "it can help only with --objective cost or throughput, not latency"
    return not_joinable(setting)


def space(setting: Setting) -> Sequence[Parameters]:
    """Powers of two that the memory and the number of requests allow; the middle ones first."""
    if setting.facts.script is not None:
        return larger.choices(setting)
    return tuple({"size": size} for size in sizes(setting, (8, 32, 16, 64, 4, 2)))


def asks(setting: Setting) -> str:
    return "" if setting.facts.script is None else "it changes the training: fewer and larger steps"


def tag_with(parameters: Parameters) -> Tag:
    return "lossy" if "times" in parameters else "numeric"


def install(parameters: Parameters) -> None:
    larger.install(parameters)


def edit(parameters: Parameters) -> Sequence[Edit]:
    return larger.edits(parameters)


FIX = Fix(
    name=NAME,
    does="answers several requests in one call of the model; trains a script on larger batches",
    tag="numeric",
    tag_with=tag_with,
    slot="serving",
    treats=("tiny-batches", "python-bound"),
    runtimes=EVERY_RUNTIME | SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.6,
    build_seconds=0.5,
    asks=asks,
    install=install,
    edit=edit,
)
