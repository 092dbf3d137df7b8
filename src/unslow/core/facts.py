"""What was learned of a workload by building it once and running it: plain data, which travels between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unslow.core.script import Noted, ScriptFacts

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Leaf:
    """One input or output array: its name, dtype ("float32", "int64"), how often the stream had each shape."""

    name: str
    dtype: str
    shapes: tuple[tuple[Shape, int], ...]

    @property
    def varying_axes(self) -> tuple[int, ...]:
        """The axes whose length differs between requests."""
        if len({len(shape) for shape, _ in self.shapes}) != 1:
            return ()
        columns = zip(*(shape for shape, _ in self.shapes), strict=True)
        return tuple(axis for axis, lengths in enumerate(columns) if len(set(lengths)) > 1)


@dataclass(frozen=True)
class FileRead:
    """A file that was opened while requests were answered: `opens_per_request` times, `size_bytes` long."""

    path: str
    size_bytes: int
    opens_per_request: float


@dataclass(frozen=True)
class ThreadPool:
    """A pool of threads that was alive in the process: "openmp", "blas", "torch-interop", "onnxruntime"; its size."""

    name: str
    threads: int


@dataclass(frozen=True)
class Facts:
    """Learned by the survey, in a process of its own.

    `framework` is "torch", "onnx", "exported", "script" or "function" (any other callable). `inputs` are the model's
    own, after `prepare`, by the names of its parameters; empty where they are no flat arrays (`flat_inputs` is then
    False).
    `seconds_per_request` is the median without any recording; `dispatch_seconds` what an operator costs here before it
    computes anything. `padding_share` is the part of the tokens that the mask named `padding_mask` switches off (0
    where there is none). `batch_axis`: requests can be joined along axis 0, tried and found to give the same answers.
    `grad_recorded`: the outputs hang on an autograd graph. `training`: module names still in training mode that behave
    differently there (dropout, batch norm). `products`: matrix products and convolutions in an ONNX file's main graph
    (-1: unknown). `stochastic`: the first request, asked twice, is answered differently.
    `subnormal_share`: part of the weights' non-zero values that are subnormal, or of the activations', whichever is
    larger. `spread` is the ratio of the 90th to the 50th percentile of request times. `script` is what is known of a
    script ("script" is then the framework, and a request is one of its steps). `cores_taken` is how many cores other
    programs kept busy meanwhile, on average. `noted` are the calls of libraries that habits ask about, as far as they
    are noted of a workload that is no script, in `noted_requests` of its requests. `cores_wanted` is how many cores
    the workload would have kept busy with all processes that it has started, had it never waited for one (0: not
    measured).
    """

    framework: str
    requests: int
    seconds_per_request: float
    build_seconds: float
    peak_memory_bytes: int
    cpu_seconds_per_request: float
    inputs: tuple[Leaf, ...] = ()
    outputs: tuple[Leaf, ...] = ()
    output_structure: Any = None
    flat_inputs: bool = True
    prepared: bool = False
    finished: bool = False
    carried: bool = False
    evaluation_requests: int = 0
    labelled: bool = False
    has_metric: bool = False
    tolerance: float = 0.01
    grad_recorded: bool = False
    training: tuple[str, ...] = ()
    stochastic: bool = False
    parameter_bytes: Mapping[str, int] = field(default_factory=dict[str, int])
    modules: Mapping[str, int] = field(default_factory=dict[str, int])
    products: int = -1
    subnormal_share: float = 0.0
    padding_share: float = 0.0
    padding_mask: str = ""
    batch_axis: bool = False
    files_read: tuple[FileRead, ...] = ()
    thread_pools: tuple[ThreadPool, ...] = ()
    dispatch_seconds: float = 0.0
    spread: float = 1.0
    fingerprint: str = ""
    made_inputs: bool = False
    script: ScriptFacts | None = None
    cores_taken: float = 0.0
    noted: tuple[Noted, ...] = ()
    noted_requests: int = 0
    cores_wanted: float = 0.0

    @property
    def parameters_total_bytes(self) -> int:
        return sum(self.parameter_bytes.values())
