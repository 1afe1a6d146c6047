"""Activations as elementwise ops: a forward form over the standard, and one tangent map each.

Where an activation has a corner, its slope there is PyTorch's: that of the side of smaller slope, as in the table of kinks
of the standard's own functions.
"""

from __future__ import annotations

import math
from typing import Any, Final

from pullback.extend import Operation, elementwise, op

from pullback_nn.error_function import erf

_SQRT_HALF: Final = math.sqrt(0.5)
_SQRT_2PI: Final = math.sqrt(2 * math.pi)
_TANH_SLOPE: Final = math.sqrt(2 / math.pi)
_TANH_CUBIC: Final = 0.044715
SELU_ALPHA: Final = 1.6732632423543772848170429916717
SELU_SCALE: Final = 1.0507009873554804934193349852946


def _gate_of_t(xp: Any, t: Any, mask: Any) -> Any:
    return xp.call(gate, t, mask)


@op.elementwise(name="nn::gate", untyped=("mask",), t=_gate_of_t)
def gate(xp: Any, t: Any, mask: Any) -> Any:
    """t where the mask is true, else 0: what a rule makes of a tangent where a function is flat, infinite ones too."""
    return xp.where(mask, t, 0.0)


def _sigmoid(xp: Any, x: Any) -> Any:
    """Without overflow, and to full relative precision for negative x."""
    return xp.exp(xp.minimum(x, 0.0)) / (1.0 + xp.exp(-xp.abs(x)))


def _bent(xp: Any, x: Any, below: Any) -> Any:
    """x where it is positive, else below * x."""
    return xp.maximum(x, 0.0) + below * xp.minimum(x, 0.0)


def _sides(xp: Any, t: Any, x: Any, above: float, below: Any) -> Any:
    """A tangent times one slope where x is positive, and times another one elsewhere."""
    positive = x > 0
    return xp.call(gate, above * t, positive) + xp.call(gate, below * t, ~positive)


def _softplus(xp: Any, x: Any) -> Any:
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


relu: Operation = elementwise(
    "nn::relu",
    forward=lambda xp, x: xp.maximum(x, 0),
    x=lambda xp, t, out: xp.call(gate, t, out > 0),
)
hardtanh: Operation = elementwise(
    "nn::hardtanh",
    floating=True,
    forward=lambda xp, x, *, low, high: xp.minimum(xp.maximum(x, low), high),
    x=lambda xp, t, x, low, high: xp.call(gate, t, (x > low) & (x < high)),
)
leaky_relu: Operation = elementwise(
    "nn::leaky_relu",
    floating=True,
    forward=lambda xp, x, *, slope: _bent(xp, x, slope),
    x=lambda xp, t, x, slope: _sides(xp, t, x, 1.0, slope),
)
prelu: Operation = elementwise(
    "nn::prelu",
    floating=True,
    forward=lambda xp, x, w: _bent(xp, x, w),
    x=lambda xp, t, x, w: _sides(xp, t, x, 1.0, w),
    w=lambda xp, t, x: t * xp.minimum(x, 0.0),
)
elu: Operation = elementwise(
    "nn::elu",
    floating=True,
    forward=lambda xp, x, *, alpha, scale, rate: (
        scale * (xp.maximum(x, 0.0) + alpha * xp.expm1(rate * xp.minimum(x, 0.0)))
    ),
    x=lambda xp, t, x, alpha, scale, rate: _sides(
        xp, t, x, scale, (scale * alpha * rate) * xp.exp(rate * xp.minimum(x, 0.0))
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
    x=lambda xp, t, x: xp.call(gate, t / 6.0, (x > -3) & (x < 3)),
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
    x=lambda xp, t, x, width: xp.call(gate, t, xp.abs(x) > width),
)
softshrink: Operation = elementwise(
    "nn::softshrink",
    floating=True,
    forward=lambda xp, x, *, width: xp.where(x > width, x - width, xp.where(x < -width, x + width, 0.0 * x)),
    x=lambda xp, t, x, width: xp.call(gate, t, xp.abs(x) > width),
)
threshold: Operation = elementwise(
    "nn::threshold",
    forward=lambda xp, x, *, least, value: xp.where(x <= least, value, x),
    x=lambda xp, t, x, least: xp.call(gate, t, x > least),
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
