"""Moving between devices and backends: values, both modes, any order, under every transform; and nothing by itself."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers import toy
from helpers.checks import host
from pullback.errors import ArgumentError, BackendMismatchError, BackendNotFoundError, DTypeError

PLACES = ["cpu", "strict", "strict:device1", "strict:device2", "toy", "toy:side"]
PAIRS = [(a, b) for a in PLACES for b in PLACES if a != b]


@pytest.fixture(autouse=True, scope="module")
def known_toy() -> None:
    """The generic backend of the toy exists once one of its arrays was met."""
    pb.asarray(toy.asarray([1.0]))


def there(x: Any, start: str, end: str) -> Any:
    """A function over two devices: sin(x) cos(x) x."""
    y = (pb.sin(x) * x).to(end)
    return (y * pb.cos(x.to(end))).to(start)


def exact(x: Any) -> Any:
    return np.sin(x) * np.cos(x) * x


def slope(x: Any) -> Any:
    return np.sin(2 * x) / 2 + np.cos(2 * x) * x


def curvature(x: Any) -> Any:
    return 2 * np.cos(2 * x) - 2 * np.sin(2 * x) * x


VALUES = np.array([0.5, -1.0, 2.0])


@pytest.mark.parametrize(("start", "end"), PAIRS)
def test_one_graph_over_two_devices(start: str, end: str) -> None:
    x = pb.tensor(VALUES).to(start).requires_grad_()
    y = there(x, start, end)
    assert str(y.device) == start
    np.testing.assert_allclose(host(y), exact(VALUES))
    (grad,) = pb.autograd.grad(y.sum(), x, create_graph=True)
    assert grad.device == x.device
    np.testing.assert_allclose(host(grad), slope(VALUES))
    (second,) = pb.autograd.grad(grad.sum(), x)
    np.testing.assert_allclose(host(second), curvature(VALUES))


@pytest.mark.parametrize(("start", "end"), PAIRS)
def test_forward_mode_and_nesting(start: str, end: str) -> None:
    x, one = pb.tensor(VALUES).to(start), pb.ones(3, dtype=pb.float64, device=start)

    def f(x: Any) -> Any:
        return there(x, start, end)

    value, tangent = pb.func.jvp(f, (x,), (one,))
    np.testing.assert_allclose(host(value), exact(VALUES))
    np.testing.assert_allclose(host(tangent), slope(VALUES))
    assert tangent.device == x.device
    _, over_reverse = pb.func.jvp(pb.func.grad(lambda x: f(x).sum()), (x,), (one,))
    np.testing.assert_allclose(host(over_reverse), curvature(VALUES))
    over_forward = pb.func.grad(lambda x: pb.func.jvp(f, (x,), (one,))[1].sum())(x)
    np.testing.assert_allclose(host(over_forward), curvature(VALUES))
    np.testing.assert_allclose(host(pb.func.hessian(lambda x: f(x).sum())(x)), np.diag(curvature(VALUES)), atol=1e-12)


@pytest.mark.parametrize(("start", "end"), [("cpu", "strict"), ("strict:device1", "cpu"), ("strict", "strict:device1")])
def test_batches_move_whole(start: str, end: str) -> None:
    batch = np.stack([VALUES, VALUES + 1])
    x = pb.tensor(batch).to(start)
    constant = pb.ones(3, dtype=pb.float64, device=end)

    def f(x: Any) -> Any:
        return (there(x, start, end).to(end) * constant).sum()

    np.testing.assert_allclose(host(pb.func.vmap(f)(x)), exact(batch).sum(axis=1))
    np.testing.assert_allclose(host(pb.func.vmap(pb.func.grad(f))(x)), slope(batch))


def test_a_constant_moves_inside_a_transform() -> None:
    constant = pb.tensor(VALUES)
    one = pb.ones(3, dtype=pb.float64, device="strict")
    _, tangent = pb.func.jvp(lambda x: x * constant.to("strict"), (one,), (one,))
    np.testing.assert_allclose(host(tangent), VALUES)


# --- what it costs, and what it shares --------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_nothing_moves_without_need(place: str) -> None:
    x = pb.tensor(VALUES).to(place)
    assert x.to(place) is x
    assert x.to(x.device) is x
    assert x.to() is x
    assert x.to(None) is x
    assert x.to(x.dtype) is x
    assert x.to(pb.zeros(1, dtype=pb.float64, device=place)) is x
    copied = x.to(place, copy=True)
    assert copied is not x
    assert copied.tolist() == x.tolist()


@pytest.mark.parametrize(("start", "end"), PAIRS)
def test_what_moved_shares_no_memory(start: str, end: str) -> None:
    x = pb.tensor(VALUES).to(start)
    y = x.to(end)
    y += 1
    y[0] = 7.0
    assert x.tolist() == VALUES.tolist()
    x.zero_()
    assert y.tolist() == [7.0, 0.0, 3.0]


@pytest.mark.parametrize(("start", "end"), PAIRS)
@pytest.mark.parametrize("dtype", [pb.bool, pb.int8, pb.uint64, pb.float32, pb.complex64, pb.complex128])
def test_every_dtype_and_shape_survives(start: str, end: str, dtype: Any) -> None:
    for shape in ((), (0, 2), (2, 1, 3)):
        x = pb.ones(shape, dtype=dtype, device=start)
        y = x.to(end)
        assert (y.shape, y.dtype, str(y.device)) == (shape, dtype, end)
        assert y.tolist() == x.tolist()


def test_a_transfer_is_recorded_only_if_it_matters() -> None:
    x = pb.ones(2, requires_grad=True)
    with pb.no_grad():
        assert not x.to("strict").requires_grad
    assert not x.detach().to("strict").requires_grad
    assert x.to("strict").grad_fn.name() == "ToCopyBackward0"
    leaf = pb.ones(2, device="strict", requires_grad=True)
    assert leaf.to("strict").is_leaf


def test_device_and_dtype_in_one_call() -> None:
    x = pb.tensor([1.5, 2.5], requires_grad=True)
    y = x.to("strict:device1", pb.float64)
    assert (y.dtype, str(y.device)) == (pb.float64, "strict:device1")
    y.sum().backward()
    assert x.grad.dtype is pb.float32
    for spelling in (
        x.to(pb.float64, "strict:device1"),
        x.to(device="strict:device1", dtype=pb.float64),
        x.to(y),
        x.to("strict:device1", pb.float64, non_blocking=True),
        x.to(backend="strict", device="strict:device1", dtype=pb.float64),
    ):
        assert (spelling.dtype, spelling.device) == (y.dtype, y.device)
    assert x.to(backend="strict").device == pb.device("strict")


def test_the_smaller_of_two_dtypes_crosses() -> None:
    x = pb.tensor(VALUES)
    with pytest.raises(
        DTypeError, match=r"'strict:no_float64' has no float64; write .to\('strict:no_float64', pb.float32\)"
    ):
        x.to("strict:no_float64")
    y = x.to("strict:no_float64", pb.float32)
    assert y.dtype is pb.float32
    assert y.to("cpu", pb.float64).dtype is pb.float64


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "options", "error", "match"),
    [
        (("abacus",), {}, BackendNotFoundError, "nobody knows the device 'abacus'(.|\n)*installed: numpy"),
        ((3,), {}, ArgumentError, "to: a device such as 'cpu', a dtype or a Tensor is needed, got 3"),
        (("cpu", "strict"), {}, ArgumentError, "to: one device and one dtype can be given, got cpu, strict"),
        (("cpu",), {"device": "cpu"}, ArgumentError, "to: one device"),
        ((pb.float32, pb.float64), {}, ArgumentError, "to: one device and one dtype"),
        ((), {"dtype": "f8"}, DTypeError, "to: a dtype such as pb.float64 is needed, got 'f8'"),
        ((), {"backend": "jax"}, BackendNotFoundError, "there is no backend 'jax'"),
        (("cpu",), {"backend": "strict"}, ArgumentError, "device 'cpu' is one of backend 'numpy', not 'strict'"),
        ((), {"device": 3}, ArgumentError, "device: a name such as 'cpu', 'cuda:0' or a Device is needed, got 3"),
    ],
    ids=str,
)
def test_wrong_arguments(args: Any, options: Any, error: type[Exception], match: str) -> None:
    x = pb.ones(2, requires_grad=True)
    with pytest.raises(error, match=match):
        x.to(*args, **options)
    assert x.is_leaf
    assert str(x.device) == "cpu"


MIXED = {
    "add": lambda x, y: x + y,
    "maximum": pb.maximum,
    "matmul": lambda x, y: x @ y,
    "where": lambda x, y: pb.where(x > 0, x, y),
    "concat": lambda x, y: pb.concat([x, y]),
    "setitem": lambda x, y: x.__setitem__(0, y[0]),
    "iadd": lambda x, y: x.__iadd__(y),
    "mask": lambda x, y: x[y > 0],
    "index": lambda x, y: x[pb.astype(y, pb.int64)],
    "masked setitem": lambda x, y: x.__setitem__(y > 0, 3.0),
}


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize(("one", "other"), [("cpu", "strict"), ("strict", "strict:device1"), ("toy", "cpu")])
def test_operands_on_two_devices_are_refused_and_nothing_changes(name: str, one: str, other: str) -> None:
    x, y = pb.ones(2, device=one), pb.ones(2, device=other)
    with pytest.raises(BackendMismatchError) as caught:
        MIXED[name](x, y)
    text = str(caught.value)
    assert one in text
    assert other in text
    assert ".to(" in text
    assert x.tolist() == y.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "operator", ["__add__", "__radd__", "__matmul__", "__rmatmul__", "__lt__", "__eq__", "__rand__"]
)
@pytest.mark.parametrize("raw", [np.ones(2), toy.asarray([1.0, 1.0])], ids=["numpy", "toy"])
def test_a_raw_array_is_refused_on_either_side(operator: str, raw: Any) -> None:
    with pytest.raises(BackendMismatchError, match=r"a raw .*; write pb.asarray\(\.\.\.\) around the raw array"):
        getattr(pb.ones(2, dtype=pb.float64), operator)(raw)
    with pytest.raises(BackendMismatchError):
        raw @ pb.ones(2, dtype=pb.float64)


def test_a_raw_index_is_not_moved() -> None:
    x = pb.ones(2, device="strict")
    with pytest.raises(
        BackendMismatchError, match=r"getitem: an array on strict is indexed by one on cpu; write .to\('strict'\)"
    ):
        x[np.array([0])]
    assert x[[0]].tolist() == [1.0]
    assert pb.ones(2)[np.array([0])].tolist() == [1.0]


def test_comparing_with_a_raw_array_is_no_answer() -> None:
    with pytest.raises(BackendMismatchError):
        operator.eq(pb.ones(2), np.ones(2))
    assert (pb.ones(2) == "text") is False
