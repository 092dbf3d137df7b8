"""What habits of scripts share: the loader that is waited for, and what must remain of the wait."""

from __future__ import annotations

from collections.abc import Callable

from unslow.core.finding import Evidence
from unslow.core.script import LoaderFacts, ScriptFacts
from unslow.habits._shares import is_empty, share_within

LEAST_WAIT = 0.05
"""The part of a step that must be waited for data before it is a habit: less hides behind noise and prefetching."""

COPIED_BYTES_PER_S, CACHED_BYTES_PER_S, CACHED_BYTES = 2e9, 10e9, 512_000
"""How fast one core copies: into fresh memory, and what fits into its own cache along with the copy, at best."""
TIMES_COPYING = 5.0
"""What takes so many times as long as copying the same bytes is no copying."""

KEPT_ITEM_S, FOUND_ITEM_S = 20e-6, 1e-6
"""To find an item that is kept in a mapped file and build it, besides copying its bytes (18 µs were seen of one with
two fields); and to find one in a list."""


def waited_for(evidence: Evidence, chosen: Callable[[LoaderFacts], bool]) -> LoaderFacts | None:
    """Of the loaders that are `chosen`, the one that is waited for longest in all; None where there is none."""
    script = evidence.facts.script
    loaders = [loader for loader in script.loaders if chosen(loader)] if script is not None else []
    return max(loaders, key=_waited_s, default=None)


def data_share(evidence: Evidence, loader: LoaderFacts | None = None) -> float:
    """The part of the wall time in which the script waits for data (for this `loader`'s, by what each made it wait);
    0 where nothing was recorded."""
    share = 0.0 if is_empty(evidence.profile) else evidence.profile.shares["data"]
    script = evidence.facts.script
    waited_s = sum(map(_waited_s, script.loaders)) if script is not None else 0.0
    return share if loader is None or waited_s <= 0 else share * _waited_s(loader) / waited_s


def _waited_s(loader: LoaderFacts) -> float:
    return loader.wait_s * loader.batches


def steady_share(evidence: Evidence, loader: LoaderFacts) -> float:
    """The same without what ending workers and starting others takes, where each epoch of the loader does: a step with
    such a restart counts as the others do."""
    profile, share = evidence.profile, data_share(evidence, loader)
    if share <= 0 or not loader.workers or loader.persistent:
        return share
    waited_ns, restarts = list[int](), list[bool]()
    step_of: list[int] = []
    for span, own_ns in zip(profile.spans, profile.own_ns, strict=True):
        step_of.append(step_of[span.parent] if span.parent >= 0 else len(waited_ns))
        if span.parent < 0:
            waited_ns.append(0)
            restarts.append(False)
        waited_ns[step_of[-1]] += own_ns if span.category == "data" else 0
        restarts[step_of[-1]] |= span.details.get("phase") == "restart"
    steady = [ns for ns, restarted in zip(waited_ns, restarts, strict=True) if not restarted]
    each_ns = sum(steady) / len(steady) if steady else 0.0
    return min(share, (sum(steady) + each_ns * sum(restarts)) / profile.wall_ns)


def item_part(loader: LoaderFacts) -> float:
    """Of making a batch, the part that its items take."""
    items_s = loader.item_s * loader.batch_size
    return items_s / (items_s + loader.collate_s) if items_s > 0 else 0.0


def overlapped_floor(evidence: Evidence, share: float) -> float:
    """What must remain of the wait where batches are made by other processes, while the rest of the step goes on.

    Nothing, as far as waiting for data is waiting (for a disk, a network); but what is computed is computed by the
    cores that there are: a step cannot be shorter than its CPU time over all of them, that of its workers included.
    """
    facts = evidence.facts
    if facts.seconds_per_request <= 0 or share <= 0:
        return 0.0
    busy = facts.cores_wanted or facts.cpu_seconds_per_request / facts.seconds_per_request
    shortest = busy / evidence.machine.cores
    return min(1.0, max(0.0, (shortest - (1 - share)) / share))


def phase_share(evidence: Evidence, phase: str) -> float:
    """The part of the wall time that a script spends in a phase ("backward", "optimizer") and in all that it calls."""
    return share_within(evidence.profile, lambda span: span.details.get("phase") == phase)


def per_step(seconds_in_steps: float, script: ScriptFacts) -> float:
    """Of a call's seconds after the first step, those of one step."""
    return seconds_in_steps / script.noted_steps


def mean_step_s(evidence: Evidence) -> float:
    """What the total of a call's seconds is held against: a mean, since the slowest steps of a busy machine weigh in
    both, and of the same steps in which calls were noted, since how fast a machine is drifts. Of the recorded steps, or
    the median, where that is not known."""
    script, steps = evidence.facts.script, len(evidence.profile.steps)
    if script is not None and script.noted_s > 0:
        return script.noted_s / script.noted_steps
    return evidence.profile.wall_ns / 1e9 / steps if steps else evidence.facts.seconds_per_request


def kept_item_s(loader: LoaderFacts) -> float:
    """What an item of the loader's takes where it is kept as arrays in a file, as `cache-decoded` does."""
    return KEPT_ITEM_S + loader.item_bytes / COPIED_BYTES_PER_S


def least_copied_s(size_bytes: float) -> float:
    """What copying so many bytes takes at the least."""
    return size_bytes / (CACHED_BYTES_PER_S if size_bytes <= CACHED_BYTES else COPIED_BYTES_PER_S)
