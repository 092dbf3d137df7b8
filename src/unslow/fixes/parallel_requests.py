"""Answers several requests at the same time, each with its share of the cores.

What it is
----------
Instead of one request on all cores, as many requests as there are cores (or a half, or a quarter of that) run side by
side, each in a thread of its own with fewer cores.

Why it is slow
--------------
An operation that is split over cores waits for the slowest of them, each time. Small operations cannot be split at
all, and then the other cores do nothing.

How it shows
------------
The habit `cores-idle`: the CPU time of a request, compared with its wall time multiplied by the cores.

When it does not matter
-----------------------
When one request keeps all cores busy, or when each answer is waited for before the next request is sent: a single
answer takes longer this way. That is why it is tried for throughput only.

Risk
----
None for the answers, if the model may be called from several threads. Memory for intermediate results is needed once
for each request under way. Python code between the operations still runs one thread at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unslow.core.variant import Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._serving import EVERY_RUNTIME
from unslow.fixes._settings import with_settings


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Sets the clients and their threads: OpenVINO shares threads between streams, the others have them per call."""
    cores = workshop.machine.cores
    clients = int(parameters.get("clients", cores))
    if clients == workload.serving.clients:
        return workload
    several = replace(workload, serving=replace(workload.serving, clients=clients))
    if workload.model.runtime == "openvino":
        streamed = with_settings(several, hint="THROUGHPUT", streams=clients)
        return replace(streamed, host=replace(streamed.host, threads=cores))
    return replace(several, host=replace(several.host, threads=max(1, cores // clients)))


def refuses(setting: Setting) -> str:
    """Refused on one core, and where a request needs the answer of the one before."""
    if setting.machine.cores < 2:
        return "there is one core only"
    if setting.facts.carried:
        return "each request needs the outputs of the one before"
    return ""


def space(setting: Setting) -> Sequence[Parameters]:
    """A request on each core first, then fewer with more cores each."""
    cores = setting.machine.cores
    return tuple({"clients": clients} for clients in dict.fromkeys((cores, cores // 2, cores // 4)) if clients > 1)


FIX = Fix(
    name="parallel-requests",
    does="answers several requests at the same time, each with its share of the cores",
    tag="numeric",
    slot="serving",
    treats=("cores-idle", "python-bound", "threads-oversubscribed", "tiny-batches"),
    runtimes=EVERY_RUNTIME,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.5,
    build_seconds=0.5,
    objectives=frozenset({"throughput"}),
)
