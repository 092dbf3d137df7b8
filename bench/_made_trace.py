"""A Kineto recording of any length, as torch.profiler writes one: laid out, ordered and padded as its files are.

A model of linear layers trains on one device: each layer launches a product and an activation, each with its stack of
Python, its shapes, its flows from launch to kernel and its moments of memory; each step waits for a batch first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LAYERS, LAYER_US, LOADING_US = 300, 90, 9_000
STEP_US = LOADING_US + LAYERS * LAYER_US + 1_000
BASE_US = 1_414_456_661_601
PID, GPU, STREAM = 5617, 0, 7
KERNELS = (
    ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_cublas", 9.312, (128, 1, 1)),
    (
        "void at::native::vectorized_elementwise_kernel<4, at::native::launch_clamp_scalar(at::TensorIteratorBase&, "
        "c10::Scalar, c10::Scalar, at::native::detail::ClampLimits)::{lambda()#1}, std::array<char*, 2ul> >",
        5.664,
        (864, 1, 1),
    ),
)
OPERATORS = (  # Start and length within a layer in µs, and the shapes of the arguments.
    ("aten::linear", 4.125, 50.503, [[32, 512], [512, 512], [512]]),
    ("aten::t", 6.25, 9.75, [[512, 512]]),
    ("aten::transpose", 8.001, 6.333, [[512, 512], [], []]),
    ("aten::as_strided", 10.5, 1.25, [[512, 512], [], [], []]),
    ("aten::addmm", 18.75, 33.062, [[512], [32, 512], [512, 512], [], []]),
    ("aten::relu", 60.031, 25.7, [[32, 512]]),
    ("aten::clamp_min", 64.5, 19.004, [[32, 512], []]),
)
LAUNCHES = (35.25, 7.062, 5), (74.125, 5.187, 7)  # Start and length in a layer, and which operator launches.
FUNCTIONS = (
    "torch/nn/modules/module.py(1775): _wrapped_call_impl",
    "torch/nn/modules/module.py(1786): _call_impl",
    "torch/nn/modules/linear.py(134): forward",
    "<built-in function linear>",
    "torch/nn/functional.py(1693): relu",
    "<built-in method relu of type object at 0x7f3aa0>",
)


def write(path: Path, wanted_bytes: int) -> int:
    """Writes at least so many bytes; how many steps they hold."""
    steps = max(1, wanted_bytes // sum(len(event) for part in PARTS for event in part(0)))
    with path.open("w") as file:
        file.write('{\n  "schemaVersion": 1,\n  "deviceProperties": [\n    ')
        file.write('{"id": 0, "name": "NVIDIA H100 80GB HBM3", "totalGlobalMem": 85018279936, ')
        file.write('"computeMajor": 9, "computeMinor": 0}\n  ],\n  "traceEvents": [\n')
        for part in PARTS:
            for step in range(steps):
                file.writelines(part(step))
        file.write('  {\n    "name": "Record Window End", "ph": "i", "s": "g", "pid": "", "tid": "", "ts": 0\n  }\n')
        file.write('  ],\n  "traceName": "trace.json",\n  "displayTimeUnit": "ms"\n}\n')
    return steps


def _operators(step: int) -> Iterator[str]:
    start = step * STEP_US
    yield _event("user_annotation", f"ProfilerStep#{step}", start, STEP_US - 5.5, {"External id": step})
    name = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"
    yield _event("user_annotation", name, start + 20, LOADING_US - 40, {"External id": step})
    for layer in range(LAYERS):
        at = _layer(step, layer)
        for place, (operator, begins, lasts, dims) in enumerate(OPERATORS):
            number = _number(step, layer, place)
            kinds = ["c10::BFloat16" if shape else "Scalar" for shape in dims]
            args = {"External id": number, "Record function id": 0, "Concrete Inputs": ["" for _ in dims]}
            args |= {"Input type": kinds, "Input Strides": [[1] * len(s) for s in dims], "Input Dims": dims}
            yield _event("cpu_op", operator, at + begins, lasts, {**args, "Ev Idx": number})
        yield _moment(at + 20.25, step * LAYERS + layer)


def _functions(step: int) -> Iterator[str]:
    for layer in range(LAYERS):
        at = _layer(step, layer)
        for place, name in enumerate(FUNCTIONS):
            number = _number(step, layer, place)
            args = {"Python parent id": number - 1, "Python id": number, "Ev Idx": number}
            yield _event("python_function", name, at + place, 88 - 2 * place, args)


def _launches(step: int) -> Iterator[str]:
    for layer in range(LAYERS):
        for place, (begins, lasts, operator) in enumerate(LAUNCHES):
            asked, number = _layer(step, layer) + begins, _number(step, layer, place)
            args = {"External id": _number(step, layer, operator - 1), "cbid": 211, "correlation": number}
            yield _event("cuda_runtime", "cudaLaunchKernel", asked, lasts, args)
            yield _flow("s", number, asked, PID)


def _kernels(step: int) -> Iterator[str]:
    at = step * STEP_US + LOADING_US
    args: dict[str, Any] = {"External id": step}
    yield _event("gpu_user_annotation", f"ProfilerStep#{step}", at, LAYERS * LAYER_US, args, GPU, STREAM)
    for layer in range(LAYERS):
        for place, (name, lasts, grid) in enumerate(KERNELS):
            begins, number = _layer(step, layer) + LAUNCHES[place][0] + 12.5, _number(step, layer, place)
            args = {"External id": _number(step, layer, LAUNCHES[place][2] - 1), "queued": 0, "device": GPU}
            args |= {"context": 1, "stream": STREAM, "correlation": number, "registers per thread": 168}
            args |= {"shared memory": 213248, "blocks per SM": 0.969697, "warps per SM": 11.636364}
            args |= {"grid": list(grid), "block": [384, 1, 1], "est. achieved occupancy %": 19}
            yield _event("kernel", name, begins, lasts, args, GPU, STREAM)
            yield _flow("f", number, begins, GPU)


PARTS: tuple[Callable[[int], Iterator[str]], ...] = (_operators, _functions, _launches, _kernels)
"""In the order of the profiler's files: what the host did, first; then the runtime and the device."""


