"""An example of each declared op of the standard. `help` shows it below the op's summary, and the tests run it.

A declaration is one line per derivative and has no room for it; a plugin's op has its example in its summary.
"""

from __future__ import annotations

from typing import Final

EXAMPLES: Final = {
    # arithmetic
    "add": ("pb.add(pb.tensor([1.0, 2.0]), 3.0)", "tensor([4., 5.])"),
    "subtract": ("pb.subtract(pb.tensor([1.0, 2.0]), 3.0)", "tensor([-2., -1.])"),
    "multiply": (
        "pb.multiply(pb.tensor([1.0, 2.0]), pb.tensor([[3.0], [4.0]]))",
        "tensor([[3., 6.],\n        [4., 8.]])",
    ),
    "divide": ("pb.divide(pb.tensor([1.0, 2.0]), 4.0)", "tensor([0.2500, 0.5000])"),
    "floor_divide": ("pb.floor_divide(pb.tensor([7.0, -7.0]), 2.0)", "tensor([ 3., -4.])"),
    "remainder": ("pb.remainder(pb.tensor([7.0, -7.0]), 3.0)", "tensor([1., 2.])"),
    "negative": ("pb.negative(pb.tensor([1.0, -2.0]))", "tensor([-1.,  2.])"),
    "positive": ("pb.positive(pb.tensor([1.0, -2.0]))", "tensor([ 1., -2.])"),
    "reciprocal": ("pb.reciprocal(pb.tensor([2.0, 4.0]))", "tensor([0.5000, 0.2500])"),
    "square": ("pb.square(pb.tensor([2.0, 3.0]))", "tensor([4., 9.])"),
    "sqrt": ("pb.sqrt(pb.tensor([4.0, 9.0]))", "tensor([2., 3.])"),
    "pow": ("pb.pow(pb.tensor([2.0, 3.0]), 2)", "tensor([4., 9.])"),
    # exponentials and logarithms
    "exp": ("pb.exp(pb.tensor([0.0, 1.0]))", "tensor([1.0000, 2.7183])"),
    "expm1": ("pb.expm1(pb.tensor([0.0, 1.0]))", "tensor([0.0000, 1.7183])"),
    "log": ("pb.log(pb.tensor([1.0, 2.0]))", "tensor([0.0000, 0.6931])"),
    "log1p": ("pb.log1p(pb.tensor([0.0, 1.0]))", "tensor([0.0000, 0.6931])"),
    "log2": ("pb.log2(pb.tensor([1.0, 8.0]))", "tensor([0., 3.])"),
    "log10": ("pb.log10(pb.tensor([1.0, 10.0]))", "tensor([0., 1.])"),
    "logaddexp": ("pb.logaddexp(pb.tensor([0.0]), pb.tensor([0.0]))", "tensor([0.6931])"),
    # trigonometry
    "sin": ("pb.sin(pb.tensor([0.0, 1.0]))", "tensor([0.0000, 0.8415])"),
    "cos": ("pb.cos(pb.tensor([0.0, 1.0]))", "tensor([1.0000, 0.5403])"),
    "tan": ("pb.tan(pb.tensor([0.0, 1.0]))", "tensor([0.0000, 1.5574])"),
    "asin": ("pb.asin(pb.tensor([0.0, 1.0]))", "tensor([0.0000, 1.5708])"),
    "acos": ("pb.acos(pb.tensor([0.0, 1.0]))", "tensor([1.5708, 0.0000])"),
    "atan": ("pb.atan(pb.tensor([0.0, 1.0]))", "tensor([0.0000, 0.7854])"),
    "atan2": ("pb.atan2(pb.tensor([1.0, -1.0]), pb.tensor([0.0, 1.0]))", "tensor([ 1.5708, -0.7854])"),
    "hypot": ("pb.hypot(pb.tensor([3.0]), pb.tensor([4.0]))", "tensor([5.])"),
    "sinh": ("pb.sinh(pb.tensor([0.0, 1.0]))", "tensor([0.0000, 1.1752])"),
    "cosh": ("pb.cosh(pb.tensor([0.0, 1.0]))", "tensor([1.0000, 1.5431])"),
    "tanh": ("pb.tanh(pb.tensor([0.0, 1.0]))", "tensor([0.0000, 0.7616])"),
    "asinh": ("pb.asinh(pb.tensor([0.0, 1.0]))", "tensor([0.0000, 0.8814])"),
    "acosh": ("pb.acosh(pb.tensor([1.0, 2.0]))", "tensor([0.0000, 1.3170])"),
    "atanh": ("pb.atanh(pb.tensor([0.0, 0.5]))", "tensor([0.0000, 0.5493])"),
    # rounding, signs and parts
    "ceil": ("pb.ceil(pb.tensor([1.2, -1.2]))", "tensor([ 2., -1.])"),
    "floor": ("pb.floor(pb.tensor([1.2, -1.2]))", "tensor([ 1., -2.])"),
    "round": ("pb.round(pb.tensor([1.2, 2.5]))", "tensor([1., 2.])"),
    "trunc": ("pb.trunc(pb.tensor([1.2, -1.2]))", "tensor([ 1., -1.])"),
    "copysign": ("pb.copysign(pb.tensor([1.0, 2.0]), -0.0)", "tensor([-1., -2.])"),
    "nextafter": ("pb.nextafter(pb.tensor(1.0), pb.tensor(2.0)).item()", "1.0000001192092896"),
    "conj": ("pb.conj(pb.tensor([1.0 + 2.0j]))", "tensor([1.-2.j])"),
    "maximum": ("pb.maximum(pb.tensor([1.0, 5.0]), pb.tensor([3.0, 2.0]))", "tensor([3., 5.])"),
    "minimum": ("pb.minimum(pb.tensor([1.0, 5.0]), pb.tensor([3.0, 2.0]))", "tensor([1., 2.])"),
    # comparisons and logic
    "equal": ("pb.equal(pb.tensor([1.0, 2.0]), 2.0)", "tensor([False,  True])"),
    "not_equal": ("pb.not_equal(pb.tensor([1.0, 2.0]), 2.0)", "tensor([ True, False])"),
    "greater": ("pb.greater(pb.tensor([1.0, 2.0]), 1.0)", "tensor([False,  True])"),
    "greater_equal": ("pb.greater_equal(pb.tensor([1.0, 2.0]), 1.0)", "tensor([True, True])"),
    "less": ("pb.less(pb.tensor([1.0, 2.0]), 2.0)", "tensor([ True, False])"),
    "less_equal": ("pb.less_equal(pb.tensor([1.0, 2.0]), 2.0)", "tensor([True, True])"),
    "isfinite": ('pb.isfinite(pb.tensor([1.0, float("inf")]))', "tensor([ True, False])"),
    "isinf": ('pb.isinf(pb.tensor([1.0, float("-inf")]))', "tensor([False,  True])"),
    "isnan": ('pb.isnan(pb.tensor([1.0, float("nan")]))', "tensor([False,  True])"),
    "signbit": ("pb.signbit(pb.tensor([1.0, -0.0]))", "tensor([False,  True])"),
    "logical_and": ("pb.logical_and(pb.tensor([True, False]), True)", "tensor([ True, False])"),
    "logical_not": ("pb.logical_not(pb.tensor([True, False]))", "tensor([False,  True])"),
    "logical_or": ("pb.logical_or(pb.tensor([True, False]), False)", "tensor([ True, False])"),
    "logical_xor": ("pb.logical_xor(pb.tensor([True, False]), True)", "tensor([False,  True])"),
    "bitwise_and": ("pb.bitwise_and(pb.tensor([6, 7]), 3)", "tensor([2, 3])"),
    "bitwise_invert": ("pb.bitwise_invert(pb.tensor([0, 1]))", "tensor([-1, -2])"),
    "bitwise_left_shift": ("pb.bitwise_left_shift(pb.tensor([1, 2]), 3)", "tensor([ 8, 16])"),
    "bitwise_or": ("pb.bitwise_or(pb.tensor([4, 5]), 3)", "tensor([7, 7])"),
    "bitwise_right_shift": ("pb.bitwise_right_shift(pb.tensor([8, 16]), 2)", "tensor([2, 4])"),
    "bitwise_xor": ("pb.bitwise_xor(pb.tensor([6, 7]), 3)", "tensor([5, 4])"),
    "where": ("pb.where(pb.tensor([True, False]), pb.tensor([1.0, 2.0]), 0.0)", "tensor([1., 0.])"),
}
"""For the name of an op: an expression, and what it gives."""


def described(name: str, summary: str) -> str:
    """The docstring of an op.

    >>> described("sqrt", "Square root.").splitlines()
    ['Square root.', '', '>>> import pullback as pb', '>>> pb.sqrt(pb.tensor([4.0, 9.0]))', 'tensor([2., 3.])']
    """
    if name not in EXAMPLES:
        return summary
    expression, result = EXAMPLES[name]
    return f"{summary}\n\n>>> import pullback as pb\n>>> {expression}\n{result}"
