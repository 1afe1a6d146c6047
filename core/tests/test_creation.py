"""Creation at the top level: PyTorch's call shapes beside the standard's, and errors that say what to write."""

from __future__ import annotations

import array
import math
from fractions import Fraction
from typing import Any

import array_api_strict
import numpy as np
import pullback as pb
import pytest
from helpers import toy
from helpers.checks import host
from pullback.errors import ArgumentError, BackendNotFoundError, DTypeError, ShapeError

FILLED = ["ones", "zeros", "empty", "randn", "rand"]
INFINITY, NAN = math.inf, math.nan


# --- shapes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILLED)
def test_every_way_to_say_a_shape(name: str, device: str) -> None:
    make = getattr(pb, name)
    for made in (make(2, 3), make((2, 3)), make([2, 3]), make(size=(2, 3)), make(np.int64(2), 3)):
        assert made.shape == (2, 3)
        assert made.dtype is pb.float32
        assert str(made.device) == device
    assert make(()).shape == ()
    assert make(4).shape == make((4,)).shape == (4,)
    assert make(0, 2).shape == (0, 2)


@pytest.mark.parametrize("name", FILLED)
@pytest.mark.parametrize(
    ("args", "options", "error", "match"),
    [
        ((), {}, ArgumentError, "say the shape once"),
        ((2,), {"size": (2,)}, ArgumentError, "say the shape once"),
        ((-1,), {}, ShapeError, r"no length can be negative, got the shape \(-1,\)"),
        (((2, -3),), {}, ShapeError, "negative"),
        ((2.5,), {}, ArgumentError, "a shape is an integer or a tuple of integers, got 2.5"),
        (("23",), {}, ArgumentError, "integers, got '23'"),
        (((2,), 3), {}, ArgumentError, r"integers, got \(\(2,\), 3\)"),
        ((2,), {"dtype": "real"}, DTypeError, "a dtype such as pb.float64 is needed, got 'real'"),
        ((2,), {"device": "abacus"}, BackendNotFoundError, "'abacus'(.|\n)*installed: numpy"),
        ((2,), {"device": 1}, ArgumentError, "a Device is needed, got 1"),
    ],
    ids=str,
)
def test_wrong_shapes_dtypes_and_devices(
    name: str, args: Any, options: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        getattr(pb, name)(*args, **options)
    if "device" not in options:
        assert str(caught.value).startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["ones", "zeros"])
def test_the_standards_keyword(name: str) -> None:
    assert getattr(pb, name)(shape=(2, 3)).shape == (2, 3)


def test_full(device: str) -> None:
    for made in (
        pb.full((2,), 7.0),
        pb.full(2, 7.0),
        pb.full(shape=(2,), fill_value=7.0),
        pb.full(size=2, fill_value=7.0),
    ):
        assert made.tolist() == [7.0, 7.0]
    assert pb.full((), 3).dtype is pb.int64
    assert pb.full((), np.float64(3)).dtype is pb.float64
    assert pb.full((), Fraction(1, 2)).item() == 0.5
    x = pb.tensor(2.0, requires_grad=True)
    (grad,) = pb.autograd.grad(pb.full((3,), x).sum(), x)
    assert grad.item() == 3.0


def test_arange(device: str) -> None:
    for made in (pb.arange(1, 4), pb.arange(start=1, stop=4), pb.arange(1, end=4), pb.arange(1, 4, step=1)):
        assert made.tolist() == [1, 2, 3]
    assert pb.arange(3).tolist() == pb.arange(end=3).tolist() == pb.arange(np.int32(3)).tolist() == [0, 1, 2]
    assert pb.arange(0, 1, 0.25).tolist() == [0.0, 0.25, 0.5, 0.75]


def test_linspace_and_eye(device: str) -> None:
    assert pb.linspace(0, 1, 3).tolist() == pb.linspace(0, 1, steps=3).tolist() == pb.linspace(0, 1, num=3).tolist()
    assert pb.linspace(0, 1, 2, endpoint=False).tolist() == [0.0, 0.5]
    assert pb.eye(2, 3, k=1).tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


