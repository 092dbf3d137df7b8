"""PyTorch's operators as a recording on the host shows them: which of them compute, and what their arguments are
called."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

from unslow.core.profile import Category

# Operators that touch no element: they change a tensor's description or get memory for one. PyTorch's operator list
# (aten/src/ATen/native/native_functions.yaml) marks the views by their alias annotations.
_BOOKKEEPING_NAMES = """
view _unsafe_view reshape _reshape_alias as_strided as_strided_ t numpy_T transpose transpose_ permute movedim swapaxes
expand expand_as unsqueeze unsqueeze_ squeeze squeeze_ select slice narrow split split_with_sizes chunk unbind unfold
flatten unflatten diagonal detach detach_ alias lift_fresh view_as real imag resolve_conj resolve_neg empty empty_like
empty_strided new_empty new_empty_strided resize_ set_ result_type is_nonzero item _local_scalar_dense
broadcast_tensors dropout
"""
# Operators that other operators call on their own account, to prepare a result: that they have called one does not
# mean that the work is done there.
_HELPER_NAMES = "copy_ fill_ zero_ to _to_copy contiguous clone zeros"
# Operators whose whole work is done by such helpers.
_WRAPPER_NAMES = """
to _to_copy contiguous clone type_as float double half bfloat16 zeros zeros_like new_zeros ones ones_like new_ones full
full_like new_full scalar_tensor zero_ repeat tile stack
"""
# Operators that call others to prepare or to finish, and do the work themselves in between.
_KERNEL_NAMES = """
mkldnn_rnn_layer mkldnn_rnn_layer_backward _embedding_bag _embedding_bag_forward_only _embedding_bag_dense_backward
"""
_BOOKKEEPING = frozenset(_BOOKKEEPING_NAMES.split())
_HELPERS = _BOOKKEEPING | frozenset(_HELPER_NAMES.split())
_WRAPPERS = _BOOKKEEPING | frozenset(_WRAPPER_NAMES.split())
_KERNELS = frozenset(_KERNEL_NAMES.split())
_FRAME = re.compile(r"^/?([^/<(]+?)(?:\.py)?[/(].*: ")
_INSTALLED = re.compile(r"(?:site|dist)-packages/|lib/python[\d.]+/")
_LIBRARIES = sys.stdlib_module_names | {"torch"}
_LOADING = "enumerate(DataLoader)"
_RUNTIME_CALLS: tuple[tuple[str, Category], ...] = (
    ("Synchronize", "sync"),
    ("Memcpy", "transfer"),
)
_DTYPES = {
    "float": "float32", "double": "float64", "c10::half": "float16", "c10::bfloat16": "bfloat16", "long int": "int64",
    "long": "int64", "int": "int32", "short int": "int16", "short": "int16", "signed char": "int8",
    "unsigned char": "uint8", "bool": "bool", "c10::complex<float>": "complex64", "c10::complex<double>": "complex128",
    "c10::qint8": "qint8", "c10::quint8": "quint8", "c10::qint32": "qint32",
    "c10::float8_e4m3fn": "float8_e4m3fn", "c10::float8_e5m2": "float8_e5m2",
}  # fmt: skip


def bare(name: str) -> str:
    """ "aten::add.Tensor" as "add"."""
    return name.rpartition("::")[2].partition(".")[0]


def is_a_frame(name: str) -> bool:
    """Whether a recorded call ("model/attention.py(12): forward") is neither PyTorch's own, nor Python's library's."""
    found = _FRAME.match(_INSTALLED.split(name)[-1])
    return found is not None and found[1] not in _LIBRARIES


def is_loading(name: str) -> bool:
    """Whether it is the wait for a loader's batch: `enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__`."""
    return name.startswith(_LOADING)


def is_compiled(name: str) -> bool:
    """Whether it is the body of a compiled graph, whose own kernels are not recorded one by one."""
    return "CompiledFxGraph" in name


def category_of(name: str, children: Sequence[str], annotation: bool) -> Category:
    """What an operator's own time is: the time in which none of its `children` (their names) runs.

    `communication` for an exchange between processes (`c10d::allreduce_`); `compute` for an operator that does work
    itself; `framework` for one that hands it to others, for one that touches no element, and for a user's `annotation`
    (which is Python).
    """
    if is_compiled(name) or bare(name) in _KERNELS:
        return "compute"
    if name.startswith("c10d::"):
        return "communication"
    if annotation or "::" not in name or _wraps(bare(name), children):
        return "framework"
    return "framework" if any(bare(child) not in _HELPERS for child in children) else "compute"


def _wraps(short: str, children: Sequence[str]) -> bool:
    """`zero_` and its like call a helper for large tensors, and fill a small one themselves."""
    return short in _BOOKKEEPING or (short in _WRAPPERS and bool(children))


def runtime_category(name: str) -> Category:
    """Of a call of a device's runtime on the host ("cudaMemcpyAsync"): `transfer`, `sync`, else `framework`."""
    found: list[Category] = [category for part, category in _RUNTIME_CALLS if part in name]
    return found[0] if found else "framework"


def tensors_of(dims: Sequence[Any], types: Sequence[Any]) -> tuple[list[list[int]], list[str]]:
    """Shapes and dtypes ("float32") of the arguments that are tensors, in order; of lists of tensors, each one's shape.

    The recording does not say the dtype of a list's tensors: it is "" then.
    """
    shapes: list[list[int]] = []
    dtypes: list[str] = []
    for shape, kind in zip(dims, types, strict=False):
        if kind == "TensorList":
            shapes += [list(map(int, one)) for one in shape]
            dtypes += [""] * len(shape)
        elif str(kind).lower() in _DTYPES:
            shapes.append(list(map(int, shape)))
            dtypes.append(_DTYPES[str(kind).lower()])
    return shapes, dtypes
