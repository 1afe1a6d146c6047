"""Creation functions of the standard: dtypes, devices, and the two that take arrays apart."""

from __future__ import annotations

import math
from typing import Any

import array_api_strict
import numpy as np
import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, host, numbered, strided, tensor
from pullback import namespace
from pullback.errors import ArgumentError, BackendNotFoundError, DTypeError
from pullback.ops import creation_functions as creation

ROWS: Rows = {
    "meshgrid": [
        (lambda xp, x, y: xp.meshgrid(x, y), (2,), (3,)),
        (lambda xp, x, y: xp.meshgrid(x, y, indexing="ij"), (2,), (3,)),
        (lambda xp, x, y, z: xp.meshgrid(x, y, z), (2,), (1,), (2,)),
        (lambda xp, x: xp.meshgrid(x), (3,)),
        (lambda xp, x, y: xp.meshgrid(x, y), (0,), (2,)),
    ],
    "tril": [
        (lambda xp, x: xp.tril(x), (3, 3)),
        (lambda xp, x: xp.tril(x, k=1), (2, 3)),
        (lambda xp, x: xp.tril(x, k=-1), (2, 3, 2)),
        (lambda xp, x: xp.tril(x), (0, 2)),
    ],
    "triu": [
        (lambda xp, x: xp.triu(x), (3, 3)),
        (lambda xp, x: xp.triu(x, k=1), (2, 3)),
        (lambda xp, x: xp.triu(x, k=-1), (2, 3, 2)),
    ],
}


def test_every_differentiable_function_has_a_row() -> None:
    assert set(namespace.CHAPTERS[creation]) == set(ROWS)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_derivatives(call: Any, arguments: list[Any], kind: str, device: str) -> None:
    check_derivatives(call, gaussian(arguments, kind), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("zeros", ((2, 3),), {}),
    ("zeros", (2,), {"dtype": "int32"}),
    ("ones", ((),), {"dtype": "complex64"}),
    ("full", ((2, 2), 7), {}),
    ("full", (3, 1.5), {"dtype": "float32"}),
    ("full", (2, True), {}),
    ("full", (2, 1j), {"dtype": "complex128"}),
    ("arange", (4,), {}),
    ("arange", (1, 8, 3), {}),
    ("arange", (1.0, 0.0, -0.25), {"dtype": "float64"}),
    ("arange", (3, 3), {}),
    ("linspace", (0.0, 1.0, 5), {"dtype": "float64"}),
    ("linspace", (0.0, 1.0, 4), {"dtype": "float32", "endpoint": False}),
    ("linspace", (2.0, 2.0, 1), {"dtype": "float64"}),
    ("eye", (3,), {"dtype": "float64"}),
    ("eye", (2, 3), {"k": 1, "dtype": "int64"}),
    ("eye", (2, 3), {"k": -5, "dtype": "float32"}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), CALLS, ids=str)
def test_values_and_dtypes(name: str, arguments: tuple[Any, ...], options: dict[str, Any], device: str) -> None:
    def with_dtypes(owner: Any) -> dict[str, Any]:
        return options | ({"dtype": getattr(owner, options["dtype"])} if "dtype" in options else {})

    out = getattr(creation, name)(*arguments, **with_dtypes(pb))
    expected = np.asarray(getattr(array_api_strict, name)(*arguments, **with_dtypes(array_api_strict)))
    assert str(out.device) == device
    assert not out.requires_grad
    np.testing.assert_array_equal(host(out), expected, strict="dtype" in options)


def test_default_dtypes(device: str) -> None:
    for made, dtype in [
        (creation.zeros(2), pb.float32),
        (creation.ones(2), pb.float32),
        (creation.empty(2), pb.float32),
        (creation.full(2, 1), pb.int64),
        (creation.full(2, 1.0), pb.float32),
        (creation.full(2, False), pb.bool),
        (creation.full(2, 1j), pb.complex64),
        (creation.arange(3), pb.int64),
        (creation.arange(3.0), pb.float32),
        (creation.linspace(0, 1, 2), pb.float32),
        (creation.linspace(0, 1j, 2), pb.complex64),
        (creation.eye(2), pb.float32),
        (creation.asarray([1, 2]), pb.int64),
        (creation.asarray([1, 2.0]), pb.float32),
        (creation.asarray([True, False]), pb.bool),
        (creation.asarray([True, 2]), pb.int64),
        (creation.asarray([1j, 2]), pb.complex64),
        (creation.asarray([]), pb.float32),
    ]:
        assert made.dtype is dtype


@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "empty_like"])
def test_like(name: str, device: str) -> None:
    x = tensor(np.ones((2, 3), dtype=np.int32), device)
    made = getattr(creation, name)(x)
    assert (made.shape, made.dtype, made.device) == (x.shape, x.dtype, x.device)
    assert getattr(creation, name)(x, dtype=pb.float64).dtype is pb.float64
    assert str(getattr(creation, name)(x, device="strict:device2").device) == "strict:device2"


def test_full_like(device: str) -> None:
    x = tensor(np.ones(2, dtype=np.float64), device)
    made = creation.full_like(x, 3)
    assert (made.dtype, made.tolist(), made.device) == (pb.float64, [3.0, 3.0], x.device)


