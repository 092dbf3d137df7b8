"""The `DataLoader`s of a script: where each is made, how long it is waited for, what its items are."""

from __future__ import annotations

import functools
import random
import statistics
import sys
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

from unslow.core.calls import Array, is_array, leaves_of, to_numpy
from unslow.core.script import LoaderFacts
from unslow.scripts.elsewhere import tried_elsewhere
from unslow.scripts.imports import when_imported
from unslow.scripts.sites import Called, called_from

TRIED_ITEMS = 8
ASKED_TIMES = 3
TRIED_S = 4.0
"""Items of each loader that are asked for again after the recording, and for how long."""
PATIENT_S = 86_400
"""A loader's timeout while its script takes turns."""
ELSEWHERE_S, TIMES_AS_LONG = 10.0, 10.0
"""How long a forked process may take for an item: this, and so many times as long as the slowest item here."""


@dataclass
class _Seen:
    """The loaders that one call makes, the last of them, and the waits for their batches."""

    loader: Any
    called: Called
    waits: list[float] = field(default_factory=list[float])
    firsts: list[float] = field(default_factory=list[float])
    began: float = 0.0
    made: int = 1


@final
class Loaders:
    """Watches every loader that the script makes from now on; with `keep` they live on, for their items to be tried.

    `patient` raises their timeouts: a script that is stopped between turns gets its batches late.
    """

    def __init__(self, keep: bool = False, patient: bool = False) -> None:
        self._keep, self._patient = keep, patient
        self._seen: list[_Seen] = []
        self._of: dict[int, _Seen] = {}
        self._iterators: weakref.WeakSet[Any] = weakref.WeakSet()

    def watch(self) -> None:
        """From now on, in this process."""
        when_imported("torch.utils.data.dataloader", self._patch)

    def to_drain(self) -> int:
        """How many batches the workers of all running iterators may have fetched ahead."""
        ahead = 0
        for iterator in self._iterators:
            workers = int(getattr(iterator, "_num_workers", 0))
            ahead = max(ahead, workers * (int(getattr(iterator, "_prefetch_factor", 0) or 0) + 1))
        return ahead

    def facts(self) -> tuple[LoaderFacts, ...]:
        """What was seen, with items tried now: those that gave a batch, by the place where they are made."""
        return tuple(_facts(seen) for seen in self._seen if seen.waits or seen.firsts)

    def _at(self, loader: Any, called: Called) -> _Seen:
        """What is known of the call that makes the loader: one that stands in a loop makes many.

        A library (Accelerate, Lightning) may make another of one that is there: that stands for it.
        """
        for seen in self._seen:
            if not called.direct and _is_of(loader, seen.loader):
                return seen
        for seen in self._seen:
            if seen.called.site == called.site and (called.direct or _like(loader, seen.loader)):
                seen.loader, seen.made = loader, seen.made + 1
                return seen
        self._seen.append(_Seen(loader, called))
        return self._seen[-1]

    def _patch(self, module: Any) -> None:
        made, begun = module.DataLoader.__init__, module.DataLoader.__iter__
        iterated, taken = module._BaseDataLoaderIter.__init__, module._BaseDataLoaderIter.__next__

        @functools.wraps(made)
        def watched_made(loader: Any, *args: Any, **kwargs: Any) -> None:
            if self._patient and kwargs.get("timeout"):
                kwargs["timeout"] = PATIENT_S
            made(loader, *args, **kwargs)
            called = called_from(making=loader) if self._keep else None
            if called is not None:
                self._of[id(loader)] = self._at(loader, called)

        @functools.wraps(begun)
        def watched_begun(loader: Any) -> Any:
            seen = self._of.get(id(loader))
            if seen is not None:
                seen.began = time.perf_counter()
            return begun(loader)

        @functools.wraps(iterated)
        def watched_iterated(iterator: Any, loader: Any) -> None:
            iterated(iterator, loader)
            iterator._unslow_loader = id(loader)
            if loader.num_workers:
                self._iterators.add(iterator)

        @functools.wraps(taken)
        def watched_taken(iterator: Any) -> Any:
            seen = self._of.get(getattr(iterator, "_unslow_loader", 0))
            started = time.perf_counter()
            try:
                batch = taken(iterator)
            except StopIteration:
                self._iterators.discard(iterator)
                raise
            if seen is not None:
                now = time.perf_counter()
                if seen.began:
                    seen.firsts.append(now - seen.began)
                    seen.began = 0.0
                else:
                    seen.waits.append(now - started)
            return batch

        module.DataLoader.__init__, module.DataLoader.__iter__ = watched_made, watched_begun
        module._BaseDataLoaderIter.__init__, module._BaseDataLoaderIter.__next__ = watched_iterated, watched_taken


def _is_of(loader: Any, other: Any) -> bool:
    """Whether both give the same batches of the same data set."""
    if loader.dataset is not other.dataset:
        return False
    if getattr(loader, "batch_sampler", None) is None:  # Of a stream.
        return bool(loader.batch_size == other.batch_size)
    return loader.batch_sampler is other.batch_sampler


def _like(loader: Any, other: Any) -> bool:
    """A library makes its loaders in one place: those of training and those of validation differ in their data."""
    return type(loader.dataset) is type(other.dataset) and _length(loader.dataset) == _length(other.dataset)


def _batch_size(loader: Any) -> int:
    """0 where there is none; a loader that is given whole batches of numbers does not know it itself."""
    size = getattr(loader, "batch_size", None) or getattr(getattr(loader, "batch_sampler", None), "batch_size", None)
    return size if isinstance(size, int) else 0


