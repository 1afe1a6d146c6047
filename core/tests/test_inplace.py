"""What a write in place does to nodes that saved the old value: recorded, nothing; behind the graph, a refusal."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from helpers.lazy import lazy_backend
from pullback.errors import OverwrittenError

Write = Callable[[Any], Any]


def add(y: Any) -> None:
    y += 1.0


def scale(y: Any) -> None:
    y *= 2.0


def mask(y: Any) -> None:
    y[y > 1.5] = 0.0


def through_a_view(y: Any) -> None:
    y[..., :1] -= 3.0


WRITES = [add, scale, mask, through_a_view]


@pytest.mark.parametrize("write", WRITES)
def test_a_result_that_was_saved_may_be_written(write: Write, device: str) -> None:
    x = pb.tensor([0.0, 0.5, 1.0], dtype=pb.float64, requires_grad=True)
    y = pb.exp(x)
    z = y * 1.0
    write(y)
    z.sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), np.exp([0.0, 0.5, 1.0]), rtol=1e-15)


@pytest.mark.parametrize("write", WRITES)
def test_an_operand_that_was_saved_may_be_written(write: Write, device: str) -> None:
    x = pb.tensor([0.0, 0.5, 1.0], requires_grad=True)
    factor = pb.tensor([1.0, 2.0, 4.0])  # without history: its memory could be written directly
    y = (x * factor).sum()
    write(factor)
    y.backward()
    assert x.grad.tolist() == [1.0, 2.0, 4.0]


def test_a_scalar_that_was_saved_may_be_written(device: str) -> None:
    x = pb.tensor(3.0, requires_grad=True)
    step = pb.tensor(8.0)
    total = x * step
    step /= 2
    total = total + x * step
    total.backward()
    assert x.grad.item() == 12.0


@pytest.mark.parametrize("write", WRITES)
def test_a_write_under_no_grad_is_refused_in_the_pass(write: Write, device: str) -> None:
    x = pb.tensor([0.0, 0.5, 1.0], requires_grad=True)
    y = pb.exp(x)
    with pb.no_grad():
        write(y)
    with pytest.raises(OverwrittenError, match=r"ExpBackward0: its result, of shape \(3,\)"):
        y.sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("write", WRITES)
def test_a_write_through_detach_is_refused_in_the_pass(write: Write, device: str) -> None:
    x = pb.tensor([0.0, 0.5, 1.0], requires_grad=True)
    y = pb.exp(x)
    write(y.detach())
    with pytest.raises(OverwrittenError, match=r"ExpBackward0: its result, of shape \(3,\)"):
        y.sum().backward()


@pytest.mark.parametrize("value", [1.0, pb.tensor([1.0, 1.0])], ids=["number", "Tensor"])
def test_a_constant_is_written_where_an_index_of_a_transform_says(value: Any) -> None:
    def chosen(x: Any) -> Any:
        y = pb.zeros(3)
        y[pb.nonzero(x > 1.0)[0]] = value
        return x * y

    x = pb.tensor([0.5, 2.0, 3.0])
    out, tangent = pb.func.jvp(chosen, (x,), (pb.tensor([1.0, 10.0, 100.0]),))
    assert out.tolist() == [0.0, 2.0, 3.0]
    assert tangent.tolist() == [0.0, 10.0, 100.0]


def test_memory_that_nobody_else_holds_is_written_directly() -> None:
    x = pb.zeros(4)
    before = x._array.ctypes.data
    x += 1.0
    x[1:] = 2.0
    assert x._array.ctypes.data == before
    assert x.tolist() == [1.0, 2.0, 2.0, 2.0]


def test_a_window_on_old_values_keeps_them_unless_written_under_no_grad() -> None:
    x = pb.zeros(2)
    window = x.numpy()
    with pb.no_grad():
        x += 1.0
    assert window.tolist() == [1.0, 1.0]
    x += 1.0
    assert (window.tolist(), x.tolist()) == ([1.0, 1.0], [2.0, 2.0])


# --- every statement and method that writes ---------------------------------------------------------------------------

STATEMENTS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {  # in place, out of place
    "+=": (operator.iadd, operator.add),
    "-=": (operator.isub, operator.sub),
    "*=": (operator.imul, operator.mul),
    "/=": (operator.itruediv, operator.truediv),
    "//=": (operator.ifloordiv, operator.floordiv),
    "%=": (operator.imod, operator.mod),
    "**=": (operator.ipow, operator.pow),
    "add_": (lambda x, y: x.add_(y), operator.add),
    "sub_": (lambda x, y: x.sub_(y), operator.sub),
    "mul_": (lambda x, y: x.mul_(y), operator.mul),
    "div_": (lambda x, y: x.div_(y), operator.truediv),
    "pow_": (lambda x, y: x.pow_(y), operator.pow),
    "copy_": (lambda x, y: x.copy_(y), lambda x, y: y + 0 * x),
    "exp_": (lambda x, y: x.exp_(), lambda x, y: pb.exp(x)),
    "sin_": (lambda x, y: x.sin_(), lambda x, y: pb.sin(x)),
    "sqrt_": (lambda x, y: x.sqrt_(), lambda x, y: pb.sqrt(x)),
    "neg_": (lambda x, y: x.neg_(), lambda x, y: -x),
    "clamp_": (lambda x, y: x.clamp_(min=1.0), lambda x, y: pb.clip(x, min=1.0)),
    "zero_": (lambda x, y: x.zero_(), lambda x, y: 0 * x),
    "fill_": (lambda x, y: x.fill_(3.0), lambda x, y: 0 * x + 3.0),
    "x[...] = y": (lambda x, y: (x.__setitem__(..., y), x)[1], lambda x, y: y + 0 * x),
}
POINT, OTHER = np.array([[0.5, 1.5, 2.0], [3.0, 0.25, 4.0]]), np.array([1.5, 2.0, 0.5])


def leaves(device: str) -> tuple[Any, Any]:
    return tensor(POINT, device, requires_grad=True), tensor(OTHER, device, requires_grad=True)


@pytest.mark.parametrize("name", STATEMENTS)
class TestEveryWrite:
    @pytest.mark.parametrize("number", [False, True])
    def test_value_and_gradients_are_those_of_the_function(self, name: str, number: bool, device: str) -> None:
        write, function = STATEMENTS[name]
        results = []
        for act in (write, function):
            a, b = leaves(device)
            x = a * 1.0
            out = act(x, 2.0 if number else b)
            if act is write:
                assert out is x
            (out * out).sum().backward()
            results.append([host(out), *(0 * host(x) if x.grad is None else host(x.grad) for x in (a, b))])
        for found, expected in zip(*results, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)

    def test_without_history_the_value_is_the_same(self, name: str, device: str) -> None:
        write, function = STATEMENTS[name]
        x, y = tensor(POINT, device), tensor(OTHER, device)
        expected = host(function(x, y))
        before = x._version
        assert write(x, y) is x
        np.testing.assert_allclose(host(x), expected, rtol=1e-15)
        assert x._version == before + 1
        assert not x.requires_grad

    def test_a_leaf_is_refused_and_unchanged(self, name: str, device: str) -> None:
        a, _ = leaves(device)
        y = tensor(OTHER, device)
        for x in (a, a[:1], a.T.T):
            with pytest.raises(RuntimeError, match=r"leaf that requires grad cannot be written in place; write inside"):
                STATEMENTS[name][0](x, y)
        np.testing.assert_array_equal(host(a), POINT)
        assert a.is_leaf
        with pb.no_grad():
            STATEMENTS[name][0](a, y)
        assert a.is_leaf
        assert a.requires_grad

    def test_under_forward_mode(self, name: str, device: str) -> None:
        write, function = STATEMENTS[name]
        points = (tensor(POINT, device), tensor(OTHER, device))
        tangents = (tensor(np.cos(POINT), device), tensor(np.sin(OTHER), device))
        found = pb.func.jvp(lambda x, y: write(x * 1.0, y), points, tangents)
        expected = pb.func.jvp(function, points, tangents)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(host(one), host(other), rtol=1e-12)

    def test_under_vmap(self, name: str, device: str) -> None:
        write, function = STATEMENTS[name]
        x, y = tensor(POINT, device), tensor(OTHER, device)
        found = pb.func.vmap(lambda x: write(x * 1.0, y))(x)
        np.testing.assert_allclose(host(found), host(pb.func.vmap(lambda x: function(x, y))(x)), rtol=1e-15)

    def test_after_a_constant_gets_history(self, name: str, device: str) -> None:
        write, function = STATEMENTS[name]
        results = []
        for act in (write, function):
            _, b = leaves(device)
            out = act(tensor(POINT, device), b)
            if not out.requires_grad:
                return  # `b` is not read
            out.sum().backward()
            results.append(host(b.grad))
        np.testing.assert_allclose(*results, rtol=1e-12)


class TestWritesThatDoNotFit:
    """They are refused with what is wrong, and nothing has changed."""

    @pytest.mark.parametrize("history", [False, True])
    @pytest.mark.parametrize(
        ("write", "error", "message"),
        [
            (lambda x: operator.iadd(x, pb.ones(4, 2, 3)), ValueError, r"the result has shape \(4, 2, 3\)"),
            (lambda x: operator.iadd(x, 1j), TypeError, "the result is complex128 and cannot be stored .* float64"),
            (lambda x: operator.iadd(x, np.ones(3)), TypeError, "raw numpy.ndarray|got numpy.ndarray"),
            (lambda x: operator.iadd(x, "text"), TypeError, "got builtins.str"),
            (lambda x: x.__setitem__(0, pb.ones(2)), ValueError, r"a value of shape \(2,\) does not fit .* \(3,\)"),
            (lambda x: x.__setitem__(0, 1j), TypeError, "a complex value cannot be stored in a Tensor of float64"),
            (lambda x: x.__setitem__(0, pb.tensor(1j)), TypeError, "a complex value cannot be stored"),
            (lambda x: x.__setitem__(0, "text"), TypeError, "got builtins.str"),
            (lambda x: x.__setitem__((0, 0, 0), 1.0), IndexError, r"3 axes are indexed, the array has shape \(2, 3\)"),
            (lambda x: x.__setitem__(7, 1.0), IndexError, "out of bounds"),
            (lambda x: x.copy_(pb.ones(2)), ValueError, r"copy_: a value of shape \(2,\) does not fit"),
            (lambda x: x.fill_(1j), TypeError, "fill_: a complex value"),
            (lambda x: x.fill_(pb.ones(2)), ValueError, r"fill_: a value of shape \(2,\)"),
        ],
    )
    def test_shapes_and_kinds(
        self, write: Write, error: type[Exception], message: str, history: bool, device: str
    ) -> None:
        a = tensor(POINT, device, requires_grad=history)
        x = a * 1.0
        with pytest.raises(error, match=message):
            write(x)
        np.testing.assert_array_equal(host(x), POINT)
        if history:
            x.sum().backward()
            np.testing.assert_array_equal(host(a.grad), np.ones((2, 3)))

    @pytest.mark.parametrize("statement", ["/=", "sqrt_", "exp_"])
    def test_integers_stay_integers(self, statement: str, device: str) -> None:
        x = pb.ones(2, dtype=pb.int64)
        with pytest.raises(RuntimeError, match=r"the result is float\d\d and cannot be stored in a Tensor of int64"):
            STATEMENTS[statement][0](x, 2)
        assert x.tolist() == [1, 1]

    def test_other_devices(self) -> None:
        x = pb.ones(2, device="cpu")
        y = pb.ones(2, device="strict")
        for write in (lambda: operator.iadd(x, y), lambda: x.__setitem__(0, y[0]), lambda: x.add_(y)):
            with pytest.raises(TypeError, match=r"different devices.*write .to\('cpu'\)"):
                write()
        assert x.tolist() == [1.0, 1.0]
        x.copy_(y * 2)  # a transfer, as in PyTorch
        assert x.tolist() == [2.0, 2.0]

    def test_a_narrower_result_is_converted_back(self, device: str) -> None:
        x = pb.ones(2, dtype=pb.float32)
        x += pb.ones(2, dtype=pb.float64)
        assert x.dtype is pb.float32
        n = pb.ones(2, dtype=pb.int8)
        n += pb.ones(2, dtype=pb.int32)
        assert n.dtype is pb.int8


def behind_the_graph(write: Write, y: Any) -> None:
    with pb.no_grad():
        write(y)


BEHIND: dict[str, Callable[[Write, Any], None]] = {
    "no_grad": behind_the_graph,
    "detach": lambda write, y: write(y.detach()),
    "data": lambda write, y: write(y.data),
    "a view under no_grad": lambda write, y: behind_the_graph(write, y[:]),
}


@pytest.mark.parametrize("how", BEHIND.values(), ids=BEHIND)
@pytest.mark.parametrize("write", WRITES)
def test_where_mutation_is_allowed_nodes_keep_the_old_values(how: Any, write: Write, device: str) -> None:
    x = pb.tensor([0.0, 0.5, 1.0], requires_grad=True)
    factor = pb.tensor([1.0, 2.0, 4.0])
    before = factor.tolist()
    expected = pb.tensor([1.0, 2.0, 4.0])
    write(expected)
    y = (pb.exp(x) * factor).sum()
    with pb.autograd.graph.allow_mutation_on_saved_tensors():
        how(write, factor)
    assert factor.tolist() == expected.tolist()
    y.backward()  # outside, too
    np.testing.assert_allclose(x.grad.tolist(), np.exp([0.0, 0.5, 1.0]) * before, rtol=1e-6)


@pytest.mark.parametrize("write", WRITES)
def test_where_mutation_is_allowed_other_writes_count_as_ever(write: Write, device: str) -> None:
    x = pb.tensor([0.0, 0.5, 1.0], requires_grad=True)
    factor = pb.tensor([1.0, 2.0, 4.0])
    y = (x * factor).sum()
    with pb.no_grad():
        write(factor)
    with pb.autograd.graph.allow_mutation_on_saved_tensors(), pytest.raises(OverwrittenError):
        y.backward()


def test_a_leaf_may_be_trained_where_mutation_is_allowed(device: str) -> None:
    w = pb.tensor([1.0, 2.0], requires_grad=True)
    with pb.autograd.graph.allow_mutation_on_saved_tensors():
        loss = (w * w).sum()
        with pb.no_grad():
            w -= 0.5
        loss.backward()
    assert w.is_leaf
    assert w.grad.tolist() == [2.0, 4.0]
    assert w.tolist() == [0.5, 1.5]


def test_a_version_can_be_counted_by_hand(device: str) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    a, b = pb.tensor([1.0, 2.0]), pb.tensor([3.0, 4.0])
    first, second = (x * a).sum(), (x * b).sum()
    pb.autograd.graph.increment_version(a)
    pb.autograd.graph.increment_version((a[:1],))  # a view counts for what it shows
    assert (a._version, b._version) == (2, 0)
    with pytest.raises(OverwrittenError):
        first.backward()
    second.backward()
    assert x.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("key", [..., slice(None), "mask", "numbers"])
def test_a_part_takes_values_from_the_memory_that_it_writes(key: Any, device: str) -> None:
    for source in (lambda x: pb.flip(x), lambda x: pb.flip(x.detach()), lambda x: pb.flip(x).data):
        x = tensor([1.0, 2.0, 3.0], device)
        named = {"mask": x > 0, "numbers": tensor([0, 1, 2], device)}
        with pb.no_grad():
            x[named[key] if isinstance(key, str) else key] = source(x)
        assert x.tolist() == [3.0, 2.0, 1.0]


@pytest.mark.parametrize("part", ["real", "imag"])
@pytest.mark.parametrize("kept", [math.inf, -math.inf, math.nan])
def test_writing_one_part_of_a_complex_number_keeps_the_other(part: str, kept: float, device: str) -> None:
    for tracked in (False, True):
        for written in (2.0, math.inf, -math.inf, math.nan):
            value = complex(1.0, kept) if part == "real" else complex(kept, 1.0)
            x = tensor(np.asarray([value]), device, requires_grad=tracked).clone()
            getattr(x, part)[0] = written
            expected = complex(written, kept) if part == "real" else complex(kept, written)
            np.testing.assert_array_equal([host(x).real, host(x).imag], [[expected.real], [expected.imag]])


@pytest.mark.parametrize("part", ["real", "imag"])
def test_writing_one_part_of_a_complex_number_has_a_gradient(part: str, device: str) -> None:
    x = tensor(np.asarray([1.0 + 2.0j]), device, requires_grad=True)
    v = tensor([3.0], device, requires_grad=True)
    y = x.clone()
    getattr(y, part)[:] = v * v
    ct = tensor(np.asarray([5.0 + 7.0j]), device)
    gx, gv = pb.autograd.grad(y, (x, v), ct)
    assert host(gx) == [7.0j if part == "real" else 5.0]
    assert host(gv) == [6.0 * (5.0 if part == "real" else 7.0)]


def test_a_parameter_that_was_written_is_handed_to_its_backend() -> None:
    with lazy_backend() as lazy:
        held: list[Any] = []
        made: list[Any] = []

        def hold(array: Any, *, written: bool) -> Any:
            (held if written else made).append(array)
            return array

        lazy.plain_operators = False
        lazy.hold = hold  # type: ignore[method-assign]
        w = pb.tensor([1.0, 2.0], requires_grad=True, device="lazy")
        assert len(made) == 1
        with pb.no_grad():
            w -= 0.5
            w[0] = 3.0
            w[1:].zero_()
        w.data += 1.0
        w.data = w.detach() * 2.0
        assert len(held) == 5
        assert held[-1] is w._array
        constant, result = pb.ones(2, device="lazy"), w * 1.0
        constant += 1.0
        result += 1.0
        with pb.no_grad():
            result *= 2.0
            constant *= 2.0
        (w * result).sum().backward()
        (w * 1.0).sum().backward()
        assert len(held) == 5
        assert len(made) == 1
        assert lazy.computes == []
