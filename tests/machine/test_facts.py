from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from unslow.machine import facts

X86 = """processor\t: 0
model name\t: Some CPU @ 2.00GHz
flags\t\t: fpu avx2 amx_bf16

processor\t: 1
model name\t: Another
flags\t\t: fpu
"""
ARM = """processor\t: 0
Features\t: fp asimd bf16
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""


def cpuinfo(root: Path, text: str) -> Path:
    (root / "proc").mkdir()
    (root / "proc" / "cpuinfo").write_text(text)
    return root


def tool(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, body: str) -> None:
    """Puts a program of this name first on the PATH."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def no_tools(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))


def test_x86_processor(tmp_path: Path) -> None:
    assert facts.processor_and_flags(cpuinfo(tmp_path, X86)) == ("Some CPU @ 2.00GHz", ("amx_bf16", "avx2", "fpu"))


def test_arm_processor(tmp_path: Path) -> None:
    name, flags = facts.processor_and_flags(cpuinfo(tmp_path, ARM))
    assert name == "arm 0x41 part 0xd40"
    assert flags == ("asimd", "bf16", "fp")


def test_an_empty_cpuinfo_still_gives_a_name(tmp_path: Path) -> None:
    name, flags = facts.processor_and_flags(cpuinfo(tmp_path, ""))
    assert name
    assert flags == ()


def test_neither_cpuinfo_nor_sysctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_tools(tmp_path, monkeypatch)
    name, flags = facts.processor_and_flags(tmp_path)
    assert name
    assert flags == ()


def test_apple_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = """case "$*" in
      "-n machdep.cpu.brand_string") echo "Apple M9";;
      "hw.optional") echo "hw.optional.arm.FEAT_BF16: 1"; echo "hw.optional.arm.FEAT_SME: 0";;
      *) exit 1;;
    esac"""
    tool(tmp_path, monkeypatch, "sysctl", body)
    assert facts.processor_and_flags(tmp_path) == ("Apple M9", ("feat_bf16",))


def test_no_accelerator_without_the_driver_s_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_tools(tmp_path, monkeypatch)
    assert facts.accelerators() == ()


def test_no_accelerator_where_the_tool_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, monkeypatch, "nvidia-smi", "echo 'no devices were found'; exit 6")
    assert facts.accelerators() == ()


def test_a_tool_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, monkeypatch, "nvidia-smi", "")

    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", 5)

    monkeypatch.setattr(subprocess, "run", hang)
    assert facts.accelerators() == ()


def test_accelerators_with_their_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, monkeypatch, "nvidia-smi", "echo 'NVIDIA X, 81559 MiB'; echo 'NVIDIA Y, 1024 MiB'")
    assert facts.accelerators() == ("NVIDIA X (81559 MiB)", "NVIDIA Y (1024 MiB)")


def test_only_installed_libraries_are_listed() -> None:
    assert list(facts.libraries(("numpy", "no-such-library-of-ours"))) == ["numpy"]


def test_only_variables_that_steer_threads_are_listed() -> None:
    given = {"HOME": "/", "OMP_NUM_THREADS": "4", "MY_OMP_X": "1", "KMP_AFFINITY": "none"}
    assert facts.thread_steering(given) == {"KMP_AFFINITY": "none", "OMP_NUM_THREADS": "4"}


def test_this_machine_without_floors() -> None:
    machine = facts.this_machine(floors=False)
    assert 1 <= machine.cores <= machine.logical_cores
    assert machine.memory_bytes > 0
    assert "numpy" in machine.libraries
    assert machine.floors == {}


def test_the_facts_import_no_framework() -> None:
    code = (
        "import sys; from unslow.machine.facts import this_machine; this_machine(floors=False);"
        "sys.exit(', '.join({'numpy', 'torch', 'onnx', 'onnxruntime', 'openvino'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
