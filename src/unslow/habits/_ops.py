"""What kind of work an operator does, by its name: PyTorch's aten names, ONNX operator types, and device kernels.

Names are compared without their namespace, overload, leading and trailing underscores and case: "aten::_softmax",
"Softmax" and "aten::softmax.int" are all "softmax".
"""

from __future__ import annotations

from typing import Any, Literal

from unslow.core.profile import Span

Kind = Literal[
    "matmul", "conv", "attention", "elementwise", "softmax", "normalisation", "reduction", "layout", "lookup", "fill",
    "dropout", "quantized", "other",
]  # fmt: skip

_NAMES: dict[Kind, str] = {
    "matmul": "mm addmm bmm baddbmm matmul linear mv addmv dot addbmm einsum mkldnn_linear mkl_linear "
    "addmm_activation mkldnn_rnn_layer mkldnn_rnn_layer_backward lstm gru rnn rnn_tanh rnn_relu lstm_cell gru_cell "
    "gemm fusedmatmul fusedgemm transposematmul fullyconnected",
    "conv": "conv1d conv2d conv3d convolution convolution_overrideable mkldnn_convolution conv_transpose1d "
    "conv_transpose2d thnn_conv2d slow_conv2d_forward conv_depthwise2d conv fusedconv nhwcfusedconv convtranspose "
    "groupconvolution",
    "attention": "scaled_dot_product_attention scaled_dot_product_attention_math "
    "scaled_dot_product_flash_attention_for_cpu scaled_dot_product_flash_attention "
    "scaled_dot_product_efficient_attention scaled_dot_product_cudnn_attention native_multi_head_attention "
    "transformer_encoder_layer_fwd attention multiheadattention groupqueryattention scaleddotproductattention",
    "elementwise": "add sub mul div rsub pow sqrt rsqrt exp log neg abs erf tanh sigmoid relu relu6 gelu silu "
    "hardswish hardsigmoid hardtanh leaky_relu leakyrelu elu selu prelu mish softplus clamp clamp_min clamp_max clip "
    "maximum minimum where addcmul addcdiv lerp reciprocal round floor ceil sin cos eq ne lt le gt ge logical_and "
    "logical_or logical_not bitwise_and bitwise_or masked_fill square remainder mod fmod max min fastgelu biasgelu "
    "quickgelu swish equal greater greaterequal less lessequal not and or isneginf multiply subtract divide power "
    "realdiv addv2 biasadd squareddifference",
    "softmax": "softmax safe_softmax log_softmax logsoftmax",
    "normalisation": "layer_norm native_layer_norm batch_norm batch_norm_impl_index native_batch_norm "
    "cudnn_batch_norm mkldnn_batch_norm native_batch_norm_legit native_batch_norm_legit_no_training group_norm "
    "native_group_norm instance_norm rms_norm fused_rms_norm layernormalization skiplayernormalization "
    "embedlayernormalization simplifiedlayernormalization skipsimplifiedlayernormalization batchnormalization "
    "instancenormalization groupnormalization lrn mvn",
    "reduction": "sum mean amax amin argmax argmin prod var std var_mean norm cumsum topk sort all any reducemean "
    "reducesum reducemax reducemin max_pool2d max_pool2d_with_indices avg_pool2d adaptive_avg_pool2d "
    "adaptive_max_pool2d mkldnn_max_pool2d maxpool averagepool globalaveragepool globalmaxpool",
    "layout": "copy clone contiguous cat stack transpose t permute reshape view unsafe_view as_strided expand repeat "
    "unsqueeze squeeze slice select narrow split chunk flatten unflatten to to_copy reshape_alias roll flip pad "
    "constant_pad_nd concat concatv unfold im2col identity cast shape reorderinput reorderoutput tile resize_bilinear",
    "lookup": "embedding embedding_bag index index_select gather gathernd gatherelements take take_along_dim onehot",
    "fill": "empty empty_like empty_strided zeros zeros_like ones ones_like full full_like fill zero arange "
    "scalar_tensor constant constantofshape range randn rand normal random uniform randomuniform "
    "randomstandardnormal statelessrandomuniform",
    "dropout": "dropout native_dropout feature_dropout alpha_dropout feature_alpha_dropout fused_dropout bernoulli",
}  # fmt: skip
_KINDS: dict[str, Kind] = {name: kind for kind, names in _NAMES.items() for name in names.split()}

_QUANTIZED = (
    "qlinear", "quantized::", "matmulinteger", "convinteger", "dynamicquantize", "quantizelinear", "dequantizelinear",
    "qgemm", "qattention", "matmulnbits", "onednn::q", "fake_quantize",
)  # fmt: skip
# Kernels of a device and of a compiler carry their maker's name around what they do.
_PARTS: tuple[tuple[str, Kind], ...] = (
    ("gemm", "matmul"), ("fmha", "attention"), ("flash", "attention"), ("softmax", "softmax"),
    ("norm", "normalisation"), ("wgrad", "conv"), ("dgrad", "conv"), ("fprop", "conv"), ("conv", "conv"),
    ("elementwise", "elementwise"), ("reduce", "reduction"),
)  # fmt: skip
_COMPILED = (
    "torch-compiled region",
    "compiledf",
    "cpp_fused",
    "triton_",
    "torchscript",
    "aotiinductor",
    "inductor",
    "fusion",
)


def op_name(span: Span) -> str:
    """The operator's bare name: its `op` detail where there is one, else the span's name."""
    full = str(span.details.get("op") or span.name).lower()
    return full.rpartition("::")[2].partition(".")[0].strip("_")


def kind_of(span: Span) -> Kind:
    """What kind of work the operator does; "other" where its name is not known."""
    full = str(span.details.get("op") or span.name).lower()
    if any(mark in full for mark in _QUANTIZED):
        return "quantized"
    name = op_name(span)
    if name in _KINDS:
        return _KINDS[name]
    for part, kind in _PARTS:
        if part in name:
            return kind
    return "other"


def is_compiled(span: Span) -> bool:
    """Whether the span shows that a compiler has already made one graph of several operators."""
    name = span.name.lower()
    return any(mark in name for mark in _COMPILED)


def array_inputs(span: Span) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """dtype and shape of each input with at least one axis; scalars, 0-dimensional tensors and lists are left out."""
    dtypes: Any = span.details.get("dtypes") or ()
    shapes: Any = span.details.get("shapes") or ()
    arrays = [(str(dtype), tuple(shape)) for dtype, shape in zip(dtypes, shapes, strict=False) if shape]
    return tuple(found for found in arrays if all(isinstance(length, int) for length in found[1]))


def has_array_of(span: Span, dtype: str) -> bool:
    """Whether one of the operator's array inputs (at least one axis) has this dtype."""
    return any(seen == dtype for seen, _ in array_inputs(span))
