"""Activations, with PyTorch's names and arguments. `inplace=True` writes the result into the input."""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, ShapeError

from pullback_nn import elementwise as ew
from pullback_nn import normalizers
from pullback_nn.arguments import read_axis, read_floats, read_tensor, written


def relu(input: Any, inplace: bool = False) -> Any:
    """max(x, 0); its slope at 0 is 0.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.relu(pb.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return written(input, ew.relu(input), inplace)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """x, limited to [min_val, max_val]; its slope at the limits is 0.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.hardtanh(pb.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    if not min_val <= max_val:
        raise ArgumentError(f"hardtanh: min_val must not be above max_val, got {min_val} and {max_val}")
    return written(input, ew.hardtanh(input, low=float(min_val), high=float(max_val)), inplace)


def relu6(input: Any, inplace: bool = False) -> Any:
    """x, limited to [0, 6]."""
    return hardtanh(input, 0.0, 6.0, inplace)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """x where it is positive, else negative_slope * x.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.leaky_relu(pb.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    return written(input, ew.leaky_relu(input, slope=float(negative_slope)), inplace)


def prelu(input: Any, weight: Any) -> Any:
    """x where it is positive, else weight * x: one weight for all, or one for each channel (axis 1).

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.prelu(pb.tensor([-1.0, 2.0]), pb.tensor([0.25]))
    tensor([-0.2500,  2.0000])
    """
    read_floats("prelu", input=input, weight=weight)
    if weight.size == 1:
        return ew.prelu(input, pb.reshape(weight, ()))
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.shape != (channels,):
        raise ShapeError(
            f"prelu: weight must have shape (1,) or ({channels},) for an input of {input.shape}, not {weight.shape}"
        )
    return ew.prelu(input, pb.reshape(weight, (channels, *(1,) * (input.ndim - 2))))


def rrelu(
    input: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Any = None,
) -> Any:
    """Leaky relu whose slope is drawn anew for each element in training, else the middle of [lower, upper]."""
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    drawn = pb.rand(input.shape, generator=generator, dtype=input.dtype, device=input.device)
    return written(input, ew.prelu(input, lower + (upper - lower) * drawn), inplace)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where it is positive, else alpha (exp(x) - 1).

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.elu(pb.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return written(input, ew.elu(input, alpha=float(alpha), scale=1.0, rate=1.0), inplace)


def selu(input: Any, inplace: bool = False) -> Any:
    """elu, scaled so that mean 0 and variance 1 are kept (Klambauer et al., 2017)."""
    return written(input, ew.elu(input, alpha=ew.SELU_ALPHA, scale=ew.SELU_SCALE, rate=1.0), inplace)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """x where it is positive, else alpha (exp(x / alpha) - 1): smooth for every alpha."""
    if alpha == 0:
        raise ArgumentError("celu: alpha must not be 0")
    return written(input, ew.elu(input, alpha=float(alpha), scale=1.0, rate=1.0 / alpha), inplace)


def gelu(input: Any, approximate: str = "none") -> Any:
    """x times the normal distribution function of x; approximate="tanh" is the formula with tanh in its place.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.gelu(pb.tensor([-1.0, 2.0])), F.gelu(pb.tensor([-1.0, 2.0]), approximate="tanh")
    (tensor([-0.1587,  1.9545]), tensor([-0.1588,  1.9546]))
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return ew.gelu(input) if approximate == "none" else ew.gelu_tanh(input)


def silu(input: Any, inplace: bool = False) -> Any:
    """x sigmoid(x), also called swish.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.silu(pb.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """
    return written(input, ew.silu(input), inplace)


def mish(input: Any, inplace: bool = False) -> Any:
    """x tanh(softplus(x))."""
    return written(input, ew.mish(input), inplace)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta x)) / beta, and x itself where beta x is above the threshold.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.softplus(pb.tensor([-1.0, 100.0]))
    tensor([  0.3133, 100.0000])
    """
    if beta == 0:
        raise ArgumentError("softplus: beta must not be 0")
    return ew.softplus(input, beta=float(beta), threshold=float(threshold))


def sigmoid(input: Any) -> Any:
    """1 / (1 + exp(-x)).

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.sigmoid(pb.tensor([-50.0, 0.0]))
    tensor([1.9287e-22, 5.0000e-01])
    """
    return ew.sigmoid(input)


def logsigmoid(input: Any) -> Any:
    """log(sigmoid(x)), without overflow."""
    return ew.logsigmoid(input)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return pb.tanh(input)


def tanhshrink(input: Any) -> Any:
    """x - tanh(x)."""
    return input - pb.tanh(input)


def softsign(input: Any) -> Any:
    """x / (1 + |x|)."""
    return input / (1 + pb.abs(input))


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """x / 6 + 1/2, limited to [0, 1]."""
    return written(input, ew.hardsigmoid(input), inplace)


def hardswish(input: Any, inplace: bool = False) -> Any:
    """x hardsigmoid(x)."""
    return written(input, ew.hardswish(input), inplace)


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """x, and 0 where its size is not above `lambd`."""
    return ew.hardshrink(input, width=float(lambd))


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """x moved by `lambd` towards 0, and 0 where its size is not above it."""
    if lambd < 0:
        raise ArgumentError(f"softshrink: lambd must not be negative, got {lambd}")
    return ew.softshrink(input, width=float(lambd))


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """x where it is above the threshold, else `value`."""
    return written(input, ew.threshold(input, least=threshold, value=value), inplace)


def glu(input: Any, dim: int = -1) -> Any:
    """The first half of an axis, times the sigmoid of the second.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.glu(pb.tensor([2.0, 0.0]))
    tensor([1.])
    """
    axis = read_axis("glu", dim, read_tensor("glu", "input", input).ndim)
    if input.ndim == 0 or input.shape[axis] % 2:
        raise ShapeError(f"glu: axis {dim} must have an even length, the input has shape {input.shape}")
    half = input.shape[axis] // 2
    before = (slice(None),) * axis
    return input[(*before, slice(None, half), ...)] * ew.sigmoid(input[(*before, slice(half, None), ...)])


def _axis(op: str, input: Any, dim: Any) -> int:
    """PyTorch's choice where no axis is given is an old one: it is asked for here."""
    read_floats(op, input=input)
    if dim is None:
        raise ArgumentError(f"{op}: dim is needed: the axis along which the numbers sum to 1, such as dim=-1")
    return read_axis(op, dim, input.ndim)


def softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along an axis, without overflow. With `dtype` the input is converted first.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.softmax(pb.tensor([1000.0, 1000.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    input = input if dtype is None else read_tensor("softmax", "input", input).to(dtype)
    axis = _axis("softmax", input, dim)
    return normalizers.softmax(input, axis=axis) if input.ndim else pb.exp(input - input)


def softmin(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """softmax(-x)."""
    return softmax(-input, dim, dtype)


def log_softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """log(softmax(x)) along an axis.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.log_softmax(pb.tensor([0.0, 1000.0]), dim=0)
    tensor([-1000.,     0.])
    """
    input = input if dtype is None else read_tensor("log_softmax", "input", input).to(dtype)
    axis = _axis("log_softmax", input, dim)
    return normalizers.log_softmax(input, axis=axis) if input.ndim else input - input


def gumbel_softmax(logits: Any, tau: float = 1.0, hard: bool = False, dim: int = -1, *, generator: Any = None) -> Any:
    """softmax of logits with Gumbel noise: a sample that has a gradient; `hard` makes it one-hot, with that gradient.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> float(F.gumbel_softmax(pb.zeros(3), hard=True).sum())
    1.0
    """
    axis = _axis("gumbel_softmax", logits, dim)
    tiny = pb.finfo(logits.dtype).smallest_normal
    drawn = pb.rand(logits.shape, generator=generator, dtype=logits.dtype, device=logits.device)
    noise = -pb.log(-pb.log(pb.maximum(drawn, tiny)))
    soft = softmax((logits + noise) / tau, dim=axis)
    if not hard:
        return soft
    best = pb.expand_dims(pb.argmax(soft, axis=axis), axis=axis)
    shape = [1] * logits.ndim
    shape[axis] = logits.shape[axis]
    places = pb.reshape(pb.arange(logits.shape[axis], device=logits.device), shape)
    return pb.astype(best == places, soft.dtype) - soft.detach() + soft
