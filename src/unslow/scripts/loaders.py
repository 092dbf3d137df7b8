"""The `DataLoader`s of a script: where each is made, how long it is waited for, what its items are."""

from __future__ import annotations

import functools
import statistics
import sys
import time
import weakref
from dataclasses import dataclass, field, replace
from typing import Any, final

from unslow.core.script import LoaderFacts
from unslow.scripts.epochs import TOLD, State, changed, is_told, state_of
from unslow.scripts.imports import when_imported
from unslow.scripts.items import tried
from unslow.scripts.sites import Called, called_from

PATIENT_S = 86_400
"""A loader's timeout while its script takes turns."""
COLLATE_FN = 6
"""The place of `collate_fn` among the arguments of a `DataLoader`."""


@dataclass
class _Seen:
    """The loaders that one call makes, the last of them, and the waits for their batches."""

    loader: Any
    called: Called
    waits: list[float] = field(default_factory=list[float])
    firsts: list[float] = field(default_factory=list[float])
    began: float = 0.0
    made: int = 1
    collates_by_position: bool = False
    state: State | None = None
    changes: str = ""

    def begins(self) -> None:
        """An epoch of it begins."""
        self.began = time.perf_counter()
        dataset = getattr(self.loader, "dataset", None)
        before, self.state = self.state, state_of(dataset)
        if not self.changes and is_told(dataset):
            self.changes = f"{TOLD}()"
        if not self.changes and before is not None and self.made == 1:
            self.changes = changed(before, self.state)


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

    def first_epoch_left(self) -> tuple[int, float]:
        """Of the loader that is waited for longest, while it is in its first epoch: the batches that are left of it,
        and the seconds that one is waited for. (0, 0.0) afterwards, and where the length is not known."""
        longest = max(self._seen, key=lambda seen: sum(seen.waits) + sum(seen.firsts), default=None)
        if longest is None or len(longest.firsts) != 1 or not longest.waits:
            return 0, 0.0
        left = _length(longest.loader) - len(longest.waits) - 1
        return (left, statistics.median(longest.waits)) if left > 0 else (0, 0.0)

    def forget_waits(self) -> None:
        """What was waited for so far was not usual; how often a loader was begun is still known."""
        for seen in self._seen:
            seen.waits.clear()
            seen.firsts[1:] = []

    def _at(self, loader: Any, called: Called) -> _Seen:
        """What is known of the call that makes the loader: one that stands in a loop makes many, and one in a function
        those of training and those of validation, which differ in their data.

        A library (Accelerate, Lightning) may make another of one that is there: that stands for it.
        """
        for seen in self._seen:
            if not called.direct and _is_of(loader, seen.loader):
                return seen
        for seen in self._seen:
            if seen.called.site == called.site and _like(loader, seen.loader):
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
                self._of[id(loader)].collates_by_position = len(args) > COLLATE_FN

        @functools.wraps(begun)
        def watched_begun(loader: Any) -> Any:
            seen = self._of.get(id(loader))
            if seen is not None:
                seen.begins()
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
    """Whether both may be the same loader, made anew."""
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
        iterable=_is_iterable(getattr(loader, "dataset", None)),
        changes=seen.changes,
    )
    known = tried(loader, known)
    if seen.changes and not known.why_not_cached:
        known = replace(known, why_not_cached=f"its data set changes from epoch to epoch ({seen.changes})")
    by_position = "its collate function is not passed by name"
    return replace(known, why_not_vectorised=by_position) if seen.collates_by_position else known


def _is_iterable(dataset: Any) -> bool:
    return isinstance(dataset, sys.modules["torch.utils.data"].IterableDataset)


def _length(dataset: Any) -> int:
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return 0
