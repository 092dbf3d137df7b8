"""Sets how many threads a request is computed with.

What it is
----------
Numerical libraries split each operation over a pool of threads. This fix sets the size of that pool for the whole
process: to the cores that may really be used, to the physical ones, or to one; on ONNX Runtime also whether waiting
threads spin. In a script it is `torch.set_num_threads(N)`: where loader workers decode, the cores are theirs too.

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

from unslow.core.jsonable import to_json
from unslow.core.script import Site
from unslow.core.variant import Edit, Fix, Parameters, Setting, Workshop
from unslow.core.workload import Workload
from unslow.fixes._script import SCRIPT, facts_of, site_of, with_change
from unslow.fixes._settings import with_settings

NAME = "threads"
SMALL_REQUEST_SECONDS = 0.002
"""Below this a request is mostly operations of some µs, which is what waking a pool costs; one thread comes first."""


def apply(workload: Workload, parameters: Parameters, workshop: Workshop) -> Workload:
    """Sets the process's threads, and the spinning of ONNX Runtime's where asked; of a script, changes its source."""
    if "site" in parameters:
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
    if setting.facts.script is not None and _place(setting) is None:
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
    place = _place(setting)
    now = max((pool.threads for pool in setting.facts.thread_pools if pool.name == "torch"), default=0)
    sizes = dict.fromkeys([1, setting.machine.cores])
    return tuple({"site": to_json(place), "threads": size} for size in sizes if size != now) if place and now else ()


def _place(setting: Setting) -> Site | None:
    """Before the first loader or optimizer that the script makes by itself, or the arguments that stand for them."""
    script = facts_of(setting)
    made = [loader.site for loader in script.loaders if loader.direct]
    noted = (*script.of_kind("optimizer"), *script.of_kind("training-arguments"))
    made += [call.site for call in noted if call.direct]
    return min(made, key=lambda site: (site.file, site.line), default=None)


def install(parameters: Parameters) -> None:
    """As soon as the script has imported torch."""
    from unslow.scripts.imports import when_imported

    when_imported("torch", lambda torch: torch.set_num_threads(int(parameters["threads"])))


def edit(parameters: Parameters) -> Sequence[Edit]:
    """A line before that call."""
    line = f"torch.set_num_threads({int(parameters['threads'])})"
    return (Edit(site_of(parameters), before=(line,), imports=("import torch",)),)


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