WRONG = [
    (lambda: pb.full((2,)), ArgumentError, "full: fill_value must be a Python number, got NoneType"),
    (lambda: pb.full((2,), "a"), ArgumentError, "full: fill_value must be a Python number, got str"),
    (
        lambda: pb.full((2,), 1j, dtype=pb.float32),
        DTypeError,
        "full: 1j does not fit into float32; write dtype=pb.complex64",
    ),
    (lambda: pb.full((2,), 300, dtype=pb.uint8), DTypeError, "full: 300 does not fit into uint8; write dtype=pb.int64"),
    (lambda: pb.full((2,), -1, dtype=pb.uint64), DTypeError, "full: -1 does not fit into uint64"),
    (
        lambda: pb.full((2,), NAN, dtype=pb.int64),
        DTypeError,
        "full: nan does not fit into int64; write dtype=pb.float64",
    ),
    (lambda: pb.arange(), ArgumentError, "arange: say where to stop, once"),
    (lambda: pb.arange(0, 3, end=4), ArgumentError, "arange: say where to stop, once"),
    (lambda: pb.arange(0, 3, 0), ArgumentError, "arange: step must not be 0"),
    (lambda: pb.arange("a"), ArgumentError, "arange: stop must be a Python number, got str"),
    (lambda: pb.arange(pb.tensor(3)), ArgumentError, r"arange: stop .* got Tensor; write .item\(\)"),
    (lambda: pb.linspace(0, 1), ArgumentError, "linspace: say how many numbers, once"),
    (lambda: pb.linspace(0, 1, 3, steps=4), ArgumentError, "linspace: say how many numbers, once"),
    (lambda: pb.linspace(0, 1, -3), ArgumentError, "linspace: num must be an integer that is not negative, got -3"),
    (lambda: pb.linspace(0, 1, 3.5), ArgumentError, "linspace: num must be an integer that is not negative, got 3.5"),
    (lambda: pb.linspace("a", 1, 3), ArgumentError, "linspace: start must be a Python number, got str"),
    (lambda: pb.linspace(0, 1j, 3, dtype=pb.float32), DTypeError, "linspace: 1j does not fit into float32"),
    (lambda: pb.eye(-1), ArgumentError, "eye: n_rows must be an integer that is not negative, got -1"),
    (lambda: pb.eye(2, "a"), ArgumentError, "eye: n_cols must be"),
    (lambda: pb.ones_like([1.0]), ArgumentError, r"ones_like: a Tensor is needed, got list; write pb.asarray\(...\)"),
    (lambda: pb.zeros_like(np.ones(2)), ArgumentError, "zeros_like: a Tensor is needed, got ndarray"),
    (lambda: pb.full_like(1.0, 2.0), ArgumentError, "full_like: a Tensor is needed, got float"),
    (lambda: pb.from_numpy([1.0]), ArgumentError, r"from_numpy: a NumPy array is needed, got list; write pb.asarray"),
    (lambda: pb.from_numpy(array_api_strict.ones(2)), ArgumentError, "from_numpy: a NumPy array is needed, got Array"),
    (lambda: pb.from_numpy(pb.ones(2)), ArgumentError, "from_numpy: a NumPy array is needed, got Tensor"),
    (lambda: pb.tensor("abc"), ArgumentError, "tensor: expected a Tensor, .* got builtins.str"),
    (lambda: pb.tensor(None), ArgumentError, "tensor: expected .* got builtins.NoneType"),
    (lambda: pb.tensor([1.0, None]), ArgumentError, "tensor: expected .* got builtins.NoneType"),
    (lambda: pb.asarray({1.0}), ArgumentError, "asarray: expected .* got builtins.set"),
    (lambda: pb.as_tensor(object()), ArgumentError, "as_tensor: expected .* got builtins.object"),
    (lambda: pb.tensor([[1, 2], [3]]), ShapeError, r"tensor: nested .* one item has shape \(2,\) and another \(1,\)"),
    (lambda: pb.tensor([[1, 2], 3]), ShapeError, r"tensor: nested .* \(2,\) and another \(\)"),
    (lambda: pb.tensor([[1.0], pb.ones(2)]), ShapeError, r"\(1,\) and another \(2,\)"),
    (lambda: pb.tensor(2**70), DTypeError, f"tensor: {2**70} does not fit into int64; write dtype=pb.float64"),
    (
        lambda: pb.tensor([1, 300], dtype=pb.int8),
        DTypeError,
        "tensor: 300 does not fit into int8; write dtype=pb.int64",
    ),
    (
        lambda: pb.tensor(INFINITY, dtype=pb.int32),
        DTypeError,
        "tensor: inf does not fit into int32; write dtype=pb.float64",
    ),
    (
        lambda: pb.tensor([1j], dtype=pb.float64),
        DTypeError,
        "tensor: 1j does not fit into float64; write dtype=pb.complex128",
    ),
    (lambda: pb.tensor([1], requires_grad=True), DTypeError, r"requires_grad: .* int64; convert it with .astype"),
    (lambda: pb.zeros(3, dtype=pb.bool, requires_grad=True), DTypeError, "requires_grad: .* bool"),
    (lambda: pb.tensor([1.0], dtype=3), DTypeError, "tensor: a dtype such as pb.float64 is needed, got 3"),
    (lambda: pb.tensor(np.array(["a"])), DTypeError, "backend 'numpy': arrays of dtype <U1 are not supported"),
]


