"""Attention with several heads."""

from __future__ import annotations

import math
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, DTypeError, ShapeError

from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from pullback_nn import init
from pullback_nn.arguments import read_floats, read_tensor
from pullback_nn.functional.attention import masked_softmax
from pullback_nn.modules.linear import Linear, parameter
from pullback_nn.modules.module import Module


class MultiheadAttention(Module):
    """Attention of `num_heads` heads, each over its part of linear maps of query, key and value.

    Arrays are (length, batch, features), with `batch_first` (batch, length, features), or (length, features). Called with
    `key_padding_mask` (batch, length of keys; true where a key is left out) and `attn_mask` (L, S) or (batch * heads, L, S):
    true where a key is left out, or numbers that are added. Returns the result and the weights, the mean over heads unless
    `average_attn_weights=False`; None instead of them with `need_weights=False`.

    >>> import pullback as pb, pullback_nn as nn
    >>> x = pb.ones(2, 5, 8)
    >>> out, weights = nn.MultiheadAttention(8, 2, batch_first=True)(x, x, x)
    >>> out.shape, weights.shape
    ((2, 5, 8), (2, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim % num_heads:
            raise ArgumentError(f"MultiheadAttention: embed_dim {embed_dim} cannot be cut into {num_heads} heads")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        same = self.kdim == self.vdim == embed_dim
        shapes = {"q": embed_dim, "k": self.kdim, "v": self.vdim}
        for name, features in shapes.items():
            part = None if same else parameter((embed_dim, features), dtype, device)
            self.register_parameter(f"{name}_proj_weight", part)
        self.register_parameter(
            "in_proj_weight", parameter((3 * embed_dim, embed_dim), dtype, device) if same else None
        )
        self.register_parameter("in_proj_bias", parameter((3 * embed_dim,), dtype, device) if bias else None)
        self.out_proj = Linear(embed_dim, embed_dim, bias, device, dtype)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, parameter((1, 1, embed_dim), dtype, device) if add_bias_kv else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Any, Any]:
        op = "MultiheadAttention"
        read_floats(op, query=query, key=key, value=value)
        alone = query.ndim == 2
        if not query.ndim == key.ndim == value.ndim or query.ndim not in (2, 3):
            raise ShapeError(
                f"{op}: query, key and value must have 3 axes, or 2 without the batch; they have shapes {query.shape}, "
                f"{key.shape} and {value.shape}"
            )
        if is_causal and attn_mask is None:
            raise ArgumentError(f"{op}: is_causal says of attn_mask that it is causal, and there is none; give it too")
        if alone:
            query, key, value = (pb.expand_dims(x, axis=0) for x in (query, key, value))
            if key_padding_mask is not None:
                key_padding_mask = pb.expand_dims(key_padding_mask, axis=0)
        elif not self.batch_first:
            query, key, value = (pb.permute_dims(x, (1, 0, 2)) for x in (query, key, value))
        out, weights = self._attend(query, key, value, key_padding_mask, attn_mask)
        if alone:
            out, weights = pb.squeeze(out, axis=0), pb.squeeze(weights, axis=0)
        elif not self.batch_first:
            out = pb.permute_dims(out, (1, 0, 2))
        if not need_weights:
            return out, None
        return out, pb.mean(weights, axis=-3) if average_attn_weights else weights

    def _attend(self, query: Any, key: Any, value: Any, padding: Any, mask: Any) -> tuple[Any, Any]:
        """With the batch first; weights of each head."""
        q, k, v = self._projected(query, key, value)
        batch, length = q.shape[:2]
        extra = []
        if self.bias_k is not None:
            extra.append((self.bias_k, self.bias_v))
        if self.add_zero_attn:
            zeros = pb.zeros((1, 1, self.embed_dim), dtype=k.dtype, device=k.device)
            extra.append((zeros, zeros))
        for more_k, more_v in extra:
            k = pb.concat([k, pb.broadcast_to(more_k, (batch, 1, self.embed_dim))], axis=1)
            v = pb.concat([v, pb.broadcast_to(more_v, (batch, 1, self.embed_dim))], axis=1)
        heads = [self._split(x) for x in (q, k, v)]
        scores = (heads[0] / math.sqrt(self.head_dim)) @ pb.matrix_transpose(heads[1])
        blocked = self._mask(scores, padding, mask, len(extra))
        weights = masked_softmax("MultiheadAttention", scores, blocked)
        weights = F.dropout(weights, self.dropout, self.training)
        out = pb.reshape(pb.permute_dims(weights @ heads[2], (0, 2, 1, 3)), (batch, length, self.embed_dim))
        return self.out_proj(out), weights

    def _projected(self, query: Any, key: Any, value: Any) -> list[Any]:
        n = self.embed_dim
        cuts = [slice(i * n, (i + 1) * n) for i in range(3)]
        if self.in_proj_weight is None:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        else:
            weights = [self.in_proj_weight[cut, :] for cut in cuts]
        biases = [None if self.in_proj_bias is None else self.in_proj_bias[cut] for cut in cuts]
        return [F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]

    def _split(self, x: Any) -> Any:
        """(batch, length, features) as (batch, heads, length, features of a head)."""
        parts = pb.reshape(x, (*x.shape[:2], self.num_heads, self.head_dim))
        return pb.permute_dims(parts, (0, 2, 1, 3))

    def _mask(self, scores: Any, padding: Any, mask: Any, extra: int) -> Any:
        """Both masks as one of numbers to add; what is appended to the keys is never masked."""
        op, total = "MultiheadAttention", None
        batch, heads, length, keys = scores.shape
        keys -= extra
        if mask is not None:
            if read_tensor(op, "attn_mask", mask).shape not in ((length, keys), (batch * heads, length, keys)):
                raise ShapeError(
                    f"{op}: attn_mask must have shape {(length, keys)} or {(batch * heads, length, keys)}, it has "
                    f"{mask.shape}"
                )
            shape = (batch, heads, length, keys) if mask.ndim == 3 else (1, 1, length, keys)
            total = pb.reshape(_added(op, "attn_mask", mask, scores.dtype), shape)
        if padding is not None:
            if read_tensor(op, "key_padding_mask", padding).shape != (batch, keys):
                raise ShapeError(f"{op}: key_padding_mask must have shape {(batch, keys)}, it has {padding.shape}")
            more = pb.reshape(_added(op, "key_padding_mask", padding, scores.dtype), (batch, 1, 1, keys))
            total = more if total is None else total + more
        return total if total is None or not extra else F.pad(total, (0, extra))

    def extra_repr(self) -> str:
        return f"embed_dim={self.embed_dim}, num_heads={self.num_heads}"


def _added(op: str, name: str, mask: Any, dtype: Any) -> Any:
    """A mask as numbers to add: minus infinity where a key is left out."""
    if mask.dtype is pb.bool:
        return pb.where(mask, -math.inf, pb.zeros(mask.shape, dtype=dtype, device=mask.device))
    if mask.dtype is not dtype:
        raise DTypeError(f"{op}: {name} must be bool or {dtype.name}, it is {mask.dtype.name}")
    return mask
