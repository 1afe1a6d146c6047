"""The flat operators do what `apply_elementwise` does: same values, same gradients, same refusals, from any call on."""

from __future__ import annotations

import itertools
import math
import operator
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from hypothesis import given
from hypothesis import strategies as st
from pullback import graph
from pullback.apply import apply_elementwise
from pullback.ops import elementwise_functions as ew

ARITHMETIC: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "+": (operator.add, ew.add),
    "-": (operator.sub, ew.subtract),
    "*": (operator.mul, ew.multiply),
    "/": (operator.truediv, ew.divide),
    "//": (operator.floordiv, ew.floor_divide),
    "%": (operator.mod, ew.remainder),
}
OPERANDS: dict[str, Any] = {
    "vector": np.asarray([1.5, -2.0, 3.0], np.float32),
    "another vector": np.asarray([-0.5, 4.0, 2.5], np.float32),
    "0-d": np.asarray(1.25, np.float32),
    "matrix": np.asarray([[0.5], [2.0]], np.float32),
    "double": np.asarray([2.0, 0.25, -1.5]),
    "integers": np.asarray([3, 5, -7]),
    "float": 2.5,
    "int": 3,
}
PAIRS = [
    (a, b)
    for a, b in itertools.product(OPERANDS, OPERANDS)
    if not (isinstance(OPERANDS[a], (int, float)) and isinstance(OPERANDS[b], (int, float)))
]


def _operand(value: Any, device: str, requires_grad: bool) -> Any:
    if isinstance(value, (int, float)):
        return value
    return tensor(value, device, requires_grad=requires_grad and value.dtype.kind == "f")


def _run(call: Callable[[Any, Any], Any], operands: list[Any]) -> list[Any]:
    """The value and the gradients of `call` on fresh operands."""
    out = call(*operands)
    if not out.requires_grad:
        return [out]
    leaves = [x for x in operands if isinstance(x, pb.Tensor) and x.requires_grad]
    return [out, *pb.autograd.grad((out * out).sum(), leaves)]


@pytest.mark.parametrize("first", OPERANDS)
@pytest.mark.parametrize("symbol", ARITHMETIC)
def test_operators_agree_with_the_general_way(symbol: str, first: str, device: str) -> None:
    call, function = ARITHMETIC[symbol]
    pairs = [pair for pair in PAIRS if pair[0] == first]
    for pair, grads in itertools.product(pairs, ((True, True), (True, False), (False, True), (False, False))):
        values = [OPERANDS[name] for name in pair]

        def operands(values: Any = values, grads: Any = grads) -> list[Any]:
            return [_operand(value, device, need) for value, need in zip(values, grads, strict=True)]

        expected = _run(lambda x, y: apply_elementwise(function.primitive, (x, y)), operands())
        for way in (call, call, function, function):  # the first call works out what the others use
            found = _run(way, operands())
            assert len(found) == len(expected)
            for a, b in zip(found, expected, strict=True):
                assert a.dtype is b.dtype
                np.testing.assert_array_equal(host(a), host(b))


@pytest.mark.parametrize("symbol", ARITHMETIC)
def test_operators_give_the_values_of_numpy(symbol: str) -> None:
    call, _ = ARITHMETIC[symbol]
    for a, b in PAIRS:
        x, y = OPERANDS[a], OPERANDS[b]
        if {getattr(x, "dtype", None), getattr(y, "dtype", None)} >= {np.dtype(np.int64), np.dtype(np.float32)}:
            continue  # NumPy promotes these to float64
        if isinstance(x, int) or isinstance(y, int) or "integers" in (a, b):
            continue  # and true division of integers is of the default dtype here
        found = call(_operand(x, "cpu", True), _operand(y, "cpu", True))
        np.testing.assert_allclose(host(found), call(x, y), rtol=1e-6)


@given(
    st.sampled_from(list(ARITHMETIC)),
    st.floats(width=32, allow_nan=True, allow_infinity=True),
    st.booleans(),
)
def test_python_numbers_are_taken_as_they_are(symbol: str, number: float, reflected: bool) -> None:
    call, _ = ARITHMETIC[symbol]
    array = np.asarray([1.5, -0.0, 0.0, np.inf, np.nan], np.float32)
    with np.errstate(all="ignore"):
        expected = call(np.float32(number), array) if reflected else call(array, np.float32(number))
        x = pb.asarray(array)
        found = call(number, x) if reflected else call(x, number)
    np.testing.assert_array_equal(np.signbit(host(found)), np.signbit(expected))
    np.testing.assert_array_equal(host(found), expected)


