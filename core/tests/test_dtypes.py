"""dtypes: one object each, the standard's promotion table, and PyTorch's rule for mixed kinds and Python numbers."""

from __future__ import annotations

import contextvars
import copy
import itertools
import pickle
from typing import Any

import array_api_strict
import numpy as np
import pullback as pb
import pytest
from pullback import dtypes
from pullback.dtypes import DTYPES, promote, promote_scalar
from pullback.errors import DTypeError

NAMES = list(DTYPES)
STANDARD = [name for name in NAMES if name != "float16"]


@pytest.mark.parametrize("name", NAMES)
def test_one_object(name: str) -> None:
    dtype = getattr(pb, name)
    assert dtype is DTYPES[name]
    assert repr(dtype) == f"pullback.{name}"
    assert dtype.itemsize == np.dtype(name).itemsize
    assert dtype.is_floating_point == (np.dtype(name).kind == "f")
    assert dtype.is_complex == (np.dtype(name).kind == "c")
    assert dtype.differentiable == (np.dtype(name).kind in "fc")
    assert pickle.loads(pickle.dumps(dtype)) is dtype
    assert copy.deepcopy(dtype) is dtype


@pytest.mark.parametrize("name", STANDARD)
def test_every_backend_maps_to_its_own(name: str, device: str) -> None:
    x = pb.zeros(1, dtype=getattr(pb, name))
    assert x.dtype is getattr(pb, name)
    assert str(x._array.dtype).rpartition(".")[2] == name


def test_the_promotion_table_of_the_standard() -> None:
    for one, other in itertools.product(STANDARD, repeat=2):
        first, second = getattr(array_api_strict, one), getattr(array_api_strict, other)
        try:
            expected = array_api_strict.result_type(first, second)
        except TypeError:
            continue  # what the standard leaves open
        assert promote(DTYPES[one], DTYPES[other]).name == str(expected).rpartition(".")[2]


def test_mixed_kinds_take_the_dtype_of_the_higher_kind() -> None:
    for integer in ("bool", "int8", "uint64"):
        for floating in ("float16", "float32", "complex64"):
            assert promote(DTYPES[integer], DTYPES[floating]).name == floating
            assert promote(DTYPES[floating], DTYPES[integer]).name == floating
    for wide in ("int64", "int8"):
        with pytest.raises(DTypeError, match=r"have no common dtype: convert one with \.astype\(\)"):
            promote(pb.uint64, DTYPES[wide])


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations_with_replacement(NAMES, 2)))
def test_promotion_commutes_and_loses_nothing(one: str, other: str) -> None:
    first, second = DTYPES[one], DTYPES[other]
    try:
        found = promote(first, second)
    except DTypeError:
        with pytest.raises(DTypeError):
            promote(second, first)
        return
    assert promote(second, first) is found
    assert found.rank >= max(first.rank, second.rank)
    assert promote(found, first) is found
    if first.kind == second.kind:
        assert found.bits == max(first.bits, second.bits)


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        ("float64", 2, "float64"),
        ("float32", 2.5, "float32"),
        ("float16", 2.5, "float16"),
        ("float64", 1j, "complex128"),
        ("float32", 1j, "complex64"),
        ("complex64", 2.5, "complex64"),
        ("int8", 2, "int8"),
        ("uint8", -1, "uint8"),
        ("int64", 2.5, "float32"),
        ("int64", 1j, "complex64"),
        ("bool", 2, "int64"),
        ("bool", True, "bool"),
        ("bool", 0.5, "float32"),
        ("int32", True, "int32"),
    ],
)
def test_a_python_number_takes_the_dtype_of_the_array(dtype: str, value: Any, expected: str) -> None:
    assert promote_scalar(DTYPES[dtype], value).name == expected


def test_a_number_is_not_a_dtype() -> None:
    with pytest.raises(DTypeError, match="expected a Python scalar, got str"):
        dtypes.of_scalar("1")


def test_the_default_dtype_belongs_to_the_context(device: str) -> None:
    def inside() -> None:
        pb.set_default_dtype(pb.float64)
        assert pb.get_default_dtype() is pb.float64
        for made in (pb.tensor(1.5), pb.ones(2), pb.randn(2), pb.linspace(0, 1, 2), pb.tensor([1, 2]) * 0.5):
            assert made.dtype is pb.float64
        assert pb.tensor(1j).dtype is pb.complex128
        assert pb.tensor(1).dtype is pb.int64

    contextvars.copy_context().run(inside)
    assert pb.tensor(1.5).dtype is pb.float32
    assert pb.tensor(1j).dtype is pb.complex64


@pytest.mark.parametrize("wrong", [pb.int32, pb.complex64, "float64", float, None])
def test_a_default_dtype_is_real_floating(wrong: Any) -> None:
    with pytest.raises(DTypeError, match=r"set_default_dtype: a real floating dtype such as pb.float64 is needed, got"):
        pb.set_default_dtype(wrong)
    assert pb.get_default_dtype() is pb.float32


def test_defaults_are_restored_after_an_error() -> None:
    def fails() -> None:
        with dtypes.defaults(pb.float64, pb.int32):
            assert pb.tensor(1.0).dtype is pb.float64
            assert pb.tensor(1).dtype is pb.int32
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert pb.tensor(1.0).dtype is pb.float32
    assert pb.tensor(1).dtype is pb.int64


def test_parts_of_complex_numbers() -> None:
    assert [dtypes.to_complex(d).name for d in (pb.float32, pb.float64, pb.complex64)] == [
        "complex64",
        "complex128",
        "complex64",
    ]
    assert [dtypes.to_real(d).name for d in (pb.complex64, pb.complex128, pb.float16)] == [
        "float32",
        "float64",
        "float16",
    ]


def test_narrower() -> None:
    found = [dtypes.narrower(DTYPES[name]).name for name in ("float64", "int64", "complex128", "int8", "complex64")]
    assert found == ["float32", "int32", "complex64", "int8", "complex64"]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(pb.int8, pb.int8), (np.float32, pb.float32), (np.dtype("uint16"), pb.uint16), (bool, pb.bool), (int, pb.int64)],
    ids=str,
)
def test_what_counts_as_a_dtype(value: Any, dtype: Any) -> None:
    assert dtypes.read_dtype(value, "op") is dtype


@pytest.mark.parametrize("wrong", [3, np.datetime64, "f8", [1], None], ids=str)
def test_what_does_not(wrong: Any) -> None:
    with pytest.raises(DTypeError, match=r"^op: a dtype such as pb.float64 is needed, got"):
        dtypes.read_dtype(wrong, "op")


def test_old_names() -> None:
    assert (pb.float, pb.double, pb.int, pb.long) == (pb.float32, pb.float64, pb.int32, pb.int64)
    assert (pb.FloatTensor, pb.DoubleTensor, pb.LongTensor) == (pb.float32, pb.float64, pb.int64)
    assert (pb.cuda.FloatTensor, pb.cuda.DoubleTensor) == (pb.float32, pb.float64)
