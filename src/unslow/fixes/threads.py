"""Sets how many threads a request is computed with.

What it is
----------
Numerical libraries split each operation over a pool of threads. This fix sets the size of that pool for the whole
process: to the cores that may really be used, to the physical ones, or to one; on ONNX Runtime also whether waiting
threads spin. In a script it is `torch.set_num_threads(N)`, the script's own where it says so by itself: where loader
workers decode, the cores are theirs too.

Why it is slow
--------------
With more threads than cores, threads take the core from one another in the middle of an operation, and all wait for
the last. Libraries count the cores of the machine, not those that a container's quota leaves. For small operations,
waking threads and waiting for them costs more than they save. Two threads on one physical core share its arithmetic
units.

How it shows
------------
The habits `threads-oversubscribed` (threads alive against cores), `cpu-quota-ignored` (pool sizes against the quota)
and `cores-idle` (CPU time against wall time × cores).

When it does not matter
-----------------------
When the pool has the right size already, or when the time goes into code that has no threads.

Risk
----
Sums are split at other places, so the last bits can differ. Fewer threads leave cores idle, which is good for a
machine that answers many requests at a time and bad for one that answers one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial, wraps
from typing import Any

from unslow.core.jsonable import to_json
from unslow.core.script import Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._models import early_place
from unslow.fixes._script import SCRIPT, facts_of, site_of, with_change
from unslow.fixes._settings import with_settings

NAME = "threads"
SMALL_REQUEST_SECONDS = 0.002
"""Below this a request is mostly operations of some µs, which is what waking a pool costs; one thread comes first."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Sets the process's threads, and the spinning of ONNX Runtime's where asked; of a script, changes its source."""
    if "site" in parameters or "calls" in parameters:
        return with_change(workload, NAME, parameters)
    threads = int(parameters.get("threads") or workshop.machine.cores)
    if threads != workload.host.threads:
        workload = replace(workload, host=replace(workload.host, threads=threads))
    if "spinning" in parameters and workload.model.runtime == "onnxruntime":
        return with_settings(workload, spinning=bool(parameters["spinning"]))
    return workload


def refuses(setting: Setting) -> str:
    """Refused where there is nothing to choose, or where requests in parallel have their own number of threads."""
    if setting.workload.serving.clients > 1:
        return "requests run in parallel, each with its own share of the cores"
    if setting.facts.script is not None and not _of_torch(setting):
        return "the script computes without PyTorch"
    if setting.facts.script is not None and _places(setting) is None:
        return "no call of the script's own shows where torch.set_num_threads could stand"
    if not space(setting):
        return "the threads are as many as the cores that may be used, which is one"
    return ""


def space(setting: Setting) -> Sequence[Parameters]:
    """The cores that may be used, the physical ones, and one; less what is set now. One first for small requests."""
    machine = setting.machine
    if setting.facts.script is not None:
        return _of_a_script(setting)
    now = setting.workload.host.threads or max((pool.threads for pool in setting.facts.thread_pools), default=0)
    sizes = [machine.cores, min(machine.physical_cores, machine.cores), 1]
    if setting.facts.seconds_per_request < SMALL_REQUEST_SECONDS:
        sizes.reverse()
    tried: list[Parameters] = [{"threads": size} for size in dict.fromkeys(sizes) if size != now]
    if setting.workload.model.runtime == "onnxruntime" and machine.cores > 1:
        tried.append({"threads": machine.cores, "spinning": False})
    return tuple(tried)


def _of_a_script(setting: Setting) -> Sequence[Parameters]:
    """One, which leaves the other cores to loader workers; and the cores, where the script has another number."""
    places = _places(setting)
    now = _of_torch(setting)
    sizes = dict.fromkeys([1, setting.machine.cores])
    return tuple({**places, "threads": size} for size in sizes if size != now) if places and now else ()


def _of_torch(setting: Setting) -> int:
    """PyTorch's threads; 0 where the script computes without it."""
    return max((pool.threads for pool in setting.facts.thread_pools if pool.name == "torch"), default=0)


def _places(setting: Setting) -> Parameters | None:
    """The `calls` by which the script says it by itself; else a call as its `site`, in whose file it can be said."""
    said = facts_of(setting).of_kind("threads")
    if said:
        own = all(call.direct for call in said)
        return {"calls": [{"site": to_json(call.site)} for call in said]} if own else None
    place = early_place(setting)
    return {"site": to_json(place)} if place else None


def install(parameters: Parameters) -> None:
    """As soon as the script has imported torch; or where it says a number by itself."""
    from unslow.scripts.imports import when_imported

    threads = int(parameters["threads"])
    if "calls" in parameters:
        sites = [site_of(call) for call in parameters["calls"]]
        when_imported("torch", partial(_said_otherwise, sites=sites, threads=threads))
    else:
        when_imported("torch", lambda torch: torch.set_num_threads(threads))


def _said_otherwise(torch: Any, sites: Sequence[Site], threads: int) -> None:
    from unslow.scripts.sites import called_from

    inner = torch.set_num_threads

    @wraps(inner)
    def said(number: int) -> None:
        called = called_from()
        inner(threads if called is not None and called.site in sites else number)

    torch.set_num_threads = said


def edit(parameters: Parameters) -> Sequence[Edit]:
    """Another number in those calls; or a line after the imports of that file."""
    if "calls" in parameters:
        return tuple(Edit(site_of(call), wrap=str(int(parameters["threads"]))) for call in parameters["calls"])
    line = f"torch.set_num_threads({int(parameters['threads'])})"
    return (Edit(site_of(parameters), switches=(line,), imports=("import torch",)),)


FIX = Fix(
    name=NAME,
    does="sets how many threads a request is computed with",
    tag="numeric",
    slot="threads",
    treats=("threads-oversubscribed", "cpu-quota-ignored", "cores-idle", "loader-in-main-process"),
    runtimes=frozenset({"torch-module", "exported-program", "onnxruntime", "openvino", "aot-inductor", "function"})
    | SCRIPT,
    apply=apply,
    refuses=refuses,
    space=space,
    odds=0.4,
    build_seconds=0.5,
    install=install,
    edit=edit,
)