def _facts(seen: _Seen) -> LoaderFacts:
    loader = seen.loader
    known = LoaderFacts(
        site=seen.called.site,
        direct=seen.called.direct,
        dataset=type(getattr(loader, "dataset", None)).__name__,
        items=_length(getattr(loader, "dataset", None)),
        batch_size=_batch_size(loader),
        workers=int(getattr(loader, "num_workers", 0)),
        persistent=bool(getattr(loader, "persistent_workers", False)),
        pinned=bool(getattr(loader, "pin_memory", False)),
        prefetch_factor=int(getattr(loader, "prefetch_factor", 0) or 0),
        batches=len(seen.waits) + len(seen.firsts),
        epochs=len(seen.firsts),
        wait_s=statistics.median(seen.waits or seen.firsts),
        restart_s=statistics.median(seen.firsts) if seen.firsts else 0.0,
        batches_per_epoch=_length(loader),
        made=seen.made,
    )
    return _Trial(loader).tried(known)


def _length(dataset: Any) -> int:
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return 0


@final
class _Trial:
    """Asks a data set for some items, several times: how long each takes, and whether it is always the same."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def tried(self, known: LoaderFacts) -> LoaderFacts:
        if not known.items or not hasattr(self._loader.dataset, "__getitem__"):
            return replace(known, why_not_cached="its items have no numbers to keep them by")
        try:
            return self._elsewhere(self._with_items(known))
        except Exception as error:  # Whatever a data set says to being asked again: its items are not known, then.
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            return replace(known, why_not_cached=f"asked for an item again it raised {said}")

    def _with_items(self, known: LoaderFacts) -> LoaderFacts:
        places = sorted({round(n * (known.items - 1) / max(1, TRIED_ITEMS - 1)) for n in range(TRIED_ITEMS)})
        seconds: list[float] = []
        cpu_seconds: list[float] = []
        items: list[Any] = []
        why = ""
        ends = time.perf_counter() + TRIED_S
        for place in places:
            before, cpu, started = _random_state(), time.process_time(), time.perf_counter()
            item = self._loader.dataset[place]
            seconds.append(time.perf_counter() - started)
            cpu_seconds.append(time.process_time() - cpu)
            items.append(item)
            why = why or self._why_not_the_same(place, item, before)
            if time.perf_counter() > ends:
                break
        arrays = [[to_numpy(leaf) for leaf in leaves_of(item) if _countable(leaf)] for item in items]
        if any(not all(map(_countable, leaves_of(item))) for item in items):
            why = why or "its items are not made of arrays and numbers"
        shapes = {tuple((array.shape, str(array.dtype)) for array in item) for item in arrays}
        if len(shapes) > 1:
            why = why or "its items differ in shape"
        collate = self._collate_seconds(items) if known.batch_size else 0.0
        return replace(
            known,
            item_s=statistics.median(seconds),
            item_cpu_s=statistics.median(cpu_seconds),
            slowest_item_s=max(seconds),
            collate_s=collate * known.batch_size / len(items),
            deterministic=not why.startswith("its items are random"),
            fixed_shapes=len(shapes) == 1,
            item_bytes=max(sum(array.nbytes for array in item) for item in arrays),
            why_not_cached=why,
        )

    def _elsewhere(self, known: LoaderFacts) -> LoaderFacts:
        """Where workers are still to come: whether another process can make an item, and how it must be started."""
        if known.workers:
            return known
        found = tried_elsewhere(self._loader.dataset, ELSEWHERE_S + TIMES_AS_LONG * known.slowest_item_s)
        return replace(known, start_method=found.method, why_not_forked=found.why_not_forked)

    def _why_not_the_same(self, place: int, item: Any, before: tuple[Any, ...]) -> str:
        if not _same_state(before, _random_state()):
            return "its items are random: making one draws random numbers (augmentation)"
        for _ in range(ASKED_TIMES - 1):
            if not _same(item, self._loader.dataset[place]):
                return "its items are random: asked for twice, one differs (augmentation)"
        return ""

    def _collate_seconds(self, items: Sequence[Any]) -> float:
        started = time.perf_counter()
        try:
            self._loader.collate_fn(list(items))
        except Exception:  # Items of different shapes may not be joined by everybody.
            return 0.0
        return time.perf_counter() - started


def _countable(leaf: Any) -> bool:
    return is_array(leaf) or isinstance(leaf, (bool, int, float, np.generic))


def _random_state() -> tuple[Any, ...]:
    torch: Any = sys.modules.get("torch")
    numpy_state: Any = np.random.get_state()
    return (random.getstate(), numpy_state[1].tobytes(), numpy_state[2], torch.get_rng_state() if torch else None)


def _same_state(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    same = a[:3] == b[:3]
    return same and (a[3] is None or bool((a[3] == b[3]).all()))


def _same(a: Any, b: Any) -> bool:
    first, second = list(leaves_of(a)), list(leaves_of(b))
    return len(first) == len(second) and all(map(_same_leaf, first, second))


def _same_leaf(a: Any, b: Any) -> bool:
    if is_array(a) and is_array(b):
        one, other = np.asarray(to_numpy(a)), np.asarray(to_numpy(b))
        return _bytes(one) == _bytes(other)
    try:
        return bool(a == b)
    except (TypeError, ValueError, RuntimeError):
        return False


def _bytes(array: Array) -> tuple[Any, ...]:
    return array.shape, str(array.dtype), array.tobytes()
