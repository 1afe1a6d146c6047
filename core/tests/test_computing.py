"""`pb.compute`: one computation per lazy backend, and nothing at all on the others."""

from __future__ import annotations

from collections.abc import Iterator

import pullback as pb
import pytest
from helpers.checks import host
from helpers.lazy import LazyBackend, lazy_backend
from pullback.errors import ArgumentError, DegenerateError


@pytest.fixture
def lazy() -> Iterator[LazyBackend]:
    with lazy_backend() as backend:
        yield backend


def test_eager_tensors_are_left_as_they_are(device: str) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    arrays = x._array, y._array
    first, second = pb.compute(x, y)
    assert (first, second) == (x, y) or (first is x and second is y)
    assert x._array is arrays[0]
    assert y._array is arrays[1]


def test_everything_is_computed_in_one_go(lazy: LazyBackend) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True, device="lazy")
    loss = (x * x).sum()
    loss.backward()
    assert lazy.computes == []
    with pytest.raises(AssertionError, match="hidden compute"):
        loss.item()
    again, rest = pb.compute(loss, {"grads": [x.grad, None]})
    assert lazy.computes == [2]
    assert again is loss
    assert rest["grads"][0] is x.grad
    assert loss.item() == 5.0
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 4.0]
    assert str(loss.device) == "lazy"


def test_what_is_computed_stays_where_it_is_in_the_graph(lazy: LazyBackend) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True, device="lazy")
    y = x * x
    pb.compute(x, y)
    (y * x).sum().backward()
    pb.compute(x.grad)
    assert x.grad is not None
    assert x.grad.tolist() == [3.0, 12.0]


def test_a_view_is_computed_and_still_writes_through(lazy: LazyBackend) -> None:
    x = pb.tensor([1.0, 2.0], device="lazy")
    part = x[:1]
    pb.compute(part)
    assert part.tolist() == [1.0]
    part += 4
    pb.compute(x, part)
    assert x.tolist() == [5.0, 2.0]
    assert part.tolist() == [5.0]


def test_each_backend_is_asked_once_and_eager_ones_never(lazy: LazyBackend) -> None:
    x, y = pb.tensor([1.0], device="lazy"), pb.tensor([2.0], device="cpu")
    pb.compute(x, y, x * 2, pb.tensor([3.0], device="strict"))
    assert lazy.computes == [2]
    assert host(x).tolist() == [1.0]


def test_a_computation_that_fails_changes_nothing(lazy: LazyBackend) -> None:
    x = pb.tensor([1.0], device="lazy")
    array = x._array
    lazy.failing = True
    with pytest.raises(RuntimeError, match="worker died"):
        pb.compute(x)
    assert x._array is array
    lazy.failing = False
    pb.compute(x)
    assert x.tolist() == [1.0]


def test_what_is_no_tensor_is_refused(lazy: LazyBackend) -> None:
    x = pb.tensor([1.0], device="lazy")
    with pytest.raises(ArgumentError, match="compute: Tensors are needed, got float"):
        pb.compute(x, 1.5)
    assert lazy.computes == []


def test_a_lazy_backend_is_not_asked_whether_a_derivative_exists(lazy: LazyBackend) -> None:
    def slope(device: str) -> None:
        x = pb.eye(2, device=device).requires_grad_()
        _, vectors = x.__array_namespace__().linalg.eigh(x)
        (vectors[0, 1] * 2).backward()

    with pytest.raises(DegenerateError):
        slope("cpu")
    slope("lazy")
    assert lazy.computes == []
