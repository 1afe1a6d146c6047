"""Conversions, and questions about dtypes."""

from __future__ import annotations

from typing import Any

import array_api_strict
import numpy as np
import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, host, numbered, strided, tensor
from pullback import dtypes, namespace
from pullback.errors import DTypeError
from pullback.ops import data_type_functions

ROWS: Rows = {
    "astype": [
        (lambda xp, x: xp.astype(x, xp.complex128), (3,)),
        (lambda xp, x: xp.astype(x, xp.float64), (2, 3)),
        (lambda xp, x: xp.astype(x, xp.float64, copy=False) * 2, (2, 0)),
        (lambda xp, x: xp.astype(x, xp.complex128) * xp.astype(x, xp.complex128), ()),
    ],
}
NOTHING_TO_DIFFERENTIATE = {"can_cast", "finfo", "iinfo", "isdtype", "result_type"}
NAMES = [name for name in dtypes.DTYPES if name != "float16"]


def test_every_differentiable_function_has_a_row() -> None:
    assert set(namespace.CHAPTERS[data_type_functions]) == set(ROWS) | NOTHING_TO_DIFFERENTIATE


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_derivatives(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


@pytest.mark.parametrize(("source", "target"), [("float32", "float64"), ("float64", "float32")])
def test_the_gradient_has_the_dtype_of_the_operand(source: str, target: str, device: str) -> None:
    x = tensor(np.asarray([1.0, 2.0], dtype=source), device, requires_grad=True)
    out = x.astype(getattr(pb, target))
    (grad,) = pb.autograd.grad(out, x, pb.ones_like(out))
    assert (out.dtype.name, grad.dtype.name) == (target, source)


def test_mixed_precision_gives_each_gradient_the_dtype_of_its_leaf(device: str) -> None:
    x = tensor(np.asarray([1.0, 2.0], dtype=np.float32), device, requires_grad=True)
    y = tensor(np.asarray([3.0, 4.0]), device, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.dtype is pb.float32
    assert y.grad.dtype is pb.float64


def test_to_integers_and_back_is_cut(device: str) -> None:
    x = pb.tensor([1.5, 2.5], requires_grad=True)
    assert not x.int().requires_grad
    assert not x.int().double().requires_grad
    assert not (x > 2).requires_grad
    assert (x.int() * x).requires_grad


def test_the_same_dtype_is_the_same_leaf_or_a_copy_in_the_graph(device: str) -> None:
    x = pb.ones(2, requires_grad=True)
    assert x.float() is x
    assert x.double().is_leaf is False
    copied = x.astype(pb.float32)
    assert copied is not x
    assert copied.requires_grad


def test_complex_to_real_is_refused(device: str) -> None:
    with pytest.raises(DTypeError, match="drop the imaginary part"):
        tensor([1j], device).astype(pb.float64)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.float64, "float64"), (np.dtype("int8"), "int8"), (bool, "bool"), (int, "int64")],
    ids=str,
)
def test_dtypes_of_numpy_and_of_python_are_understood(dtype: Any, expected: str, device: str) -> None:
    assert pb.ones(2).astype(dtype).dtype.name == expected


def test_python_floats_mean_the_default_dtype_of_whom_is_asked(device: str) -> None:
    x = pb.ones(2)
    assert x.astype(float).dtype is pb.float32
    assert x.__array_namespace__().astype(x, float).dtype is pb.float64
    assert x.__array_namespace__().result_type(1.0, 2) is pb.float64


def test_astype_to_a_device(device: str) -> None:
    x = pb.ones(2, requires_grad=True)
    out = pb.astype(x, pb.float64, device="strict:device2")
    assert (out.dtype, str(out.device)) == (pb.float64, "strict:device2")
    (grad,) = pb.autograd.grad(out.sum(), x)
    assert (grad.dtype, grad.device) == (x.dtype, x.device)
    assert pb.astype(x, x.dtype, device=x.device, copy=False) is x


@pytest.mark.parametrize("dtype", ["float8", np.str_, object, None])
def test_something_else_than_a_dtype_is_refused(dtype: Any) -> None:
    with pytest.raises(DTypeError, match=r"a dtype such as pb\.float64"):
        pb.ones(2).astype(dtype)


# --- questions about dtypes, answered as array-api-strict does --------------------------------------------------------

XP: Any = pb.ones(1).__array_namespace__()


@pytest.mark.parametrize("first", NAMES)
def test_result_type_and_can_cast(first: str) -> None:
    for second in NAMES:
        ours, theirs = (
            (getattr(XP, first), getattr(XP, second)),
            [getattr(array_api_strict, n) for n in (first, second)],
        )
        try:
            expected = str(array_api_strict.result_type(*theirs)).rpartition(".")[2]
        except TypeError:
            continue  # the standard leaves it open, see test_dtypes.py
        assert XP.result_type(*ours).name == expected
        assert XP.can_cast(*ours) == array_api_strict.can_cast(*theirs)


def test_result_type_of_arrays_and_numbers(device: str) -> None:
    x = tensor(np.ones(2, dtype=np.float32), device)
    assert XP.result_type(x, pb.float64) is pb.float64
    assert XP.result_type(x, 2.0, 1) is pb.float32
    assert XP.result_type(x, 1j) is pb.complex64
    assert XP.result_type(tensor(np.ones(2, dtype=np.int8), device), 5) is pb.int8


@pytest.mark.parametrize("name", ["float32", "float64", "complex64", "complex128"])
def test_finfo(name: str) -> None:
    found, expected = XP.finfo(getattr(XP, name)), np.finfo(name)
    for attribute in ("bits", "eps", "max", "min", "smallest_normal"):
        assert getattr(found, attribute) == getattr(expected, attribute), attribute
    assert found.dtype.name == expected.dtype.name


@pytest.mark.parametrize("name", [name for name in NAMES if "int" in name])
def test_iinfo(name: str) -> None:
    found, expected = XP.iinfo(getattr(XP, name)), np.iinfo(name)
    assert (found.bits, found.min, found.max, found.dtype.name) == (expected.bits, expected.min, expected.max, name)


def test_finfo_and_iinfo_refuse_the_other_kind(device: str) -> None:
    with pytest.raises(DTypeError, match="finfo: a floating dtype is needed, got int32"):
        XP.finfo(pb.int32)
    with pytest.raises(DTypeError, match="iinfo: an integer dtype is needed, got float32"):
        XP.iinfo(pb.ones(2))


@pytest.mark.parametrize("name", NAMES)
def test_isdtype(name: str) -> None:
    kinds = ("bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric")
    for kind in (*kinds, ("bool", "integral")):
        expected = array_api_strict.isdtype(getattr(array_api_strict, name), kind)
        assert XP.isdtype(getattr(XP, name), kind) == expected, kind
    with pytest.raises(ValueError, match="'floating' is no kind of dtype"):
        XP.isdtype(getattr(XP, name), "floating")


def test_clone_copies_values_and_keeps_history(device: str) -> None:
    x = pb.ones(2, requires_grad=True)
    y = (x * 1).clone()
    z = y.clone()
    z *= 3
    assert y.tolist() == [1.0, 1.0]
    (grad,) = pb.autograd.grad(z.sum(), x)
    assert host(grad).tolist() == [3.0, 3.0]
