"""Attention: weights from queries and keys, and the mean of values with these weights."""

from __future__ import annotations

import math
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, DTypeError, ShapeError

from pullback_nn.arguments import read_floats, read_tensor
from pullback_nn.functional.dropout import dropout
from pullback_nn.normalizers import softmax


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(query @ key.mT * scale + attn_mask) @ value: (*, L, E), (*, S, E) and (*, S, V) give (*, L, V).

    A mask of bool is true where a key takes part; one of numbers is added. `is_causal`: query i sees the keys up to i.
    `scale` is 1 / sqrt(E) unless it is given. `enable_gqa` lets several heads (axis -3) of queries share one of the keys.
    A row whose keys are all masked gives 0, with gradients of 0. (Older versions of PyTorch give NaN there.)

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> x = pb.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> F.scaled_dot_product_attention(x, x, x, is_causal=True)
    tensor([[1.0000, 0.0000],
            [0.3302, 0.6698]])
    """
    op = "scaled_dot_product_attention"
    read_floats(op, query=query, key=key, value=value)
    if (
        min(query.ndim, key.ndim, value.ndim) < 2
        or query.shape[-1] != key.shape[-1]
        or key.shape[-2] != value.shape[-2]
    ):
        raise ShapeError(
            f"{op}: query (*, L, E), key (*, S, E) and value (*, S, V) are needed, they have shapes {query.shape}, "
            f"{key.shape} and {value.shape}"
        )
    if is_causal and attn_mask is not None:
        raise ArgumentError(f"{op}: give attn_mask or is_causal=True, not both")
    if enable_gqa:
        key, value = (_repeated(op, query, x) for x in (key, value))
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query * scale) @ pb.matrix_transpose(key)
    mask = _causal(query, key) if is_causal else attn_mask
    weights = masked_softmax(op, scores, mask)
    return dropout(weights, dropout_p) @ value


def _repeated(op: str, query: Any, x: Any) -> Any:
    """The heads of keys or values, each as often as there are heads of queries for it."""
    if min(query.ndim, x.ndim) < 3 or query.shape[-3] % x.shape[-3]:
        raise ShapeError(f"{op}: the heads (axis -3) of query, {query.shape}, must be a multiple of those of {x.shape}")
    return pb.repeat(x, query.shape[-3] // x.shape[-3], axis=x.ndim - 3)


def _causal(query: Any, key: Any) -> Any:
    places = [pb.arange(x.shape[-2], device=query.device) for x in (query, key)]
    return pb.expand_dims(places[0], axis=1) >= pb.expand_dims(places[1], axis=0)


def masked_softmax(op: str, scores: Any, mask: Any) -> Any:
    """softmax along the last axis, of the scores that a mask leaves; 0 in a row that it leaves nothing of."""
    if mask is None:
        return softmax(scores, axis=scores.ndim - 1)
    if read_tensor(op, "attn_mask", mask).dtype is pb.bool:
        allowed = pb.broadcast_to(mask, pb.broadcast_shapes(mask.shape, scores.shape))
        scores = pb.where(allowed, scores, -math.inf)
    elif mask.dtype is scores.dtype:
        scores = scores + mask
    else:
        raise DTypeError(f"{op}: attn_mask must be bool or {scores.dtype.name}, it is {mask.dtype.name}")
    empty = pb.all(scores == -math.inf, axis=-1, keepdims=True)
    out = softmax(pb.where(empty, 0.0, scores), axis=scores.ndim - 1)
    return pb.where(empty, 0.0, out)