@pytest.mark.parametrize(("call", "error", "match"), WRONG, ids=[match for _, _, match in WRONG])
def test_wrong_input(call: Any, error: type[Exception], match: str, device: str) -> None:
    with pytest.raises(error, match=match):
        call()


# --- what becomes a Tensor ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pb.tensor, pb.asarray, pb.as_tensor])
@pytest.mark.parametrize(
    ("data", "dtype", "values"),
    [
        (1.5, pb.float32, 1.5),
        (2, pb.int64, 2),
        (True, pb.bool, True),
        (1j, pb.complex64, 1j),
        ([], pb.float32, []),
        ([[], []], pb.float32, [[], []]),
        ([1, 2.0], pb.float32, [1.0, 2.0]),
        ((1, (2)), pb.int64, [1, 2]),
        (range(3), pb.int64, [0, 1, 2]),
        ([np.float64(1.5)], pb.float64, [1.5]),
        (np.int8(3), pb.int8, 3),
        (array.array("d", [1.0, 2.0]), pb.float64, [1.0, 2.0]),
        (array.array("h", [1, -2]), pb.int16, [1, -2]),
        (array.array("f", []), pb.float32, []),
        (b"ab", pb.uint8, [97, 98]),
        (memoryview(b"abcd").cast("B", (2, 2)), pb.uint8, [[97, 98], [99, 100]]),
        (memoryview(bytes([0, 1])).cast("?"), pb.bool, [False, True]),
    ],
    ids=lambda value: "memory" if isinstance(value, memoryview) else str(value),
)
def test_data(make: Any, data: Any, dtype: Any, values: Any, device: str) -> None:
    made = make(data)
    assert made.dtype is dtype
    assert made.tolist() == values
    assert type(made.tolist()) is type(values)
    if not isinstance(data, np.generic):
        assert str(made.device) == device


@pytest.mark.parametrize(
    "raw", [np.ones(2), array_api_strict.ones(2), toy.asarray([1.0, 1.0])], ids=["numpy", "strict", "toy"]
)
def test_an_array_stays_with_its_library(raw: Any, device: str) -> None:
    made = pb.tensor(raw)
    assert made.dtype is pb.float64
    assert made.device.backend is pb.asarray(raw).device.backend
    assert type(made._array) is type(raw)
    moved = pb.tensor(raw, device=device, dtype=pb.float32)
    assert (str(moved.device), moved.dtype) == (device, pb.float32)


def test_tensor_copies_and_cuts_off_history() -> None:
    raw = np.ones(2)
    x = pb.tensor(raw, requires_grad=True)
    raw[0] = 5.0
    assert x.tolist() == [1.0, 1.0]
    with pytest.warns(UserWarning, match="has no history"):
        y = pb.tensor(x * 2)
    assert y.is_leaf
    assert not y.requires_grad
    y[0] = 9.0
    assert x.tolist() == [1.0, 1.0]
    with pytest.warns(UserWarning, match="has no history"):
        z = pb.tensor(x, requires_grad=True)
    assert z.is_leaf
    assert z.requires_grad
    assert z is not x


