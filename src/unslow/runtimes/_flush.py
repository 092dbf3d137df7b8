"""Subnormal floats become zero, in and out, in this thread and in those that it makes from now on.

The bits are in the processor's floating-point control word (Intel SDM vol. 1, 10.2.3: MXCSR bit 15 FTZ, bit 6 DAZ;
Arm ARM C5.2.8: FPCR bit 24 FZ), reached through the C library's `fegetenv` and `fesetenv`, since neither Python nor
NumPy can.
"""

from __future__ import annotations

import ctypes
import platform
import sys

from unslow.core.errors import CannotRun

# glibc's fenv_t: where the control word stands, and the bits to set.
_WORDS = {"x86_64": (28, (1 << 15) | (1 << 6)), "aarch64": (0, 1 << 24)}
_FENV_BYTES = 64


def flush_subnormals() -> None:
    """Sets the mode.

    Raises
    ------
    CannotRun
        Not Linux on x86-64 or arm64.
    """
    word = _WORDS.get(platform.machine())
    if word is None or not sys.platform.startswith("linux"):
        raise CannotRun(
            f"Subnormal numbers cannot be flushed on {platform.system()} {platform.machine()}.",
            "Leave the fix flush-subnormals out.",
        )
    offset, bits = word
    library = ctypes.CDLL("libm.so.6")
    environment = ctypes.create_string_buffer(_FENV_BYTES)
    library.fegetenv(environment)
    control = ctypes.c_uint32.from_buffer(environment, offset)
    control.value |= bits
    library.fesetenv(environment)