def test_full_of_a_tensor_is_differentiable(device: str) -> None:
    x = pb.tensor(2.0, requires_grad=True)
    out = creation.full((2, 3), x)
    assert out.tolist() == [[2.0] * 3] * 2
    (grad,) = pb.autograd.grad(out.sum(), x)
    assert float(grad) == 6.0


def test_nested_sequences_of_tensors_are_stacked(device: str) -> None:
    x, y = pb.tensor(2.0, requires_grad=True), pb.tensor([1.0, 3.0])
    out = creation.asarray([[x, 1.0], y])
    assert out.tolist() == [[2.0, 1.0], [1.0, 3.0]]
    (grad,) = pb.autograd.grad((out * out).sum(), x)
    assert float(grad) == 4.0


class TestAsarray:
    def test_a_tensor_is_itself_unless_copied(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        assert creation.asarray(x) is x
        assert creation.asarray(x, copy=False) is x
        copied = creation.asarray(x, copy=True)
        assert copied is not x
        assert copied.requires_grad

    def test_a_raw_array_is_copied_unless_told_otherwise(self) -> None:
        raw = np.ones(2)
        copied, shared = creation.asarray(raw), creation.asarray(raw, copy=False)
        raw[0] = 5.0
        assert copied.tolist() == [1.0, 1.0]
        assert shared.tolist() == [5.0, 1.0]

    def test_a_raw_array_stays_on_its_backend(self) -> None:
        raw = array_api_strict.ones(2, device=array_api_strict.Device("device1"))
        with pb.device("cpu"):
            assert str(creation.asarray(raw).device) == "strict:device1"
            assert str(creation.asarray(np.ones(2), device="strict").device) == "strict"

    def test_numpy_scalars_and_0d_arrays(self, device: str) -> None:
        for raw in (np.float64(2.5), np.asarray(2.5)):
            made = creation.asarray(raw)
            assert (made.shape, made.dtype, float(made)) == ((), pb.float64, 2.5)

    @pytest.mark.parametrize(
        ("data", "dtype"),
        [
            ([np.float64(1.5), 2], "float64"),
            ([[np.int8(1)], [np.int8(2)]], "int8"),
            ([np.int32(1), 2], "int64"),
            ([np.float32(1.5), np.complex64(2)], "complex64"),
        ],
        ids=str,
    )
    def test_sequences_of_numpy_scalars(self, data: Any, dtype: str, device: str) -> None:
        made = creation.asarray(data)
        assert made.dtype.name == dtype
        np.testing.assert_array_equal(host(made), np.asarray(data))

    def test_foreign_byte_order(self) -> None:
        assert creation.asarray(np.asarray([1.5, 2.5], dtype=">f4")).tolist() == [1.5, 2.5]

    @pytest.mark.parametrize("data", ["text", object(), {1: 2}, None, [1.0, "a"], {1.0}])
    def test_other_data_is_refused(self, data: Any) -> None:
        with pytest.raises(ArgumentError, match="expected a Tensor, a raw array of an installed backend"):
            creation.asarray(data)

    @pytest.mark.parametrize("dtype", ["U3", "datetime64[s]", "O"])
    def test_other_dtypes_are_refused(self, dtype: str) -> None:
        with pytest.raises(DTypeError, match="not supported"):
            creation.asarray(np.zeros(2, dtype=dtype))

    def test_ragged_sequences_are_refused(self, device: str) -> None:
        with pytest.raises(ValueError, match=r"inhomogeneous|shape"):
            creation.asarray([[1.0, 2.0], [3.0]])

    def test_an_unknown_device_is_refused(self) -> None:
        with pytest.raises(BackendNotFoundError, match="'tpu'"):
            creation.asarray([1.0], device="tpu")


def test_from_dlpack_keeps_history_or_shares_memory(device: str) -> None:
    x = pb.ones(2, requires_grad=True)
    assert creation.from_dlpack(x) is x
    raw = np.ones(2)
    made = creation.from_dlpack(raw)
    raw[0] = 2.0
    assert made.tolist() == [2.0, 1.0]
    assert creation.from_dlpack(raw, copy=True).tolist() == [2.0, 1.0]


@pytest.mark.parametrize("options", [{"dtype": "float32"}, {"device": "strict:device2"}], ids=str)
def test_what_takes_a_copy_is_refused_without_one(options: dict[str, Any], device: str) -> None:
    given = {name: getattr(pb, value) if name == "dtype" else value for name, value in options.items()}
    for obj in (tensor(np.ones(2), device), np.ones(2)):
        with pytest.raises(ValueError, match="takes a copy"):
            creation.asarray(obj, copy=False, **given)


def test_from_dlpack_moves_only_if_it_may_copy(device: str) -> None:
    x = tensor(np.ones(2), device)
    assert str(creation.from_dlpack(x, device="strict:device2").device) == "strict:device2"
    with pytest.raises(ValueError, match="takes a copy"):
        creation.from_dlpack(x, device="strict:device2", copy=False)


def test_linspace_and_arange_reach_infinity_only_if_asked() -> None:
    assert all(math.isfinite(value) for value in pb.linspace(-1e30, 1e30, 5).tolist())


def test_meshgrid_wants_a_known_indexing() -> None:
    with pytest.raises(ValueError, match="'xy' or 'ij'"):
        creation.meshgrid(pb.ones(2), indexing="yx")
