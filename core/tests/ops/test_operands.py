"""What is no Tensor is named: the op, the operand and its type, and what to write."""

from __future__ import annotations

import inspect

import numpy as np
import pullback as pb
import pytest
from pullback import namespace
from pullback.errors import ArgumentError
from pullback.ops.operands import on_tensors

FUNCTIONS = (
    namespace.FUNCTIONS
    | {f"linalg.{name}": function for name, function in namespace.LINALG.items()}
    | {f"fft.{name}": function for name, function in namespace.FFT.items()}
)
NOT_ON_TENSORS = {
    *("broadcast_shapes", "can_cast", "finfo", "iinfo", "isdtype", "result_type"),
    *("fft.fftfreq", "fft.rfftfreq"),
}
"""Functions of dtypes, shapes and numbers."""


def required(function):
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty]


OTHERS = {"axis": 0, "axes": (0, 1), "shape": (2, 2), "n": 2, "dtype": pb.float64, "min": 0.0}
"""What else a function must be given."""


@pytest.mark.parametrize("wrong", [[1.0, 2.0], None, np.ones((1, 2))], ids=["list", "None", "NumPy"])
@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - NOT_ON_TENSORS))
def test_each_function_says_what_it_was_given(name, wrong):
    x = pb.ones(2, 2)
    operands = [wrong] + [OTHERS.get(n, x) for n in required(FUNCTIONS[name])[1:]]
    others = {"moveaxis": [0, 1], "tile": [(2,)], "roll": [1], "repeat": [2], "clip": [0.0]}
    operands = [wrong, *others[name]] if name in others else operands
    with pytest.raises(ArgumentError, match="Tensor") as caught:
        FUNCTIONS[name]([x, wrong] if name in ("concat", "stack") else operands[0], *operands[1:])
    assert type(wrong).__name__ in str(caught.value)


@pytest.mark.parametrize("name", ["matmul", "vecdot", "tensordot", "linalg.cross", "linalg.outer", "linalg.solve"])
def test_the_second_operand_too(name):
    with pytest.raises(ArgumentError, match="list"):
        FUNCTIONS[name](pb.ones(2), [1.0, 2.0])


def test_the_text():
    kind = "must be a Tensor, got builtins.float; write pb.asarray"
    with pytest.raises(ArgumentError, match=rf"^meshgrid: operand 'arrays\[1\]' {kind}"):
        pb.meshgrid(pb.ones(2), 2.0)
    with pytest.raises(ArgumentError, match=f"^max: operand 'x' {kind}"):
        pb.max(2.0)
    with pytest.raises(ArgumentError, match=r"^sort: operand 'x' must be a Tensor, got numpy\.ndarray"):
        pb.sort(np.ones(2))


def test_a_checked_function_is_otherwise_what_it_was():
    @on_tensors
    def between(x1, x2, /, *, weight=0.5):
        """Between the two."""
        return x1 + weight * (x2 - x1)

    assert inspect.signature(between) == inspect.signature(between.__wrapped__)
    assert between(pb.zeros(1), pb.ones(1), weight=0.25).item() == 0.25
    with pytest.raises(ArgumentError, match=r"^between: operand 'x2' must be a Tensor, got builtins\.list"):
        between(pb.zeros(1), [1.0])
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x2'"):
        between(pb.zeros(1))
    with pytest.raises(AttributeError, match="nobody"):  # what goes wrong inside stays what it is
        on_tensors(lambda x: x.nobody)(pb.zeros(1))
