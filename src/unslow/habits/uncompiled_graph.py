"""The model runs operator by operator, where a compiler could make one program of them.

What it is
----------
PyTorch by default ("eager") runs one operator after the other: each is looked up, started, reads its inputs from
memory and writes its output back. An ONNX file can be opened with its graph optimisation switched off, to the same
effect.

Why it is slow
--------------
Between a layer and its activation, the whole array goes to memory and comes back, only to be compared with zero. And
each operator costs some microseconds before it computes anything: at batch size 1 that may be most of the time. A
compiler joins neighbours into one loop, drops what is constant and chooses faster layouts.

How it shows
------------
PyTorch: no compiled region in the recording (without one: no module that `torch.compile` made). At stake are starting
operators (the category `framework`, and what an operator costs before it computes), element-wise work, softmax,
normalisation and copies, matrix products and convolutions. What must remain of each is the micro-benchmark of this
machine: "graph/eager:dispatch", ":elementwise", ":matmul", ":conv", weighted by the time of each; of more than 8
element-wise operators in a row, which leave little but their arithmetic, the best of the first two. The threshold is 1
% of the wall time, below which a recording's noise is larger; what counts is the ceiling.
Products of float64 are not at stake: a compiler leaves them to the same library. On a device no product is.
A script: the same, of the forward and the backward pass of models that no compiler has made, without their products;
the Python between operators is what starts them; where no operators were recorded, and on a GPU, both passes are at
stake, and no floor is known.
ONNX: `BatchNormalization` right after `Conv`, or `Add` right after at least half of all `MatMul`. Source: tried with
ONNX Runtime 1.32 on a transformer encoder and a small convolutional network: with optimisation off both pairs were
there (6 of the 10 products in two layers were followed by their bias), with optimisation on neither. No floor is
known then.

When it does not matter
-----------------------
When a few large matrix products take nearly all the time: they already run in hand-written libraries. When the model
runs only a few hundred times: compiling takes 20 s and more, and the break-even says when that has paid.

Risk
----
The order of additions changes, so answers differ in the last digits. Shapes that were not seen before cause compiling
anew, which takes seconds in the middle of serving. Some Python code cannot be compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.profile import Profile
from unslow.core.units import share as show_share
from unslow.habits._eager import Operators, by_operators, is_compiled_model, of_a_model, without_products
from unslow.habits._floors import Part
from unslow.habits._models import kinds_within, model_share, models, names_operators, on_cuda, starting_share
from unslow.habits._ops import op_name
from unslow.habits._shares import LEAST_SHARE, is_empty, operators

NAME = "uncompiled-graph"
LEAST_BIASED_PRODUCTS = 0.5
_ADVICE = "Compile the model's graph, or export it to a runtime that does."
_TRANSPARENT = frozenset({"identity", "transpose"})


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if a PyTorch model runs eagerly, or an ONNX graph runs unoptimised."""
    if evidence.facts.framework in ("torch", "exported", "tensorflow"):
        yield from _eager(evidence)
    elif evidence.facts.framework == "script":
        yield from _of_a_script(evidence)
    elif evidence.facts.framework == "onnx":
        yield from _unoptimised(evidence.profile)


def _eager(evidence: Evidence) -> Iterator[Finding]:
    profile = evidence.profile
    if is_compiled_model(evidence):
        return
    if is_empty(profile) and not evidence.facts.modules and evidence.facts.framework != "exported":
        return  # A recording whose shares are withheld does not show either whether a graph was compiled.
    if is_empty(profile):
        title = "The model runs operator by operator; how much of the time that costs is not known."
        yield Finding(NAME, title, 1.0, None, {"compiled": False}, advice=_ADVICE)
        return
    found = of_a_model(evidence)
    if found.at_stake.share >= LEAST_SHARE:
        yield Finding(NAME, found.title, found.at_stake.share, found.at_stake.floor, found.numbers, advice=_ADVICE)


def _of_a_script(evidence: Evidence) -> Iterator[Finding]:
    called, share = [noted for noted in models(evidence) if not noted.details["compiled"]], model_share(evidence)
    if not called or share < LEAST_SHARE:
        return
    site = str(called[0].site)
    if names_operators(evidence) and not any(map(on_cuda, called)):
        found = by_operators(evidence, starting_share(evidence), without_products(kinds_within(evidence)))
    else:
        title = f"{show_share(share)} of a step goes to a model that runs operator by operator."
        found = Operators(title, Part(share, None), {"model_share": share})
    if found.at_stake.share >= LEAST_SHARE:
        yield Finding(NAME, found.title, found.at_stake.share, found.at_stake.floor, found.numbers, site, _ADVICE)


def _unoptimised(profile: Profile) -> Iterator[Finding]:
    names = [name for name in (op_name(span) for span, _ in operators(profile)) if name not in _TRANSPARENT]
    pairs = list(pairwise(names))
    norms = sum(pair == ("conv", "batchnormalization") for pair in pairs)
    biases, products = sum(pair == ("matmul", "add") for pair in pairs), names.count("matmul")
    if not norms and (not products or biases / products < LEAST_BIASED_PRODUCTS):
        return
    at_stake = profile.shares["compute"]
    numbers: dict[str, EvidenceValue] = {
        "conv_then_batch_norm_pairs": norms,
        "matmul_then_add_pairs": biases,
        "matmul_nodes": products,
        "compute_share": at_stake,
    }
    title = f"The ONNX graph runs unoptimised: {norms + biases} pairs of nodes that belong together run one by one."
    yield Finding(NAME, title, at_stake, None, numbers, advice="Open the file with graph optimisation switched on.")


HABIT = Habit(name=NAME, area="inference", detect=detect)