def test_as_tensor_keeps_what_fits() -> None:
    x = pb.ones(2, requires_grad=True)
    assert pb.as_tensor(x) is x
    assert pb.as_tensor(x, pb.float32, "cpu") is x
    y = pb.as_tensor(x, dtype=pb.float64, device="strict")
    (grad,) = pb.autograd.grad(y.sum(), x)
    assert grad.tolist() == [1.0, 1.0]


def test_from_numpy_reads_the_memory_and_never_writes_it() -> None:
    raw = np.ones(2)
    x = pb.from_numpy(raw)
    assert np.shares_memory(x._array, raw)
    raw[0] = 5.0
    assert x.tolist() == [5.0, 1.0]
    x[1] = 7.0
    x *= 2
    assert x.tolist() == [10.0, 14.0]
    assert raw.tolist() == [5.0, 1.0]


def test_requires_grad_makes_a_leaf(device: str) -> None:
    like = pb.ones(2)
    for made in (
        pb.tensor([1.0], requires_grad=True),
        pb.ones(2, requires_grad=True),
        pb.full((), 1.0, requires_grad=True),
        pb.arange(2.0, requires_grad=True),
        pb.linspace(0, 1, 2, requires_grad=True),
        pb.eye(2, requires_grad=True),
        pb.zeros_like(like, requires_grad=True),
        pb.full_like(like, 2.0, requires_grad=True),
        pb.randn(2, requires_grad=True),
        pb.rand(2, dtype=pb.complex128, requires_grad=True),
    ):
        assert made.requires_grad
        assert made.is_leaf
        assert made.grad is None
    with pb.no_grad():
        assert pb.ones(2, requires_grad=True).requires_grad


@pytest.mark.parametrize("place", ["strict:no_float64", "strict:no_x64"])
def test_a_device_without_wide_dtypes_says_so(place: str) -> None:
    with pytest.raises(DTypeError, match=f"zeros: '{place}' has no float64; write dtype=pb.float32"):
        pb.zeros(2, dtype=pb.float64, device=place)
    assert pb.zeros(2, device=place).dtype is pb.float32
    if place == "strict:no_x64":
        with pytest.raises(DTypeError, match=r"arange: 'strict:no_x64' has no int64; write dtype=pb.int32"):
            pb.arange(2, device=place)


def test_asarray_takes_to_a_device_what_it_can_hold() -> None:
    wide = np.asarray([1, 2])
    for made in (
        pb.asarray(wide, dtype=pb.int32, device="strict:no_x64"),
        pb.tensor(wide, dtype=pb.int32, device="strict:no_x64"),
    ):
        assert (made.dtype, str(made.device)) == (pb.int32, "strict:no_x64")
    back = pb.asarray(made, dtype=pb.float64, device="cpu")
    assert (back.dtype, back.tolist()) == (pb.float64, [1.0, 2.0])


def test_wrong_input_changes_nothing() -> None:
    before = pb.get_default_device(), pb.get_default_dtype()
    pb.manual_seed(3)
    expected = pb.randn(2).tolist()
    pb.manual_seed(3)
    for wrong in (lambda: pb.randn(-1), lambda: pb.randn(2, dtype=pb.int8), lambda: pb.randint(3, 3, (2,))):
        with pytest.raises(pb.errors.PullbackError):
            wrong()
    assert pb.randn(2).tolist() == expected
    assert (pb.get_default_device(), pb.get_default_dtype()) == before


def test_every_array_is_made_with_dtype_and_device(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = pb.device("strict:device1").backend
    seen: list[Any] = []
    for name in ("zeros", "full", "arange", "linspace", "eye", "asarray"):
        original = getattr(backend.namespace, name)

        def spy(*args: Any, original: Any = original, **options: Any) -> Any:
            seen.append((options["dtype"], options["device"]))
            return original(*args, **options)

        monkeypatch.setattr(backend.namespace, name, spy)
    with pb.device("strict:device1"):
        made = [pb.zeros(2), pb.full(2, 1.0), pb.arange(2.0), pb.linspace(0, 1, 2), pb.eye(2), pb.tensor([1.0])]
    assert seen == [(array_api_strict.float32, backend.native_devices()[1])] * len(made)
    assert [host(x).dtype.name for x in made] == ["float32"] * len(made)
