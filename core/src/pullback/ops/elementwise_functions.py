"""Elementwise functions. A rule is the tangent map: linear in `t`, and it reads what it names.

`singular` marks derivatives that can be infinite at finite input: there a zero tangent stays zero. Where a kink, a tie
or a 0/0 leaves a choice, the choice is the one of docs/kinks.md.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pullback.declare import Operation, elementwise, explicit, linear, nondifferentiable
from pullback.operators import unary_function
from pullback.ops.operands import not_a_tensor
from pullback.primitive import Step, view

if TYPE_CHECKING:
    from pullback.tensor import Tensor

_LN2 = math.log(2.0)
_LN10 = math.log(10.0)


def _zero(xp: Any, t: Any, x: Any) -> Any:
    """The derivative of a step function: zero, as an array that is a function of `x`, so with derivatives of its own."""
    return xp.flat(t, x)


def _nonzero(xp: Any, x: Any) -> Any:
    """`x` with infinity for its zeros, to divide by where the numerator is zero as well: 0, at every order."""
    return xp.where(x == 0, math.inf, x)


def _times_i(xp: Any, x: Any) -> Any:
    """`1j * x` for real `x`, without the NaN in the real part where `x` is not finite."""
    dtype = xp.complex64 if x.dtype == xp.float32 else xp.complex128
    finite = xp.isfinite(x)
    found = 1j * xp.astype(xp.where(finite, x, 0.0), dtype)
    for special, mask in ((math.inf, x == math.inf), (-math.inf, x == -math.inf), (math.nan, xp.isnan(x))):
        found = xp.where(mask, xp.asarray(complex(0.0, special), dtype=dtype, device=xp.device(x)), found)
    return found


def unit(xp: Any, x: Any, size: Any) -> Any:
    """`x / size`, and 0 where that is 0, at every order; `x` may be complex."""
    zero = size == 0
    return xp.where(zero, 0.0, x / xp.where(zero, 1.0, size))


# fmt: off  (a table: one line per derivative)

# --- arithmetic ------------------------------------------------------------------------------------------------------

add = elementwise(
    "add",
    "Sum of two arrays.",
    label="Add",
    operator=operator.add,
    trusted=True,
    x1=lambda xp, t: t,
    x2=lambda xp, t: t,
)
subtract = elementwise(
    "subtract",
    "Difference of two arrays.",
    label="Sub",
    operator=operator.sub,
    trusted=True,
    x1=lambda xp, t: t,
    x2=lambda xp, t: -t,
)
multiply = elementwise(
    "multiply",
    "Product of two arrays, element by element.",
    label="Mul",
    operator=operator.mul,
    trusted=True,
    bilinear=True,
    x1=lambda xp, t, x2: t * x2,
    x2=lambda xp, t, x1: t * x1,
    fused=lambda ct, x2, x1: (first := ct * x2, first if x1 is x2 else ct * x1),  # x * x: once
)
divide = elementwise(
    "divide",
    "Quotient of two arrays.",
    label="Div",
    operator=operator.truediv,
    floating=True,
    singular=True,
    x1=lambda xp, t, x2: t / x2,
    x2=lambda xp, t, x2, out: -(t * out) / x2,
)
floor_divide = elementwise(
    "floor_divide",
    "Quotient rounded down.",
    operator=operator.floordiv,
    product=False,
    x1=lambda xp, t, x1: xp.flat(t, x1),
    x2=lambda xp, t, x2: xp.flat(t, x2),
)
remainder = elementwise(
    "remainder",
    "What floor_divide leaves; it has the sign of x2.",
    operator=operator.mod,
    singular=True,
    x1=lambda xp, t: t,
    x2=lambda xp, t, x1, x2: -t * xp.floor(x1 / x2),
)
negative = elementwise("negative", "Minus x.", label="Neg", operator=operator.neg, trusted=True, x=lambda xp, t: -t)
positive = elementwise("positive", "Plus x: a copy.", x=lambda xp, t: t)
reciprocal = elementwise("reciprocal", "1 / x.", singular=True, floating=True, x=lambda xp, t, out: -t * out * out)
square = elementwise("square", "x * x.", x=lambda xp, t, x: t * (x + x))
sqrt = elementwise("sqrt", "Square root.", singular=True, floating=True, x=lambda xp, t, out: t / (out + out))

# The masks are at single points where the formula is 0 * inf; elsewhere both rules keep all their derivatives.
pow = elementwise(
    "pow",
    "x1 to the power x2.",
    label="PowBackward1",
    operator=operator.pow,
    singular=True,
    x1=lambda xp, t, x1, x2: t * (x2 * xp.pow(x1, xp.where((x1 == 0) & (x2 == 0), 1.0, x2 - 1))),
    x2=lambda xp, t, x1, x2, out: t * (out * xp.log(xp.where((x1 == 0) & (xp.real(x2) >= 0), 1.0, x1))),
)
# x ** n for a Python number n. NumPy's general power is several times slower than two multiplications.
powers: dict[float, Operation] = {
    0: elementwise("pow_0", label="Pow", forward=lambda xp, x: xp.ones_like(x), product=False, x=_zero),
    1: elementwise("pow_1", label="Pow", forward=lambda xp, x: +x, x=lambda xp, t: t),
    2: elementwise(
        "pow_2",
        label="Pow",
        trusted=True,
        forward="square",
        x=lambda xp, t, x: t * (x + x),
        fused=lambda ct, x, _: ct * (x + x),
    ),
    3: elementwise(
        "pow_3", label="Pow", trusted=True, forward=lambda xp, x: x * x * x, x=lambda xp, t, x: t * (3 * (x * x))
    ),
}
integer_power = elementwise(
    "pow_n", label="Pow", forward=lambda xp, x, n: x**n, x=lambda xp, t, x, n: t * (n * x ** (n - 1))
)
real_power = elementwise(
    "pow_r", label="Pow", singular=True, forward=lambda xp, x, n: x**n, x=lambda xp, t, x, n: t * (n * x ** (n - 1))
)

# --- exponentials and logarithms -------------------------------------------------------------------------------------

exp = elementwise("exp", "e to the x.", singular=True, floating=True, x=lambda xp, t, out: t * out)
expm1 = elementwise(
    "expm1", "exp(x) - 1, precise near 0.", singular=True, floating=True, x=lambda xp, t, x: t * xp.exp(x)
)
log = elementwise("log", "Natural logarithm.", singular=True, floating=True, x=lambda xp, t, x: t / x)
log1p = elementwise(
    "log1p", "log(1 + x), precise near 0.", singular=True, floating=True, x=lambda xp, t, x: t / (1 + x)
)
log2 = elementwise("log2", "Logarithm to base 2.", singular=True, floating=True, x=lambda xp, t, x: t / (x * _LN2))
log10 = elementwise("log10", "Logarithm to base 10.", singular=True, floating=True, x=lambda xp, t, x: t / (x * _LN10))


def _share(xp: Any, x1: Any, x2: Any) -> Any:
    """exp(x1) / (exp(x1) + exp(x2)), without overflow; a half where both are the same infinity."""
    return xp.exp(-xp.logaddexp(xp.where((x1 == x2) & xp.isinf(x1), 0.0, x2 - x1), 0.0))


logaddexp = elementwise(
    "logaddexp",
    "log(exp(x1) + exp(x2)), without overflow.",
    floating=True,
    x1=lambda xp, t, x1, x2: t * _share(xp, x1, x2),
    x2=lambda xp, t, x1, x2: t * _share(xp, x2, x1),
)

# --- trigonometry and hyperbolics ------------------------------------------------------------------------------------

sin = elementwise("sin", "Sine of radians.", floating=True, x=lambda xp, t, x: t * xp.cos(x))
cos = elementwise("cos", "Cosine of radians.", floating=True, x=lambda xp, t, x: -t * xp.sin(x))
tan = elementwise("tan", "Tangent of radians.", floating=True, x=lambda xp, t, out: t * (1 + out * out))
asin = elementwise(
    "asin", "Inverse sine.", singular=True, floating=True, x=lambda xp, t, x: t / xp.sqrt((1 - x) * (1 + x))
)
acos = elementwise(
    "acos", "Inverse cosine.", singular=True, floating=True, x=lambda xp, t, x: -t / xp.sqrt((1 - x) * (1 + x))
)
atan = elementwise("atan", "Inverse tangent.", singular=True, floating=True, x=lambda xp, t, x: t / (1 + x * x))
sinh = elementwise("sinh", "Hyperbolic sine.", singular=True, floating=True, x=lambda xp, t, x: t * xp.cosh(x))
cosh = elementwise("cosh", "Hyperbolic cosine.", singular=True, floating=True, x=lambda xp, t, x: t * xp.sinh(x))
tanh = elementwise("tanh", "Hyperbolic tangent.", floating=True, x=lambda xp, t, out: t * (1 - out * out))
asinh = elementwise(
    "asinh", "Inverse hyperbolic sine.", singular=True, floating=True, x=lambda xp, t, x: t / xp.sqrt(1 + x * x)
)
acosh = elementwise(
    "acosh",
    "Inverse hyperbolic cosine.",
    singular=True,
    floating=True,
    x=lambda xp, t, x: t / (xp.sqrt(x - 1) * xp.sqrt(x + 1)),
)
atanh = elementwise(
    "atanh", "Inverse hyperbolic tangent.", singular=True, floating=True, x=lambda xp, t, x: t / ((1 - x) * (1 + x))
)
atan2 = elementwise(
    "atan2",
    "Angle of the point (x2, x1), in radians; its gradient at the origin is 0.",
    floating=True,
    x1=lambda xp, t, x1, x2: t * (x2 / _nonzero(xp, xp.hypot(x1, x2)) / _nonzero(xp, xp.hypot(x1, x2))),
    x2=lambda xp, t, x1, x2: -t * (x1 / _nonzero(xp, xp.hypot(x1, x2)) / _nonzero(xp, xp.hypot(x1, x2))),
)
hypot = elementwise(
    "hypot",
    "sqrt(x1**2 + x2**2), without overflow; its gradient at the origin is 0.",
    floating=True,
    x1=lambda xp, t, x1, out: t * (x1 / _nonzero(xp, out)),
    x2=lambda xp, t, x2, out: t * (x2 / _nonzero(xp, out)),
)

flat = elementwise(
    "flat",
    "Zeros of the shape of x1 and x2, which stay zero as they change.",
    product=False,
    forward=lambda xp, x1, x2: xp.zeros_like(xp.broadcast_arrays(x1, x2)[0]),
    x1=lambda xp, t, x1: xp.flat(t, x1),
    x2=lambda xp, t, x2: xp.flat(t, x2),
)

# --- steps, signs, ties ----------------------------------------------------------------------------------------------

floor = elementwise("floor", "Rounded down. Its derivative is 0.", product=False, x=_zero)
ceil = elementwise("ceil", "Rounded up. Its derivative is 0.", product=False, x=_zero)
trunc = elementwise("trunc", "Rounded towards 0. Its derivative is 0.", product=False, x=_zero)
round = elementwise("round", "Rounded to even. Its derivative is 0.", product=False, x=_zero)
real_sign = elementwise("sign", product=False, x=_zero)
real_abs = elementwise("abs", label="Abs", x=lambda xp, t, x: t * xp.sign(x))
complex_abs = explicit(
    "abs",
    label="Abs",
    x=lambda xp, ct, x, out: ct * unit(xp, x, out),
    jvp={"x": lambda xp, t, x, out: xp.real(t * xp.conj(unit(xp, x, out)))},
)
complex_sign = explicit(
    "sign",
    label="Sgn",
    x=lambda xp, ct, x, out: (ct - out * xp.real(xp.conj(out) * ct)) / _nonzero(xp, xp.abs(x)) * xp.abs(out),
    jvp={"x": lambda xp, t, x, out: (t - out * xp.real(xp.conj(out) * t)) / _nonzero(xp, xp.abs(x)) * xp.abs(out)},
)
copysign = elementwise(
    "copysign",
    "x1 with the sign of x2.",
    floating=True,
    x1=lambda xp, t, x1, x2: t * (xp.sign(x1) * xp.copysign(xp.ones_like(x2), x2)),
    x2=lambda xp, t, x2: xp.flat(t, x2),
)
maximum = elementwise(
    "maximum",
    "The larger of two; a tie splits the gradient evenly.",
    hides=True,
    product=False,
    x1=lambda xp, t, x1, x2: _winner(xp, t, x1 > x2, x1, x2),
    x2=lambda xp, t, x1, x2: _winner(xp, t, x2 > x1, x2, x1),
)
minimum = elementwise(
    "minimum",
    "The smaller of two; a tie splits the gradient evenly.",
    hides=True,
    product=False,
    x1=lambda xp, t, x1, x2: _winner(xp, t, x1 < x2, x1, x2),
    x2=lambda xp, t, x1, x2: _winner(xp, t, x2 < x1, x2, x1),
)


def _winner(xp: Any, t: Any, wins: Any, mine: Any, other: Any) -> Any:
    """All of `t` where I win or am NaN, half of it at a tie."""
    return xp.where(wins | xp.isnan(mine), t, xp.where(mine == other, t * 0.5, 0.0))


clip_below = elementwise(
    "clip_below",
    label="Clamp",
    hides=True,
    product=False,
    operands=("x", "lo"),
    forward="maximum",
    x=lambda xp, t, x, lo: xp.where(x >= lo, t, 0.0),
    lo=lambda xp, t, x, lo: xp.where(x < lo, t, 0.0),
)
clip_above = elementwise(
    "clip_above",
    label="Clamp",
    hides=True,
    product=False,
    operands=("x", "hi"),
    forward="minimum",
    x=lambda xp, t, x, hi: xp.where(x <= hi, t, 0.0),
    hi=lambda xp, t, x, hi: xp.where(x > hi, t, 0.0),
)

# --- complex numbers -------------------------------------------------------------------------------------------------

conj = elementwise("conj", "Complex conjugate.", x=lambda xp, t: xp.conj(t))
complex_real = elementwise("real", label="Real", x=lambda xp, t: xp.real(t))
_imaginary = linear("imaginary", forward=lambda xp, x: _times_i(xp, x), x=lambda xp, ct: xp.imag(ct))
complex_imag = explicit(
    "imag",
    label="Imag",
    x=lambda xp, ct, dtype: 1j * xp.astype(ct, dtype),
    jvp={"x": lambda xp, t: xp.imag(t)},
)

# --- comparisons, logic, bits: nothing to differentiate --------------------------------------------------------------

_PAIR = ("x1", "x2")
equal = nondifferentiable("equal", "x1 == x2.", elementwise=True, operands=_PAIR, operator=operator.eq)
not_equal = nondifferentiable("not_equal", "x1 != x2.", elementwise=True, operands=_PAIR, operator=operator.ne)
less = nondifferentiable("less", "x1 < x2.", elementwise=True, operands=_PAIR, operator=operator.lt)
less_equal = nondifferentiable("less_equal", "x1 <= x2.", elementwise=True, operands=_PAIR, operator=operator.le)
greater = nondifferentiable("greater", "x1 > x2.", elementwise=True, operands=_PAIR, operator=operator.gt)
greater_equal = nondifferentiable("greater_equal", "x1 >= x2.", elementwise=True, operands=_PAIR, operator=operator.ge)
logical_and = nondifferentiable("logical_and", "Both true.", elementwise=True, operands=_PAIR)
logical_or = nondifferentiable("logical_or", "One true, or both.", elementwise=True, operands=_PAIR)
logical_xor = nondifferentiable("logical_xor", "Exactly one true.", elementwise=True, operands=_PAIR)
logical_not = nondifferentiable("logical_not", "Not true.", elementwise=True)
bitwise_and = nondifferentiable(
    "bitwise_and", "x1 & x2.", elementwise=True, integral=True, operands=_PAIR, operator=operator.and_
)
bitwise_or = nondifferentiable(
    "bitwise_or", "x1 | x2.", elementwise=True, integral=True, operands=_PAIR, operator=operator.or_
)
bitwise_xor = nondifferentiable(
    "bitwise_xor", "x1 ^ x2.", elementwise=True, integral=True, operands=_PAIR, operator=operator.xor
)
bitwise_left_shift = nondifferentiable(
    "bitwise_left_shift", "x1 << x2.", elementwise=True, integral=True, operands=_PAIR, operator=operator.lshift
)
bitwise_right_shift = nondifferentiable(
    "bitwise_right_shift", "x1 >> x2.", elementwise=True, integral=True, operands=_PAIR, operator=operator.rshift
)
bitwise_invert = nondifferentiable("bitwise_invert", "~x.", elementwise=True, integral=True, operator=operator.invert)
isfinite = nondifferentiable("isfinite", "Neither infinite nor NaN.", elementwise=True)
isinf = nondifferentiable("isinf", "Infinite.", elementwise=True)
isnan = nondifferentiable("isnan", "Not a number.", elementwise=True)
signbit = nondifferentiable("signbit", "Has its sign bit set.", elementwise=True)
nextafter = nondifferentiable("nextafter", "The next number from x1 towards x2.", elementwise=True, operands=_PAIR)

# fmt: on


def abs(x: Tensor, /) -> Tensor:
    """Absolute value; its gradient at 0 is 0.

    >>> import pullback as pb
    >>> pb.abs(pb.tensor([-2.0, 0.0, 3.0]))
    tensor([2., 0., 3.])
    """
    try:
        of_complex = x.dtype.is_complex
    except AttributeError:
        raise not_a_tensor("abs", x) from None
    return complex_abs(x) if of_complex else real_abs(x)


def sign(x: Tensor, /) -> Tensor:
    """-1, 0 or 1; for complex numbers x / abs(x), and 0 at 0.

    >>> import pullback as pb
    >>> pb.sign(pb.tensor([-2.0, 0.0, 3.0]))
    tensor([-1.,  0.,  1.])
    """
    try:
        of_complex = x.dtype.is_complex
    except AttributeError:
        raise not_a_tensor("sign", x) from None
    return complex_sign(x) if of_complex else real_sign(x)


def real(x: Tensor, /) -> Tensor:
    """Real part; a real array is its own.

    >>> import pullback as pb
    >>> pb.real(pb.tensor([1.0 + 2.0j]))
    tensor([1.])
    """
    try:
        of_complex = x.dtype.is_complex
    except AttributeError:
        raise not_a_tensor("real", x) from None
    if not of_complex:
        return x
    return view(x, complex_real(x), Step(complex_real, lambda base, value: value + _imaginary(complex_imag(base))))


def imag(x: Tensor, /) -> Tensor:
    """Imaginary part of a complex array.

    >>> import pullback as pb
    >>> pb.imag(pb.tensor([1.0 + 2.0j]))
    tensor([2.])
    """
    return view(x, complex_imag(x), Step(complex_imag, lambda base, value: complex_real(base) + _imaginary(value)))


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:
    """`x` limited to [min, max]; the gradient passes on the closed interval, and goes to a bound strictly outside.

    >>> import pullback as pb
    >>> pb.clip(pb.tensor([-1.0, 0.5, 2.0]), 0.0, 1.0)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is not None:
        x = clip_below(x, min)
    if max is not None:
        x = clip_above(x, max)
    return x


@lru_cache(maxsize=256)
def _power(n: float) -> Callable[[Any], Tensor]:
    if float(n).is_integer() and n >= 0:
        return unary_function(integer_power.primitive, n=int(n))
    return unary_function(real_power.primitive, n=n)


def power(x: Tensor, n: Any) -> Tensor:
    """`x ** n`, with cheaper rules where `n` is a Python number."""
    if (type(n) is int or type(n) is float) and x._aval.differentiable:
        return (powers.get(n) or _power(n))(x)
    return pow(x, n)
