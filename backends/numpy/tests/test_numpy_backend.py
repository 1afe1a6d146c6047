"""The NumPy backend: scalars inside, arrays outside, and memory that is written only where that is safe."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pullback as pb
import pytest
from pullback.errors import ArgumentError, DTypeError

BACKEND = pb.device("cpu").backend


def test_importing_the_backend_imports_no_numpy() -> None:
    program = "import sys, pullback_numpy; pullback_numpy.NumPyBackend(); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- 0-d data ---------------------------------------------------------------------------------------------------------


def test_scalars_inside_arrays_outside() -> None:
    x = pb.tensor(2.0) * 3
    assert isinstance(x._array, np.generic), "where arithmetic is fast"
    for out in (x.numpy(), np.asarray(x), np.from_dlpack(x), BACKEND.to_array(x._array)):
        assert type(out) is np.ndarray
        assert out.shape == ()
        assert out == 6


@pytest.mark.parametrize("raw", [np.float32(1.5), np.array(1.5), np.array([1.5])[0], np.array(2, dtype=np.int8)])
def test_zero_d_input_of_either_form(raw: Any) -> None:
    x = pb.asarray(raw)
    assert x.shape == ()
    assert x.item() == raw
    assert x.dtype.name == raw.dtype.name


@pytest.mark.parametrize("op", [lambda x: x + x, lambda x: 2 * x, pb.sin, pb.sum, lambda x: x.pow(2)])
def test_results_stay_in_the_fast_form(op: Any) -> None:
    x = pb.tensor(0.5, requires_grad=True)
    out = op(x)
    assert isinstance(out._array, np.generic)
    out.backward()
    assert type(x.grad.numpy()) is np.ndarray


# --- foreign forms of arrays ------------------------------------------------------------------------------------------


def test_byte_order_is_made_native() -> None:
    x = pb.tensor(np.array([1.0, 2.0], dtype=">f8"))
    assert x.dtype is pb.float64
    assert x._array.dtype.isnative
    assert (x * 2).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("dtype", ["U1", "datetime64[s]", "O", np.longdouble, [("a", "f4")]], ids=str)
def test_dtypes_that_nobody_differentiates_are_refused(dtype: Any) -> None:
    raw = np.zeros(2, dtype=dtype)
    if raw.dtype == np.float64:
        return  # where long double is double
    with pytest.raises(DTypeError, match=r"backend 'numpy': arrays of dtype .* are not supported"):
        pb.asarray(raw)


class Sub(np.ndarray):
    """What other packages make of NumPy's arrays."""


def test_a_subclass_is_read_as_an_array() -> None:
    for copy in (True, False):
        x = pb.asarray(np.ones(2).view(Sub), copy=copy)
        assert type(x._array) is np.ndarray
        assert x.device == "cpu"
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    assert (pb.asarray(matrix) * pb.asarray(matrix)).tolist() == [[1.0, 4.0], [9.0, 16.0]]


def test_a_mask_is_not_dropped_silently() -> None:
    with pytest.raises(ArgumentError, match=r"would lose its mask; write \.filled\(value\)"):
        pb.asarray(np.ma.masked_array([1.0, 2.0], mask=[True, False]))


def test_float16_is_there_though_the_standard_has_it_not() -> None:
    x = pb.ones(3, dtype=pb.float16, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.dtype is pb.float16
    assert "float16" not in x.__array_namespace__().__array_namespace_info__().dtypes()


# --- memory -----------------------------------------------------------------------------------------------------------


def test_a_view_of_numpy_cannot_be_written() -> None:
    x = pb.ones(2)
    window = x.numpy()
    assert not window.flags.writeable
    assert np.shares_memory(window, x._array)
    with pytest.raises(ValueError, match="read-only"):
        window[0] = 5.0


@pytest.mark.parametrize(
    "raw",
    [
        np.arange(6.0)[::2],
        np.arange(6.0).reshape(2, 3).T,
        np.broadcast_to(np.float64(1.0), (2, 2)),
        np.frombuffer(np.ones(2).tobytes()),
    ],
    ids=["strided", "transposed", "broadcast", "read-only"],
)
def test_writing_to_a_tensor_over_borrowed_memory_leaves_it_alone(raw: Any) -> None:
    before = raw.tolist()
    x = pb.asarray(raw, copy=False)
    x += 1
    x[...] = 7.0
    assert raw.tolist() == before
    assert set(np.ravel(x.tolist())) == {7.0}


def test_gradients_own_their_memory() -> None:
    x = pb.ones(3, requires_grad=True)
    y = x + 1
    cotangent = np.ones(3, dtype=np.float32)
    y.backward(pb.asarray(cotangent, copy=False), retain_graph=True)
    y.backward(pb.asarray(cotangent, copy=False))
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
    assert cotangent.tolist() == [1.0, 1.0, 1.0]


def test_what_storage_belongs_to() -> None:
    base = np.zeros(4)
    assert BACKEND.storage(base[1:][::2]) is base
    assert BACKEND.writable(base)
    assert not BACKEND.writable(base[1:])
    assert not BACKEND.writable(np.float64(1))


# --- warnings ---------------------------------------------------------------------------------------------------------


def test_a_backward_pass_does_not_warn_where_forward_did_not() -> None:
    x = pb.tensor([0.0, 1.0], requires_grad=True)
    pb.sqrt(x).sum().backward()
    assert x.grad.tolist() == [float("inf"), 0.5]


def test_forward_warns_as_numpy_does() -> None:
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        pb.log(pb.tensor(0.0))


# --- the library's own namespace -------------------------------------------------------------------------------------


def test_kernels_agree_with_what_they_replace() -> None:
    from pullback_numpy.kernels import KERNELS

    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 5))
    assert KERNELS, "there are some"
    for exponent in (2, 3, -1, 0.5, 2.5):
        values = np.abs(x) + 0.1
        np.testing.assert_allclose(
            (pb.asarray(values) ** exponent).numpy(), np.power(values, exponent), rtol=1e-14, strict=True
        )
