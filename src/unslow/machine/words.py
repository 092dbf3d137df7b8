"""Floors in plain words."""

from __future__ import annotations

_SENTENCES = {
    "float32/float64:matmul": "float32 matrix products take {left} of float64's time",
    "float32/float64:elementwise": "float32 element-wise operators take {left} of float64's time",
    "bfloat16/float32:matmul": "bfloat16 matrix products take {left} of float32's time",
    "bfloat16/float32:conv": "bfloat16 convolutions take {left} of float32's time",
    "int8/float32:matmul": "int8 matrix products take {left} of float32's time",
    "int8/float32:conv": "int8 convolutions take {left} of float32's time",
    "graph/eager:elementwise": "element-wise operators in a compiled graph take {left} of their time in eager PyTorch",
    "graph/eager:matmul": "linear layers in a compiled graph take {left} of their time in eager PyTorch",
    "graph/eager:conv": "light convolutions in a compiled graph take {left} of their time in eager PyTorch",
    "graph/eager:dispatch": "a hundred tiny operators in a compiled graph take {left} of their time in eager PyTorch",
    "inference_mode/autograd:dispatch": "tiny operators in inference mode take {left} of their time under autograd",
    "batched/single:matmul": "a linear layer of 64 rows takes {left} of its time per request in batches of 16",
    "batched/single:vector": "a linear layer of one row takes {left} of its time per request in batches of 16",
    "batched/single:dispatch": "tiny operators take {left} of their time per request in batches of 16",
    "normal/subnormal:elementwise": "ordinary numbers take {left} of the time of subnormal ones",
    "right/oversubscribed:matmul": "a thread per core takes {left} of the time of four threads per core",
}


def in_words(name: str, left: float) -> str:
    """The floor `name`, of which `left` of the time is left: "int8 convolutions take 0.45 of float32's time"."""
    sentence = _SENTENCES.get(name)
    if sentence is None:
        change, _, part = name.partition(":")
        after, _, before = change.partition("/")
        sentence = f"{part}: {after} takes {{left}} of the time of {before}"
    return sentence.format(left=f"{left:.2f}")