def test_both_zeros_keep_their_sign() -> None:
    one = pb.tensor([1.0])
    for zero in (0.0, -0.0, 0.0, -0.0):
        assert math.copysign(1.0, (one * zero).item()) == math.copysign(1.0, zero)
        assert math.copysign(1.0, (zero * one).item()) == math.copysign(1.0, zero)


@pytest.mark.parametrize("symbol", ARITHMETIC)
def test_nothing_is_recorded_under_no_grad(symbol: str) -> None:
    call, function = ARITHMETIC[symbol]
    x, y = pb.tensor([4.0, 5.0], requires_grad=True), pb.tensor([2.0, 3.0], requires_grad=True)
    for way in (call, function):
        for operands in ((x, y), (x, y.detach()), (x.detach(), y), (x, 2.0), (2.0, x)):
            assert way(*operands).requires_grad
            with pb.no_grad():
                assert not way(*operands).requires_grad
            assert way(*operands).requires_grad


@pytest.mark.parametrize("name", ["flat", "function"])
def test_a_node_keeps_what_its_rule_reads_and_no_more(name: str) -> None:
    x, y = pb.tensor([4.0, 5.0], requires_grad=True), pb.tensor([2.0, 3.0], requires_grad=True)
    constant = y.detach()

    def kept(way: int, *operands: Any) -> list[Any]:
        call = ARITHMETIC["+-*/"[way]][name == "function"]
        call(*operands)
        return [item for item in call(*operands)._node[graph.X :] if item is not None]

    assert kept(0, x, y) == []
    assert kept(1, x, y) == []
    assert [item is array for item, array in zip(kept(2, x, y), [y._array, x._array], strict=True)] == [True, True]
    assert [item is constant._array for item in kept(2, x, constant)] == [True]
    assert [item is x._array for item in kept(2, 2.0, x)] == [False]
    assert [item is constant._array for item in kept(3, x, constant)] == [True]


def test_views_are_operands_like_any_other() -> None:
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    for _ in range(3):
        first, last = x[:2], x[1:]
        (gradient,) = pb.autograd.grad((first * last + first).sum(), x)
        assert gradient.tolist() == [3.0, 5.0, 2.0]


def test_a_plan_is_made_once() -> None:
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[:2] * x[1:]
    plans = [(x[:2] * x[1:], x[:2]._aval.own[2])[1] for _ in range(3)]
    assert plans[0] is not None
    assert plans[1] is plans[0]
    assert plans[2] is plans[0]


@pytest.mark.parametrize("symbol", ARITHMETIC)
def test_foreign_operands_are_refused(symbol: str) -> None:
    call, _ = ARITHMETIC[symbol]
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    for foreign in (object(), {"2"}, None, [1.0, 2.0]):
        with pytest.raises(TypeError):
            call(x, foreign)
        with pytest.raises(TypeError):
            call(foreign, x)
    for raw in (np.ones(2, np.float32), np.ones(2)):
        with pytest.raises(pb.errors.BackendMismatchError, match=r"pb\.asarray"):
            call(x, raw)
        with pytest.raises(pb.errors.BackendMismatchError, match=r"pb\.asarray"):
            call(raw, x)


class _Measure:
    """A type with operators of its own."""

    def __radd__(self, other: Any) -> str:
        return "mine"

    __rmul__ = __rsub__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __radd__


@pytest.mark.parametrize("symbol", ARITHMETIC)
def test_other_types_may_take_over(symbol: str) -> None:
    call, _ = ARITHMETIC[symbol]
    assert call(pb.tensor([1.0]), _Measure()) == "mine"


def test_devices_do_not_mix() -> None:
    x, y = tensor([1.0, 2.0], "strict"), tensor([1.0, 2.0], "strict:device1")
    for call, function in ARITHMETIC.values():
        for way in (call, call, function):
            with pytest.raises(pb.errors.BackendMismatchError):
                way(x, y)


def test_a_traceback_shows_the_text_of_the_operator() -> None:
    x, y = pb.ones((2,)), pb.ones((3,))
    with pytest.raises(pb.errors.ShapeError, match="multiply") as refused:
        x * y
    shown = "".join(traceback.format_exception(refused.value))
    assert 'File "<operator *>"' in shown
    assert "return general(primitive, x, y)" in shown
