"""The model answers requests in the mode it was trained in: answers are drawn at random, and depend on their batch.

What it is
----------
A PyTorch module starts in training mode and stays there until `model.eval()` is called. In that mode dropout sets
random numbers to zero, and batch normalisation uses the mean and spread of the current batch instead of those it has
learned.

Why it is slow
--------------
Dropout draws a random number for every element: on a processor this is often as slow as the layer before it. Batch
normalisation reads its input twice, and cannot be folded into the convolution before it. PyTorch's fused transformer
layers are not used at all: in a trial, attention ran as two products, a softmax, copies and a dropout, instead of as
one operator.

How it shows
------------
Modules that behave differently in training mode are still in it. The time at stake is that of the dropout operators and
of all that they call, which evaluation mode skips entirely, and of batch normalisation, counted as if it vanished (it
does only where it is folded into a convolution, so this part of the ceiling is generous); the rest counts as what it
may be without (see `explain decoding-repeated`), since random numbers and copies leave the caches full. Where the model
has layers of which PyTorch has a fused form for evaluation mode (source: the conditions in
`torch.nn.TransformerEncoderLayer.forward`), all computing is at stake, and no floor is known. Of a script, its calls of
such a model count, where it never asks for a gradient. Source of the threshold: none is needed, one module is a fact.

When it does not matter
-----------------------
For speed, when dropout is a small part of the work. For the answers it always matters, unless the randomness is
wanted (Monte Carlo dropout).

Risk
----
The answers change, and should: with a dropout of 0.1, one number in ten is zeroed at random today. If the reported
accuracy was measured in training mode, measure it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unslow.core.finding import Evidence, EvidenceValue, Finding, Habit
from unslow.core.profile import Span
from unslow.core.script import ScriptFacts
from unslow.core.units import share as show_share
from unslow.habits._evaluation_path import loses_fused_path
from unslow.habits._ops import kind_of, op_name
from unslow.habits._scoring import most_called, scoring_calls
from unslow.habits._script import phase_share
from unslow.habits._shares import is_empty, rest_without, share_within

NAME = "train-mode-at-inference"
_ADVICE = "Call `model.eval()` once, before the first request; the answers will change, and no longer be random."


def _is_dropout(span: Span) -> bool:
    """Itself, or called by one (in a script it stands beside that); or sampled in PyTorch's function of that name."""
    stack: Any = span.details.get("stack") or ("",)
    in_function = stack[-1].startswith("torch/nn/functional.py") and stack[-1].endswith("dropout")
    return kind_of(span) == "dropout" or in_function or "dropout" in str(span.details.get("within", ""))


def _is_batch_norm(span: Span) -> bool:
    return "batch_norm" in op_name(span) or op_name(span) == "batchnormalization"


def detect(evidence: Evidence) -> Iterator[Finding]:
    """One finding, if modules with a training behaviour of their own are still in training mode."""
    profile, facts = evidence.profile, evidence.facts
    if facts.script is not None:
        yield from _of_a_script(evidence, facts.script)
        return
    if not facts.training:
        return
    first, *others = facts.training
    several = f"{1 + len(others)} modules are" if others else f"{first} is"
    numbers: dict[str, EvidenceValue] = {
        "modules_in_training_mode": len(facts.training),
        "first_module": first,
        "outputs_differ_between_calls": facts.stochastic,
        "fused_layers_off": loses_fused_path(facts),
    }
    if is_empty(profile):
        title = f"{several} still in training mode: the answers are not those of the trained model."
        yield Finding(NAME, title, 1.0, None, numbers, advice=_ADVICE)
        return
    dropout, batch_norm = share_within(profile, _is_dropout), share_within(profile, _is_batch_norm)
    numbers |= {"dropout_share": dropout, "batch_norm_share": batch_norm}
    if loses_fused_path(facts):
        at_stake = max(profile.shares["compute"], min(1.0, dropout + batch_norm))
        title = f"{several} still in training mode, which switches fused layers off and makes the answers differ."
        yield Finding(NAME, title, min(1.0, at_stake), None, numbers, advice=_ADVICE)
        return
    at_stake = min(1.0, dropout + batch_norm)
    title = f"{several} still in training mode: {show_share(at_stake)} of the time goes to it, and the answers differ."
    yield Finding(NAME, title, at_stake, 0.0, numbers, advice=_ADVICE, rest_at_best=rest_without(profile, at_stake))


def _of_a_script(evidence: Evidence, script: ScriptFacts) -> Iterator[Finding]:
    """The call of a model in training mode that is made most often, by a script that never asks for a gradient."""
    calls = tuple(noted for noted in scoring_calls(script) if noted.details["training"])
    if not calls:
        return
    call, profile = most_called(calls), evidence.profile
    first, *others = call.details["training"]
    which = f"{1 + len(others)} modules" if others else first
    several = f"{which} of {call.details['model']} {'are' if others else 'is'}"
    numbers: dict[str, EvidenceValue] = {"modules_in_training_mode": 1 + len(others), "first_module": first}
    dropout, batch_norm = share_within(profile, _is_dropout), share_within(profile, _is_batch_norm)
    at_stake = min(1.0, dropout + batch_norm)
    if at_stake:
        numbers |= {"dropout_share": dropout, "batch_norm_share": batch_norm}
        title = f"{several} still in training mode while the script only scores: {show_share(at_stake)} of a step."
        yield Finding(NAME, title, at_stake, 0.0, numbers, str(call.site), _ADVICE, rest_without(profile, at_stake))
        return
    title = f"{several} still in training mode while the script only scores: its answers are not the trained model's."
    yield Finding(NAME, title, phase_share(evidence, "forward") or 1.0, None, numbers, str(call.site), _ADVICE)


HABIT = Habit(name=NAME, area="inference", detect=detect)
