"""Activations as elementwise ops: a forward form over the standard, and one tangent map each.

Where an activation has a corner, its slope there is PyTorch's: that of the side of smaller slope, as in the table of kinks
of the standard's own functions.
"""

from __future__ import annotations

import math
from typing import Any, Final

from pullback.extend import Operation, elementwise

from pullback_nn.error_function import erf

_SQRT_HALF: Final = math.sqrt(0.5)
_SQRT_2PI: Final = math.sqrt(2 * math.pi)
_TANH_SLOPE: Final = math.sqrt(2 / math.pi)
_TANH_CUBIC: Final = 0.044715
SELU_ALPHA: Final = 1.6732632423543772848170429916717
SELU_SCALE: Final = 1.0507009873554804934193349852946


def _sigmoid(xp: Any, x: Any) -> Any:
    """Without overflow, and to full relative precision for negative x."""
    power = xp.exp(-xp.abs(x))
    return xp.where(x < 0, power, 1.0) / (1.0 + power)


def _softplus(xp: Any, x: Any) -> Any:
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


relu: Operation = elementwise(
    "nn::relu",
    forward=lambda xp, x: xp.maximum(x, 0),
    x=lambda xp, t, out: xp.where(out > 0, t, 0.0),
)
hardtanh: Operation = elementwise(
    "nn::hardtanh",
    floating=True,
    forward=lambda xp, x, *, low, high: xp.minimum(xp.maximum(x, low), high),
    x=lambda xp, t, x, low, high: xp.where((x > low) & (x < high), t, 0.0),
)
leaky_relu: Operation = elementwise(
    "nn::leaky_relu",
    floating=True,
    forward=lambda xp, x, *, slope: xp.where(x > 0, x, slope * x),
    x=lambda xp, t, x, slope: xp.where(x > 0, t, slope * t),
)
prelu: Operation = elementwise(
    "nn::prelu",
    floating=True,
    forward=lambda xp, x, w: xp.where(x > 0, x, w * x),
    x=lambda xp, t, x, w: xp.where(x > 0, t, w * t),
    w=lambda xp, t, x: t * xp.minimum(x, 0.0),
)
elu: Operation = elementwise(
    "nn::elu",
    floating=True,
    forward=lambda xp, x, *, alpha, scale, rate: (
        scale * xp.where(x > 0, x, alpha * xp.expm1(rate * xp.minimum(x, 0.0)))
    ),
    x=lambda xp, t, x, alpha, scale, rate: (
        t * xp.where(x > 0, scale, (scale * alpha * rate) * xp.exp(rate * xp.minimum(x, 0.0)))
    ),
)
sigmoid: Operation = elementwise(
    "nn::sigmoid", floating=True, forward=_sigmoid, x=lambda xp, t, out: t * (out * (1.0 - out))
)
logsigmoid: Operation = elementwise(
    "nn::logsigmoid",
    floating=True,
    forward=lambda xp, x: -_softplus(xp, -x),
    x=lambda xp, t, x: t * xp.call(sigmoid, -x),
)
softplus: Operation = elementwise(
    "nn::softplus",
    floating=True,
    forward=lambda xp, x, *, beta, threshold: xp.where(x * beta > threshold, x, _softplus(xp, beta * x) / beta),
    x=lambda xp, t, x, beta, threshold: xp.where(x * beta > threshold, t, t * xp.call(sigmoid, beta * x)),
)
silu: Operation = elementwise(
    "nn::silu",
    floating=True,
    forward=lambda xp, x: x * _sigmoid(xp, x),
    x=lambda xp, t, x: t * _silu_slope(xp, x),
)
mish: Operation = elementwise(
    "nn::mish",
    floating=True,
    forward=lambda xp, x: x * xp.tanh(_softplus(xp, x)),
    x=lambda xp, t, x: t * _mish_slope(xp, x),
)
gelu: Operation = elementwise(
    "nn::gelu",
    floating=True,
    forward=lambda xp, x: x * _normal(xp, x),
    x=lambda xp, t, x: t * (_normal(xp, x) + x * (xp.exp(-0.5 * (x * x)) / _SQRT_2PI)),
)
gelu_tanh: Operation = elementwise(
    "nn::gelu_tanh",
    floating=True,
    forward=lambda xp, x: 0.5 * x * (1.0 + xp.tanh(_inner(x))),
    x=lambda xp, t, x: t * _gelu_tanh_slope(xp, x),
)
hardsigmoid: Operation = elementwise(
    "nn::hardsigmoid",
    floating=True,
    forward=lambda xp, x: xp.minimum(xp.maximum(x + 3.0, 0.0), 6.0) / 6.0,
    x=lambda xp, t, x: xp.where((x > -3) & (x < 3), t / 6.0, 0.0),
)
hardswish: Operation = elementwise(
    "nn::hardswish",
    floating=True,
    forward=lambda xp, x: x * (xp.minimum(xp.maximum(x + 3.0, 0.0), 6.0) / 6.0),
    x=lambda xp, t, x: xp.where(x <= -3, 0.0, xp.where(x < 3, t * (x / 3.0 + 0.5), t)),
)
hardshrink: Operation = elementwise(
    "nn::hardshrink",
    floating=True,
    forward=lambda xp, x, *, width: xp.where(xp.abs(x) <= width, 0.0, x),
    x=lambda xp, t, x, width: xp.where(xp.abs(x) <= width, 0.0, t),
)
softshrink: Operation = elementwise(
    "nn::softshrink",
    floating=True,
    forward=lambda xp, x, *, width: xp.where(x > width, x - width, xp.where(x < -width, x + width, 0.0 * x)),
    x=lambda xp, t, x, width: xp.where(xp.abs(x) <= width, 0.0, t),
)
threshold: Operation = elementwise(
    "nn::threshold",
    forward=lambda xp, x, *, least, value: xp.where(x <= least, value, x),
    x=lambda xp, t, x, least: xp.where(x <= least, 0.0, t),
)


def _silu_slope(xp: Any, x: Any) -> Any:
    s = xp.call(sigmoid, x)
    return s * (1.0 + x * (1.0 - s))


def _mish_slope(xp: Any, x: Any) -> Any:
    """tanh(softplus) + x sech^2(softplus) sigmoid."""
    bent = xp.tanh(xp.call(softplus, x, beta=1.0, threshold=math.inf))
    return bent + x * ((1.0 - bent * bent) * xp.call(sigmoid, x))


def _normal(xp: Any, x: Any) -> Any:
    """The distribution function of the standard normal distribution."""
    return 0.5 * (1.0 + xp.call(erf, _SQRT_HALF * x))


def _inner(x: Any) -> Any:
    return _TANH_SLOPE * (x + _TANH_CUBIC * (x * x * x))


def _gelu_tanh_slope(xp: Any, x: Any) -> Any:
    bent = xp.tanh(_inner(x))
    rise = _TANH_SLOPE * (1.0 + 3 * _TANH_CUBIC * (x * x))
    return 0.5 * (1.0 + bent) + 0.5 * x * ((1.0 - bent * bent) * rise)
