"""Apply: the one place where operations run, on what they may run, and when they are recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.apply import apply, apply_elementwise
from pullback.errors import ArgumentError, BackendMismatchError
from pullback.primitive import Primitive

OPS = {
    "elementwise, two": lambda x, y: pb.hypot(x, y),
    "elementwise, three": lambda x, y: pb.where(x > y, x, y),
    "linear": lambda x, y: pb.matmul(x, y),
    "variadic": lambda x, y: pb.concat([x, y]),
    "indexing": lambda x, y: pb.take(x, pb.astype(y[0, :], pb.int64), axis=0),
}


@pytest.mark.parametrize("name", OPS)
class TestDevices:
    def test_operands_on_two_are_refused_before_anything_runs(self, name: str) -> None:
        x = tensor(np.eye(2), "cpu", requires_grad=True)
        for other in ("strict", "strict:device1"):
            y = tensor(np.zeros((2, 2)), other)
            for operands in ((x, y), (y, x)):
                with pytest.raises(
                    BackendMismatchError, match=r"different devices: .*float64\[2, 2\] on .*write .to\("
                ):
                    OPS[name](*operands)

    def test_raw_arrays_are_refused_with_what_to_write(self, name: str) -> None:
        x, raw = tensor(np.eye(2)), np.zeros((2, 2))
        if name in ("elementwise, three", "indexing"):
            return  # these begin with an operator or an index on the raw array: NumPy's own affair
        with pytest.raises(TypeError, match=r"got numpy.ndarray; write pb.asarray\(...\) around it"):
            OPS[name](x, raw)

    def test_results_stay_where_operands_are(self, name: str, device: str) -> None:
        x, y = tensor(np.eye(2), device), tensor(np.zeros((2, 2)), device)
        assert str(OPS[name](x, y).device) == device


class TestRecording:
    def test_only_where_something_requires_grad(self, device: str) -> None:
        x, y = tensor(np.eye(2), device, requires_grad=True), tensor(np.eye(2), device)
        for op in list(OPS.values())[:4]:
            assert op(x, y).requires_grad
            assert op(y, x).requires_grad
            assert not op(y, y).requires_grad
            with pb.no_grad():
                assert not op(x, y).requires_grad

    def test_never_for_integers(self, device: str) -> None:
        x = tensor(np.eye(2), device, requires_grad=True)
        for out in (pb.argmax(x), x > 0, pb.astype(x, pb.int32), pb.count_nonzero(x), pb.isnan(x)):
            assert not out.requires_grad
            assert out.is_leaf

    def test_results_of_zero_derivative_do(self, device: str) -> None:
        x = tensor(np.array([1.5]), device, requires_grad=True)
        for function in (pb.floor, pb.sign, pb.round, lambda x: x // 1.0):
            (first,) = pb.autograd.grad(function(x).sum() + 0 * (x**2).sum(), x, create_graph=True)
            assert first.tolist() == [0.0]
            assert pb.autograd.grad(first.sum(), x)[0].tolist() == [0.0]

    def test_each_input_gets_a_gradient_of_its_own_dtype(self, device: str) -> None:
        narrow = pb.ones(2, dtype=pb.float32, requires_grad=True)
        wide = pb.ones(2, dtype=pb.float64, requires_grad=True)
        z = pb.ones(2, dtype=pb.complex128, requires_grad=True)
        (narrow * wide * z).real.sum().backward()
        assert [t.grad.dtype for t in (narrow, wide, z)] == [pb.float32, pb.float64, pb.complex128]
        pb.matmul(narrow, pb.astype(wide, pb.float32)).backward()
        assert wide.grad.dtype is pb.float64

    def test_integers_are_constants_of_a_floating_op(self, device: str) -> None:
        x = tensor(np.array([1.5, 2.0]), device, requires_grad=True)
        n = tensor(np.array([2, 3]), device)
        out = x**n * n
        assert out.dtype is pb.float64
        out.sum().backward()
        np.testing.assert_allclose(host(x.grad), [2 * 2 * 1.5, 3 * 3 * 2.0**2])


class TestOperands:
    def test_numbers_alone_are_no_operation(self) -> None:
        with pytest.raises(ArgumentError, match="add: at least one operand must be a Tensor"):
            apply_elementwise(pb.add.primitive, (1.0, 2))

    def test_a_number_where_an_array_is_needed(self, device: str) -> None:
        same = Primitive("test::same", ("first",), forward=lambda xp, first: first)
        with pytest.raises(ArgumentError, match=r"test::same: operand 'first' must be a Tensor, got the number 2\.0"):
            apply(same, (2.0,), {})

    def test_integers_become_floating_where_the_op_is(self, device: str) -> None:
        n = pb.asarray([1, 4])
        assert pb.sqrt(n).dtype is pb.get_default_dtype()
        assert pb.sqrt(n).tolist() == [1.0, 2.0]
        assert (n / 2).dtype is pb.get_default_dtype()

    @pytest.mark.parametrize("shape", [(2,), (3, 2), (2, 4)])
    def test_shapes_that_do_not_broadcast(self, shape: tuple[int, ...], device: str) -> None:
        x, y = pb.ones(2, 3), pb.ones(*shape)
        with pytest.raises(ValueError, match=r"broadcast|shape"):
            pb.hypot(x, y)


def test_the_default_dtype_is_asked_each_time(device: str) -> None:
    n = pb.asarray([4])
    before = pb.get_default_dtype()
    try:
        for dtype in (pb.float64, pb.float32, pb.float64):
            pb.set_default_dtype(dtype)
            assert pb.sqrt(n).dtype is dtype
            assert (n * 1.5).dtype is dtype
    finally:
        pb.set_default_dtype(before)


def test_a_plan_of_one_call_serves_the_next_with_other_history(device: str) -> None:
    results: list[Any] = []
    for wrt in ((), (0,), (1,), (0, 1), (0,), ()):
        x, y = (tensor(np.array([3.0, 4.0]), device, requires_grad=i in wrt) for i in range(2))
        out = pb.hypot(x, y)
        assert out.requires_grad is bool(wrt)
        if wrt:
            out.sum().backward()
        results.append([x.grad is not None, y.grad is not None])
    assert results == [[0 in wrt, 1 in wrt] for wrt in ((), (0,), (1,), (0, 1), (0,), ())]
