"""The user's torch model as an exported program: inputs by position, a flat tuple of tensors out, free axes kept."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unslow.core.calls import leaves_of
from unslow.core.errors import BadInput
from unslow.core.facts import Facts, Leaf
from unslow.core.variant import ArrayRequest, Workshop
from unslow.core.workload import Workload
from unslow.fixes._quiet import quiet

Axes = Mapping[str, tuple[int, ...]]
MOST_EXAMPLES = 8


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is exported: `module(*example) -> tensors`; `required` axes must stay free, `wished` ones may be fixed."""

    module: Any
    names: tuple[str, ...]
    example: tuple[Any, ...]
    required: Axes
    wished: Axes


def varying_axes(facts: Facts) -> dict[str, tuple[int, ...]]:
    """The axes of each input whose length differs between the requests."""
    return {leaf.name: leaf.varying_axes for leaf in facts.inputs}


def required_axes(facts: Facts) -> dict[str, tuple[int, ...]]:
    """The axes without which the requests, one by one, could not be answered: varying ones, and what trimming cuts."""
    cut = facts.padding_share > 0
    return {
        leaf.name: tuple(sorted({*leaf.varying_axes, *(_trimmed(leaf, facts) if cut else ())})) for leaf in facts.inputs
    }


def free_axes(facts: Facts) -> dict[str, tuple[int, ...]]:
    """The axes that should take any length: varying ones, axis 0 if requests can be joined, and what trimming cuts."""
    return {
        leaf.name: tuple(sorted({*leaf.varying_axes, *_joined(leaf, facts), *_trimmed(leaf, facts)}))
        for leaf in facts.inputs
    }


def _joined(leaf: Leaf, facts: Facts) -> tuple[int, ...]:
    return (0,) if facts.batch_axis and leaf.shapes and len(leaf.shapes[0][0]) > 0 else ()


def _trimmed(leaf: Leaf, facts: Facts) -> tuple[int, ...]:
    """Axis 1, where it has the padding mask's length in every shape seen."""
    masks = [other for other in facts.inputs if other.name == facts.padding_mask]
    if not masks:
        return ()
    lengths = [{shape[1] for shape, _ in each.shapes if len(shape) > 1} for each in (leaf, masks[0])]
    return (1,) if lengths[0] and lengths[0] == lengths[1] else ()


def not_exportable(facts: Facts) -> str:
    """Why no converter can take this model, in one sentence; "" if one may."""
    if not facts.inputs or not facts.flat_inputs:
        return "the model's inputs are not a flat list of arrays, which converters need"
    return ""


@contextlib.contextmanager
def prepared(workload: Workload, workshop: Workshop, wished: Axes | None = None) -> Generator[Prepared]:
    """The user's model ready to be exported, in evaluation mode meanwhile; `wished` axes default to all free ones.

    Raises
    ------
    BadInput
        The model is no torch module or exported program.
    """
    torch: Any = importlib.import_module("torch")
    opened = _opened(workload, workshop)
    dtype = workload.model.settings.get("dtype")
    if dtype and next(_floating(opened), None) not in (None, getattr(torch, dtype)):
        opened = importlib.import_module("copy").deepcopy(opened).to(getattr(torch, dtype))
    training = [module for module in opened.modules() if module.training]
    names = tuple(leaf.name for leaf in workshop.facts.inputs)
    free = free_axes(workshop.facts) if wished is None else wished
    flat = _flattened(opened, names, _Types(torch, workload, workshop.facts))
    try:
        for module in training:
            module.training = False
        with torch.no_grad():
            yield Prepared(flat, names, _example(workshop, free), varying_axes(workshop.facts), free)
    finally:
        for module in training:
            module.training = True


def _floating(module: Any) -> Iterator[Any]:
    return (parameter.dtype for parameter in module.parameters() if parameter.dtype.is_floating_point)


def _opened(workload: Workload, workshop: Workshop) -> Any:
    torch: Any = importlib.import_module("torch")
    if workload.model.runtime == "exported-program":
        return torch.export.load(workload.model.path or workload.target.location).module()
    module = workshop.inference().model
    if isinstance(module, torch.nn.Module):
        return module
    raise BadInput(
        f"The model is a {type(module).__name__}, and only a torch module can be exported.",
        "Give the module itself as the model, and what surrounds it as `prepare` and `finish`.",
    )