def _layer(step: int, layer: int) -> float:
    return step * STEP_US + LOADING_US + layer * LAYER_US


def _number(step: int, layer: int, place: int) -> int:
    return ((step * LAYERS) + layer) * 10 + place + 1_000_000


def _event(cat: str, name: str, at: float, lasts: float, args: dict[str, Any], pid: int = PID, tid: int = PID) -> str:
    inside = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in args.items())
    return (
        f'  {{\n    "ph": "X", "cat": "{cat}", "name": {json.dumps(name)}, "pid": {pid}, "tid": {tid},\n'
        f'    "ts": {BASE_US + int(at)}.{round(at % 1 * 1000):03d}, "dur": {lasts:.3f},\n'
        f'    "args": {{\n      {inside}\n    }}\n  }},\n'
    )


def _flow(phase: str, number: int, at: float, pid: int) -> str:
    ends = ', "bp": "e"' if phase == "f" else ""
    return (
        f'  {{\n    "ph": "{phase}", "id": {number}, "pid": {pid}, "tid": {pid}, "ts": {BASE_US + at:.3f},\n'
        f'    "cat": "ac2g", "name": "ac2g"{ends}\n  }},\n'
    )


def _moment(at: float, number: int) -> str:
    return (
        f'  {{\n    "ph": "i", "cat": "cpu_instant_event", "s": "t", "name": "[memory]",\n'
        f'    "pid": {PID}, "tid": {PID}, "ts": {BASE_US + at:.3f},\n'
        f'    "args": {{\n      "Total Reserved": 64424509440, "Total Allocated": 61216081408, "Bytes": 1204224, '
        f'"Addr": 136093868752896, "Device Id": 0, "Device Type": 1, "Ev Idx": {number}\n    }}\n  }},\n'
    )
