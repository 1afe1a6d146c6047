"""How parameters begin: PyTorch's names and defaults. Each fills a Tensor in place, records nothing, and returns it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, ShapeError

from pullback_nn.arguments import read_tensor


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """What keeps the variance of numbers that pass an activation.

    >>> from pullback_nn import init
    >>> init.calculate_gain("leaky_relu", 1.0)
    1.0
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    ones = (
        "linear",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "sigmoid",
    )
    gains = {**dict.fromkeys(ones, 1.0), "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    if nonlinearity not in gains:
        raise ArgumentError(
            f"calculate_gain: unknown activation {nonlinearity!r}; there are {', '.join(gains)}, leaky_relu"
        )
    return gains[nonlinearity]


def _fans(op: str, tensor: Any) -> tuple[int, int]:
    """How many numbers go into one of the result, and how many of the result one goes into."""
    if read_tensor(op, "tensor", tensor).ndim < 2:
        raise ShapeError(f"{op}: a Tensor of two axes or more (out, in, ...) is needed, it has shape {tensor.shape}")
    places = math.prod(tensor.shape[2:])
    return tensor.shape[1] * places, tensor.shape[0] * places


def _fill(tensor: Any, values: Callable[[], Any]) -> Any:
    with pb.no_grad():
        return tensor.copy_(values())


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Any:
    """From the uniform distribution on [a, b).

    >>> import pullback as pb
    >>> from pullback_nn import init
    >>> bool((init.uniform_(pb.zeros(3), 2.0, 3.0) >= 2).all())
    True
    """
    return _fill(tensor, lambda: a + (b - a) * _drawn(pb.rand, tensor, generator))


def _drawn(draw: Callable[..., Any], tensor: Any, generator: Any) -> Any:
    return draw(tensor.shape, dtype=tensor.dtype, device=tensor.device, generator=generator)


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Any:
    """From the normal distribution."""
    return _fill(tensor, lambda: mean + std * _drawn(pb.randn, tensor, generator))


def trunc_normal_(
    tensor: Any, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Any:
    """From the normal distribution, of numbers in [a, b] only."""

    def values() -> Any:
        out = mean + std * _drawn(pb.randn, tensor, generator)
        while bool(pb.any(outside := (out < a) | (out > b))):
            out = pb.where(outside, mean + std * _drawn(pb.randn, tensor, generator), out)
        return out

    reach = 0.5 * (math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2)))
    if reach < 1e-3:
        raise ArgumentError(f"trunc_normal_: hardly any number of mean {mean} and std {std} is in [{a}, {b}]")
    return _fill(tensor, values)


def constant_(tensor: Any, val: float) -> Any:
    """One number everywhere."""
    return _fill(tensor, lambda: pb.full_like(tensor, val))


def zeros_(tensor: Any) -> Any:
    """Zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Any) -> Any:
    """Ones."""
    return constant_(tensor, 1.0)


def eye_(tensor: Any) -> Any:
    """Ones on the diagonal of a matrix, zeros elsewhere."""
    if tensor.ndim != 2:
        raise ShapeError(f"eye_: a matrix is needed, it has shape {tensor.shape}")
    return _fill(tensor, lambda: pb.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Uniform with the variance gain^2 2 / (fan in + fan out) (Glorot and Bengio, 2010)."""
    bound = gain * math.sqrt(6 / sum(_fans("xavier_uniform_", tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Normal with the variance gain^2 2 / (fan in + fan out)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_fans("xavier_normal_", tensor))), generator)


def _fan(op: str, tensor: Any, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"{op}: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return _fans(op, tensor)[mode == "fan_out"]


def kaiming_uniform_(
    tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Any:
    """Uniform with the variance gain^2 / fan (He et al., 2015); `a` is the slope of the leaky relu after it."""
    fan = _fan("kaiming_uniform_", tensor, mode)
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / max(fan, 1))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Any:
    """Normal with the variance gain^2 / fan."""
    fan = _fan("kaiming_normal_", tensor, mode)
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1)), generator)


def orthogonal_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Rows (or columns, if there are fewer) that are orthogonal, of length `gain`; further axes count as columns."""
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_: a Tensor of two axes or more is needed, it has shape {tensor.shape}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])

    def values() -> Any:
        long, short = max(rows, columns), min(rows, columns)
        drawn = pb.randn((long, short), dtype=tensor.dtype, device=tensor.device, generator=generator)
        q, r = pb.linalg.qr(drawn)
        q = q * pb.sign(pb.linalg.diagonal(r))  # so that the distribution is uniform
        return gain * pb.reshape(q if rows >= columns else pb.matrix_transpose(q), tensor.shape)

    return _fill(tensor, values)