def _example(workshop: Workshop, free: Axes) -> tuple[Any, ...]:
    """The largest of a few requests; joined with itself where a free axis 0 has length 1, which exporters would fix."""
    torch: Any = importlib.import_module("torch")
    request = max(workshop.requests(MOST_EXAMPLES), key=_elements)
    tensors: list[Any] = []
    for leaf in workshop.facts.inputs:
        tensor = torch.as_tensor(request[leaf.name]).to(getattr(torch, leaf.dtype)).contiguous()
        if 0 in free.get(leaf.name, ()) and tensor.shape[0] == 1:
            tensor = torch.cat([tensor, tensor])
        tensors.append(tensor)
    return tuple(tensors)


def _elements(request: ArrayRequest) -> int:
    return sum(int(array.size) for array in request.values())


class _Types:
    """The types that the model computes in, and those of its caller; the casts between them are in the graph."""

    def __init__(self, torch: Any, workload: Workload, facts: Facts) -> None:
        settings = workload.model.settings
        self._torch = torch
        self._computed = getattr(torch, settings["dtype"]) if settings.get("dtype") else None
        self._autocast = getattr(torch, settings["autocast"]) if settings.get("autocast") else None
        self._answered = [getattr(torch, leaf.dtype, None) for leaf in facts.outputs]

    def taken(self, array: Any) -> Any:
        return array.to(self._computed) if self._computed is not None and array.is_floating_point() else array

    def given(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        if self._computed is None and self._autocast is None:
            return tuple(leaves)
        wanted = self._answered if len(self._answered) == len(leaves) else [None] * len(leaves)
        return tuple(
            leaf.to(dtype) if dtype is not None and leaf.is_floating_point() else leaf
            for leaf, dtype in zip(leaves, wanted, strict=True)
        )

    def casting(self) -> Any:
        return self._torch.autocast("cpu", dtype=self._autocast) if self._autocast else contextlib.nullcontext()


def _flattened(opened: Any, names: Sequence[str], types: _Types) -> Any:
    """A module around `opened` that takes its inputs by position and gives the leaves of its answer."""
    torch: Any = importlib.import_module("torch")
    positional = _positional(opened, names)

    class Flat(torch.nn.Module):
        def __init__(self) -> None:
            torch.nn.Module.__init__(self)
            self.opened = opened
            self.training = False

        def forward(self, *arrays: Any) -> tuple[Any, ...]:
            taken = [types.taken(array) for array in arrays]
            named = dict(zip(names[positional:], taken[positional:], strict=True))
            with types.casting():
                answer = self.opened(*taken[:positional], **named)
            return types.given(list(leaves_of(answer)))

    return Flat()


def _positional(opened: Any, names: Sequence[str]) -> int:
    """How many of the inputs, from the first on, are passed by position: those that `forward` does not know by name."""
    spec = getattr(opened, "_in_spec", None)
    if spec is not None:
        return len(spec.children()[0].children()) if hasattr(spec, "children") else 0
    inspect: Any = importlib.import_module("inspect")
    parameters = inspect.signature(opened.forward).parameters
    keyword = {
        name
        for name, parameter in parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    if any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters.values()):
        return 0
    unknown = [index for index, name in enumerate(names) if name not in keyword]
    return unknown[-1] + 1 if unknown else 0


def exported_program(prepared_module: Prepared) -> Any:
    """`torch.export` of the module: without the bytecode tracer, then with it, which takes some other models.

    Raises
    ------
    BadInput
        Neither can; the first line says why.
    """
    torch: Any = importlib.import_module("torch")
    shapes = (tuple(_dimensions(prepared_module, name, torch.export.Dim) for name in prepared_module.names),)
    reasons: list[str] = []
    for strict in (False, True):
        try:
            with quiet():
                return torch.export.export(
                    prepared_module.module, prepared_module.example, dynamic_shapes=shapes, strict=strict
                )
        except Exception as error:  # exporters raise whatever the model's own code or the tracer raised
            reasons.append(first_line(error))
    raise BadInput(f"torch.export cannot take this model: {reasons[0]}", "It may depend on the values of its inputs.")


def _dimensions(prepared_module: Prepared, name: str, dim: Any) -> dict[int, Any]:
    wished = dict.fromkeys(prepared_module.wished.get(name, ()), dim.AUTO)
    return {**wished, **dict.fromkeys(prepared_module.required.get(name, ()), dim.DYNAMIC)}


def first_line(error: BaseException) -> str:
    """The first line of an error's message that says something, or its type."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
