"""PyTorch's fused transformer layers, which run only in evaluation mode and only while no gradient is recorded.

Source: the conditions in `torch.nn.TransformerEncoderLayer.forward` and `torch.nn.MultiheadAttention.forward`, which
call `torch._transformer_encoder_layer_fwd` and `torch._native_multi_head_attention` only under them.
"""

from __future__ import annotations

from unslow.core.facts import Facts

_FUSED_MODULES = frozenset({"TransformerEncoderLayer", "MultiheadAttention"})


def loses_fused_path(facts: Facts) -> bool:
    """Whether the model has layers whose fused implementation is switched off by training mode or by autograd."""
    return any(name.rpartition(".")[2] in _FUSED_MODULES for name in facts.modules)
