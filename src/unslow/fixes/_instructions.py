"""What a processor lacks for half precision, in the words in which a refusal and a report say it."""

from __future__ import annotations

from unslow.core.machine import Machine

_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
_FLOAT16 = ("avx512_fp16", "amx_fp16", "asimdhp")
"""As x86 processors name them, and as ARM ones do."""


def lacks_bfloat16(machine: Machine) -> str:
    """ "no avx512_bf16 or amx_bf16: bfloat16 is emulated here"; "" where the processor has the instructions."""
    return _lacks(machine, _BFLOAT16, "bfloat16")


def lacks_float16(machine: Machine) -> str:
    """The same of float16."""
    return _lacks(machine, _FLOAT16, "float16")


def _lacks(machine: Machine, names: tuple[str, ...], dtype: str) -> str:
    if any(machine.has(name) for name in names):
        return ""
    *x86, arm = names
    missing = arm if any(flag.startswith("asimd") for flag in machine.flags) else " or ".join(x86)
    return f"no {missing}: {dtype} is emulated here"
