"""Stretches of time on one thread, as a recording lists them, to a tree under the steps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Recorders round starts and durations apart, to 1 µs at the coarsest: ends may be two of those off.
ROUNDING_NS = 2_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start_ns, end_ns) of one thread, with what the recording calls it. `order` decides who encloses an equal one."""

    name: str
    start_ns: int
    end_ns: int
    order: int = 0
    args: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Node:
    """A stretch in its place: cut to its parent, after its earlier siblings; `parent` is a place in the tree, or -1."""

    stretch: Stretch
    start_ns: int
    end_ns: int
    parent: int


@dataclass(frozen=True)
class Tree:
    """Nodes, parents first; how many stretches lay outside the steps, and how many had to be cut by more than
    rounding."""

    nodes: tuple[Node, ...]
    outside: int
    cut: int

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return sum(1 for node in self.nodes if node.parent < 0)

    @property
    def children(self) -> tuple[Sequence[int], ...]:
        """Of each node, the places of its children."""
        found: dict[int, list[int]] = {}
        for place, node in enumerate(self.nodes):
            found.setdefault(node.parent, []).append(place)
        return tuple(found.get(place, ()) for place in range(len(self.nodes)))


def tree_of(steps: Sequence[Stretch], stretches: Sequence[Stretch]) -> Tree:
    """The steps as roots, one after the other, and under each the stretches that begin in it, by containment.

    What begins in no step is left out (a stretch around all the steps too). What reaches beyond its parent is cut.
    """
    roots = _apart(sorted(steps, key=lambda step: (step.start_ns, -step.end_ns)))
    starts = [root.start_ns for root in roots]
    inside: list[list[Stretch]] = [[] for _ in roots]
    outside = 0
    for stretch in stretches:
        place = bisect_right(starts, stretch.start_ns) - 1
        if place >= 0 and stretch.start_ns < roots[place].end_ns:
            inside[place].append(stretch)
        else:
            outside += 1
    nodes: list[Node] = []
    cut = sum(_hang(nodes, root, found) for root, found in zip(roots, inside, strict=True))
    return Tree(tuple(nodes), outside, cut)


def _apart(steps: Sequence[Stretch]) -> list[Stretch]:
    """The steps without those that begin before their predecessor ends: such are no steps of one thread."""
    kept: list[Stretch] = []
    for step in steps:
        if not kept or step.start_ns >= kept[-1].end_ns:
            kept.append(step)
    return kept


def _hang(nodes: list[Node], root: Stretch, stretches: Sequence[Stretch]) -> int:
    """Append the step and what it holds; says how many stretches were cut by more than rounding."""
    open_places = [len(nodes)]
    nodes.append(Node(root, root.start_ns, root.end_ns, -1))
    cut = 0
    for stretch in sorted(stretches, key=lambda stretch: (stretch.start_ns, -stretch.end_ns, stretch.order)):
        while nodes[open_places[-1]].end_ns <= stretch.start_ns and len(open_places) > 1:
            open_places.pop()
        parent = nodes[open_places[-1]]
        end_ns = min(stretch.end_ns, parent.end_ns)
        cut += stretch.end_ns - end_ns > ROUNDING_NS
        nodes.append(Node(stretch, stretch.start_ns, end_ns, open_places[-1]))
        open_places.append(len(nodes) - 1)
    return cut


def notes_of(tree: Tree, elsewhere: int) -> tuple[str, ...]:
    """Sentences on what the tree does not show; `elsewhere` counts the stretches of other threads."""
    notes: list[str] = []
    if elsewhere:
        notes.append(f"{elsewhere} operators ran on other threads than the steps; they are not part of the profile.")
    if tree.cut:
        notes.append(f"{tree.cut} operators reached beyond what encloses them and were cut off there.")
    return tuple(notes)
