"""How much each layer hurts when a lossy fix rounds it: the float model, run with one layer rounded at a time.

Nothing is built for a layer: one session of the float model takes, for every layer, what is added to its input (the
rounding error, or 0) and its weights (rounded, or as they are). So rounding errors go all the way to the answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unslow.core.errors import BadInput
from unslow.core.variant import ArrayRequest, Fix, Parameters, Rounding, Workshop
from unslow.core.workload import Workload
from unslow.search.rescue import LayerHarm, Rung, Sensitivities, ladder, most_harmful
from unslow.verify.agreement import distances
from unslow.verify.outputs import Answers
from unslow.worker.probe import Probe
from unslow.worker.rounding import rounded_inputs, rounded_weights

Array = NDArray[Any]
PROBE_SECONDS = 8.0
MOST_SECONDS = 60.0
MOST_REQUESTS = 4


def layers_probed(fix: Fix, workload: Workload, parameters: Parameters, workshop: Workshop) -> Sensitivities:
    """The sensitivities of the layers that `fix` would round in a workload to which it was not applied yet.

    Raises
    ------
    BadInput
        The fix rounds no single layers, or the model is too large, or too slow, for looking at each.
    """
    if fix.layers is None:
        raise BadInput(f"{fix.name} leaves no layer out.", "Choose another fix.")
    layers = fix.layers(workload, parameters, workshop)
    return measure(_probe(workload, layers.names, workshop), layers.names, layers.rounding, _requests(workshop))


def _requests(workshop: Workshop) -> list[ArrayRequest]:
    return [
        {name: np.ascontiguousarray(array) for name, array in request.items()}
        for request in workshop.requests(MOST_REQUESTS)
    ]


def _probe(workload: Workload, names: Sequence[str], workshop: Workshop) -> Probe:
    if workload.model.runtime == "openvino":
        from unslow.worker.probe_openvino import OpenvinoProbe

        inputs = workload.model.settings.get("inputs") or [leaf.name for leaf in workshop.facts.inputs]
        return OpenvinoProbe(workload.model.path, names, inputs)
    from unslow.fixes._quantization import float_graph
    from unslow.worker.probe_onnx import OnnxProbe

    return OnnxProbe(float_graph(workload, workshop), names)


def measure(
    probe: Probe,
    names: Sequence[str],
    rounding: Rounding,
    requests: Sequence[ArrayRequest],
    clock: Callable[[], float] = time.perf_counter,
) -> Sensitivities:
    """Every layer by itself, then all but the worst k, on as many requests as fit into the time.

    Raises
    ------
    BadInput
        The model is too slow for one run per layer.
    """
    started = clock()
    weights = {
        name: rounded_weights(held, rounding.weight_bits, probe.channels[name] if rounding.per_channel else None)
        for name, held in probe.weights.items()
        if name in names
    }
    before = clock()
    true = [probe.answer(requests[0], {}, {})]
    chosen = requests[: _affordable(clock() - before, len(names), len(requests))]
    true += [probe.answer(request, {}, {}) for request in chosen[1:]]
    added = _errors_of_inputs(probe, names, rounding, chosen)

    def distance(layers: Sequence[str]) -> float:
        some = {name: weights[name] for name in layers if name in weights}
        answers = [
            probe.answer(request, {name: errors[name] for name in layers if name in errors}, some)
            for request, errors in zip(chosen, added, strict=True)
        ]
        return _distance(true, answers)

    harms = tuple(LayerHarm(name, distance([name])) for name in names)
    order = most_harmful(harms)
    rungs = tuple(Rung(k, distance(order[k:])) for k in (0, *ladder(len(names))))
    return Sensitivities(harms, rungs, len(chosen), clock() - started)


def _affordable(seconds_per_run: float, layers: int, requests: int) -> int:
    """How many requests are probed: one run for each layer and each rung."""
    each = seconds_per_run * (layers + layers.bit_length() + 1)
    if each > MOST_SECONDS:
        raise BadInput(
            f"Looking at {layers} layers one at a time would take {each:.0f} s.", "Choose `exclude` yourself."
        )
    return max(1, min(MOST_REQUESTS, requests, int(PROBE_SECONDS / max(each, 1e-9))))


def _errors_of_inputs(
    probe: Probe, names: Sequence[str], rounding: Rounding, requests: Sequence[ArrayRequest]
) -> list[dict[str, Array]]:
    """What rounding adds to each layer's input, for each request; nothing where inputs stay floats."""
    if rounding.inputs == "floats":
        return [{} for _ in requests]
    seen = [{name: array for name, array in probe.inputs(request).items() if name in names} for request in requests]
    fixed = {name: _range([inputs[name] for inputs in seen]) for name in seen[0]} if rounding.inputs == "fixed" else {}
    return [
        {name: rounded_inputs(array, *fixed.get(name, (None, None))) - array for name, array in inputs.items()}
        for inputs in seen
    ]


def _range(arrays: Sequence[Array]) -> tuple[float, float]:
    return min(float(array.min()) for array in arrays), max(float(array.max()) for array in arrays)


def _distance(true: Sequence[Sequence[Array]], answers: Sequence[Sequence[Array]]) -> float:
    original, rounded = Answers.of(true), Answers.of(answers)
    return float(distances(original, rounded).mean()) if rounded.finite(original) else float(np.inf)
