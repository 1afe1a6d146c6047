"""Tensor: operators with every kind of operand, its place in the graph, and the ways out."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.errors import AutogradError, BackendMismatchError, DTypeError

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
BITS = [operator.and_, operator.or_, operator.xor]
A, B = np.array([[1.5, -2.5, 3.0]]), np.array([[2.0], [0.5]])


@pytest.mark.parametrize("op", [*ARITHMETIC, *COMPARISONS])
class TestOperands:
    def test_tensors_that_broadcast(self, op: Callable[..., Any], device: str) -> None:
        with np.errstate(invalid="ignore"):
            expected = op(np.abs(A), B)
            np.testing.assert_allclose(host(op(tensor(np.abs(A), device), tensor(B, device))), expected, strict=True)

    @pytest.mark.parametrize(
        "number", [3, 2.0, True, np.float64(2.0), np.int64(2), np.float32(0.5), np.bool_(True)], ids=repr
    )
    def test_numbers_on_either_side(self, op: Callable[..., Any], number: Any, device: str) -> None:
        x = tensor(np.abs(A), device)
        assert op(x, number).dtype is (pb.bool if op in COMPARISONS else pb.float64)
        np.testing.assert_allclose(host(op(x, number)), op(np.abs(A), float(number)), strict=True)
        np.testing.assert_allclose(host(op(number, x)), op(float(number), np.abs(A)), strict=True)

    def test_a_number_never_widens_a_floating_dtype(self, op: Callable[..., Any], device: str) -> None:
        x = tensor(np.abs(A).astype(np.float32), device)
        for number in (2, 2.0, True, np.float64(2.0)):
            assert op(x, number).dtype is (pb.bool if op in COMPARISONS else pb.float32)

    def test_raw_arrays_are_refused_with_what_to_write(self, op: Callable[..., Any], device: str) -> None:
        x = tensor(A, device)
        for swapped in (False, True):
            with pytest.raises(BackendMismatchError, match=r"a raw numpy.ndarray; write pb.asarray\(...\)"):
                op(A, x) if swapped else op(x, A)

    def test_strangers_are_left_to_python(self, op: Callable[..., Any], device: str) -> None:
        x = tensor(A, device)
        for stranger in ("text", [1.0], None, object()):
            if op in (operator.eq, operator.ne):
                assert op(x, stranger) is (op is operator.ne)
                continue
            with pytest.raises(TypeError, match=r"not supported between|unsupported operand|only integer Tensors"):
                op(x, stranger)

    def test_a_stranger_that_knows_tensors_has_the_last_word(self, op: Callable[..., Any], device: str) -> None:
        class Knowing:
            def answer(self, other: Any) -> str:
                return "mine"

            __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = answer
            __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = answer
            __hash__ = None

        assert op(tensor(A, device), Knowing()) == "mine"

    def test_other_devices_are_refused_before_anything_runs(self, op: Callable[..., Any]) -> None:
        for one, other in (("cpu", "strict"), ("strict", "strict:device1")):
            with pytest.raises(BackendMismatchError, match=rf"operands on different devices.*{one}.*{other}"):
                op(tensor(A, one), tensor(B, other))

    def test_what_requires_grad(self, op: Callable[..., Any], device: str) -> None:
        x, y = tensor(np.abs(A), device, requires_grad=True), tensor(B, device)
        for out in (op(x, y), op(y, x), op(x, 2), op(2, x), op(x, x)):
            assert out.requires_grad is (op in ARITHMETIC)
        with pb.no_grad():
            assert not op(x, y).requires_grad
        assert not op(y, y).requires_grad


@pytest.mark.parametrize("op", BITS)
def test_bits(op: Callable[..., Any], device: str) -> None:
    a, b = np.array([1, 6, 3]), np.array([3, 5, 0])
    np.testing.assert_array_equal(host(op(tensor(a, device), tensor(b, device))), op(a, b))
    np.testing.assert_array_equal(host(op(tensor(a, device), 5)), op(a, 5))
    np.testing.assert_array_equal(host(op(5, tensor(a, device))), op(5, a))
    np.testing.assert_array_equal(host(op(tensor(a > 2, device), True)), op(a > 2, True))


@pytest.mark.parametrize("op", [operator.lshift, operator.rshift])
def test_shifts(op: Callable[..., Any], device: str) -> None:
    a = np.array([1, 6, 3])
    np.testing.assert_array_equal(host(op(tensor(a, device), 2)), op(a, 2))
    np.testing.assert_array_equal(host(op(2, tensor(a, device))), op(2, a))


@pytest.mark.parametrize("op", [operator.neg, operator.pos, abs])
def test_signs(op: Callable[..., Any], device: str) -> None:
    x = tensor(A, device, requires_grad=True)
    y = op(x)
    np.testing.assert_array_equal(host(y), op(A))
    y.sum().backward()
    np.testing.assert_array_equal(
        host(x.grad), {operator.neg: -1 + 0 * A, operator.pos: 1 + 0 * A, abs: np.sign(A)}[op]
    )


def test_kinds_of_numbers_decide_the_kind_of_an_integer_tensor(device: str) -> None:
    x = pb.tensor([1, 2])
    assert (x + 1).dtype is pb.int64
    assert (x + 1.0).dtype is pb.get_default_dtype()
    assert (x + 1j).dtype.is_complex
    assert (x / 2).dtype is pb.get_default_dtype()
    assert (pb.tensor([True]) + 1).dtype is pb.int64


def test_matmul_takes_tensors_only(device: str) -> None:
    x = tensor(np.eye(2), device)
    for other in (2.0, [1.0, 2.0]):
        with pytest.raises(TypeError, match="unsupported operand"):
            x @ other
    with pytest.raises(BackendMismatchError, match=r"write pb.asarray"):
        np.eye(2) @ x


class TestPlaceInTheGraph:
    @pytest.mark.parametrize("dtype", [pb.int64, pb.int8, pb.uint8, pb.bool], ids=repr)
    def test_only_floating_tensors_require_grad(self, dtype: Any, device: str) -> None:
        x = pb.ones(2, dtype=dtype)
        for attempt in (
            lambda: pb.ones(2, dtype=dtype, requires_grad=True),
            x.requires_grad_,
            lambda: setattr(x, "requires_grad", True),
        ):
            with pytest.raises(RuntimeError, match=f"only floating and complex Tensors.*{dtype.name}"):
                attempt()
        assert not x.requires_grad
        assert not (x == x).requires_grad

    def test_switching_off_and_on_keeps_the_gradient(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        (x * 2).sum().backward()
        x.requires_grad = False
        assert x.grad.tolist() == [2.0, 2.0]
        assert not (x * 2).requires_grad
        x.requires_grad_()
        (x * 3).sum().backward()
        assert x.grad.tolist() == [5.0, 5.0]

    def test_a_result_cannot_be_switched_off(self, device: str) -> None:
        y = pb.ones(2, requires_grad=True) * 2
        with pytest.raises(RuntimeError, match=r"on leaves only; use .detach\(\)"):
            y.requires_grad = False
        assert y.requires_grad
        y.requires_grad = True

    def test_earlier_results_keep_their_history(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        y = x * 2
        x.requires_grad = False
        assert y.requires_grad
        assert not (x * 2).requires_grad

    def test_leaves(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        assert x.is_leaf
        assert pb.ones(2).is_leaf
        assert (pb.ones(2) * 2).is_leaf
        assert not (x * 2).is_leaf
        assert not x.double().is_leaf
        assert x.float() is x
        assert x.grad_fn is None
        assert (x * 2).grad_fn.name() == "MulBackward0"

    def test_the_grad_of_a_result_warns(self, device: str) -> None:
        y = pb.ones(2, requires_grad=True) * 2
        with pytest.warns(UserWarning, match="call .retain_grad"):
            assert y.grad is None

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            (lambda: 1.0, TypeError),
            (lambda: np.ones(3), TypeError),
            (lambda: pb.ones(2), RuntimeError),
            (lambda: pb.ones(3, dtype=pb.float64), RuntimeError),
            (lambda: pb.ones(3, dtype=pb.int64), RuntimeError),
        ],
    )
    def test_a_grad_that_does_not_fit_is_refused(self, wrong: Any, error: type[Exception], device: str) -> None:
        x = pb.ones(3, requires_grad=True)
        mine = x.grad = pb.zeros(3)
        with pytest.raises(error, match="grad"):
            x.grad = wrong()
        assert x.grad is mine

    def test_detach_in_place(self, device: str) -> None:
        y = pb.ones(2, requires_grad=True) * 2
        assert y.detach_() is y
        assert y.is_leaf
        assert not y.requires_grad


class TestData:
    def test_reading_and_writing_through_it(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        assert not x.data.requires_grad
        x.data -= 0.5
        assert x.tolist() == [0.5, 0.5]
        assert x.is_leaf
        assert x.requires_grad

    def test_assigning_copies(self, device: str) -> None:
        x, values = pb.ones(2, requires_grad=True), pb.zeros(3)
        x.data = values
        assert x.shape == (3,)
        values += 1
        assert x.tolist() == [0.0, 0.0, 0.0]
        with pb.no_grad():
            x -= 1
        assert values.tolist() == [1.0, 1.0, 1.0]
        (x * 2).sum().backward()
        assert x.grad.tolist() == [2.0, 2.0, 2.0]

    def test_what_does_not_fit_is_refused(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        with pytest.raises(TypeError, match=r"data: a Tensor is needed, got builtins.list"):
            x.data = [1.0]
        with pytest.raises(DTypeError, match="int64 values were assigned to a leaf that requires grad"):
            x.data = pb.ones(2, dtype=pb.int64)
        with pytest.raises(AutogradError, match="write a new Tensor"):
            (x * 2).data = pb.ones(3)
        with pytest.raises(AutogradError, match="a view shows another Tensor"):
            x[:1].data = pb.ones(1)
        assert x.tolist() == [1.0, 1.0]


class TestWaysOut:
    def test_numbers(self, device: str) -> None:
        x = pb.tensor([[2.5]])
        assert (x.item(), float(x), int(x), complex(x), bool(x)) == (2.5, 2.5, 2, 2.5 + 0j, True)
        assert [1, 2, 3][pb.tensor(1)] == 2
        assert f"{pb.tensor(2.5):.2f}" == "2.50"

    def test_what_has_no_number(self, device: str) -> None:
        several = pb.ones(2)
        for convert in (pb.Tensor.item, float, int, complex, bool):
            with pytest.raises((ValueError, RuntimeError), match=r"\(2,\)"):
                convert(several)
            with pytest.raises(RuntimeError, match=r"\(2,\)"):
                convert(several)
        with pytest.raises(TypeError, match="only integer Tensors"):
            [1, 2][pb.tensor(1.0)]
        for use in (len, list):
            with pytest.raises(TypeError, match="0-d"):
                use(pb.tensor(1.0))

    def test_numpy(self) -> None:
        x = pb.ones(2, requires_grad=True)
        for convert in (pb.Tensor.numpy, np.asarray):
            with pytest.raises(RuntimeError, match=r"requires grad.*write .detach\(\)"):
                convert(x)
        window = x.detach().numpy()
        with pytest.raises(ValueError, match="read-only"):
            window[0] = 5
        assert type(pb.tensor(1.0).numpy()) is np.ndarray
        with pytest.raises(BufferError, match=r"write .detach\(\)"):
            x.__dlpack__()
        with pytest.raises(RuntimeError, match=r"write .to\('cpu'\).numpy\(\)"):
            pb.ones(2, device="strict").numpy()
