"""This machine, as far as speed is concerned. Imports no framework: versions come from the installed metadata alone."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psutil

from unslow.core.machine import Machine
from unslow.machine import limits

LIBRARIES = (
    "numpy", "torch", "triton", "onnx", "onnxruntime", "onnxruntime-gpu", "onnxscript", "openvino", "nncf", "tensorrt",
    "transformers", "tensorflow", "tensorflow-cpu", "keras", "ray",
)  # fmt: skip
TOOL_SECONDS = 5.0


def this_machine(floors: bool = True, remeasure: bool = False) -> Machine:
    """What there is, what of it may be used, and (with `floors`) what the cached micro-benchmarks show.

    The first call with `floors` on a machine measures for some ten seconds, as does each with `remeasure`. Nothing here
    raises: what cannot be found out is empty, or the general answer.
    """
    machine = _facts()
    if not floors:
        return machine
    from unslow.machine.floors import floors_of

    return replace(machine, floors=floors_of(machine, remeasure=remeasure))


def _facts() -> Machine:
    logical = psutil.cpu_count() or os.cpu_count() or 1
    quota = limits.cpu_quota()
    limit = limits.memory_limit()
    memory = psutil.virtual_memory().total
    processor, flags = processor_and_flags()
    return Machine(
        processor=processor,
        cores=limits.usable_cores(logical, limits.affinity(), quota),
        logical_cores=logical,
        physical_cores=psutil.cpu_count(logical=False) or logical,
        cpu_quota=quota,
        memory_bytes=memory if limit is None else min(memory, limit),
        flags=flags,
        accelerators=accelerators(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        libraries=libraries(),
        environment=thread_steering(os.environ),
    )


def processor_and_flags(root: Path = limits.ROOT) -> tuple[str, tuple[str, ...]]:
    """The processor's name and its instruction sets, sorted; from /proc/cpuinfo, else from sysctl (macOS)."""
    try:
        fields = _first_processor((root / "proc" / "cpuinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return _from_sysctl()
    name = fields.get("model name") or fields.get("Processor") or _arm_name(fields) or platform.machine()
    return name, tuple(sorted(set((fields.get("flags") or fields.get("Features") or "").split())))


def _first_processor(cpuinfo: str) -> dict[str, str]:
    """The fields of the first processor, and those that ARM kernels write once at the end."""
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    return fields


def _arm_name(fields: Mapping[str, str]) -> str:
    """ARM kernels give numbers only: "arm 0x41 part 0xd40"."""
    maker, part = fields.get("CPU implementer"), fields.get("CPU part")
    return f"arm {maker} part {part}" if maker and part else ""


def _from_sysctl() -> tuple[str, tuple[str, ...]]:
    name = _output_of("sysctl", "-n", "machdep.cpu.brand_string").strip()
    # Intel lists them in one line each; Apple's own chips say "hw.optional.arm.FEAT_BF16: 1".
    flags = set(_output_of("sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features").lower().split())
    for line in _output_of("sysctl", "hw.optional").splitlines():
        key, _, value = line.partition(":")
        if value.strip() == "1":
            flags.add(key.rpartition(".")[2].lower())
    return name or platform.processor() or platform.machine(), tuple(sorted(flags))


def accelerators() -> tuple[str, ...]:
    """NVIDIA devices with their memory, by the driver's own tool; empty where it is not installed or fails."""
    rows = _output_of("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    cells = [row.split(",") for row in rows.splitlines() if row.strip()]
    return tuple(f"{cell[0].strip()} ({cell[-1].strip()})" if len(cell) > 1 else cell[0].strip() for cell in cells)


def libraries(names: tuple[str, ...] = LIBRARIES) -> dict[str, str]:
    """The installed ones of `names` with their versions, without importing them."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def thread_steering(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that steer thread pools, where set, sorted."""
    return {name: value for name, value in sorted(environment.items()) if name.startswith(limits.STEERING_PREFIXES)}


def _output_of(*command: str) -> str:
    """What a small tool prints; "" where it is missing, fails or takes too long."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""
