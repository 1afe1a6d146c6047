"""The generic backend: a library that follows the standard and has no plugin, differentiated all the same."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers import toy
from helpers.checks import check_derivatives, gaussian, host
from pullback.errors import BackendUnavailableError
from pullback.generic import GenericBackend
from pullback.plugins import backends


@pytest.fixture(autouse=True, scope="module")
def known_toy() -> None:
    """Its backend exists once one of its arrays was met."""
    pb.asarray(toy.asarray([1.0]))


def test_an_array_brings_its_backend_along() -> None:
    x = pb.asarray(toy.asarray([1.0, 2.0]))
    assert isinstance(x.device.backend, GenericBackend)
    assert x.device.backend.name == "toy"
    assert type(x._array) is toy.Array
    assert repr(x) == "tensor([1., 2.], device='toy', dtype=pullback.float64)"
    assert "toy" in pb.backends()


CALLS = [
    (lambda xp, x: xp.sin(x) * x**2 / (1 + x * x), (2, 3)),
    (lambda xp, x, y: xp.matmul(x, y), (2, 3), (3, 2)),
    (lambda xp, x: xp.max(x, axis=1), (2, 3)),
    (lambda xp, x: xp.sort(x), (4,)),
    (lambda xp, x: xp.std(x), (5,)),
    (lambda xp, x: xp.prod(x, axis=0), (3, 2)),
    (lambda xp, x: xp.where(x > 0, xp.exp(x), -x), (4,)),
    (lambda xp, x: xp.concat([x, 2 * x]), (3,)),
    (lambda xp, x: x[1:, ::2], (3, 4)),
    (lambda xp, x: xp.take(x, xp.asarray([0, 0, 1], device=x.device), axis=0), (2, 2)),
    (lambda xp, x: xp.cumulative_sum(x), (4,)),
    (lambda xp, x: xp.broadcast_to(x, (2, 3)) * x, (3,)),
]


@pytest.mark.parametrize("place", ["toy", "toy:side"])
@pytest.mark.parametrize("row", CALLS)
def test_derivatives_to_second_order_in_both_modes(row: Any, place: str) -> None:
    call, *arguments = row
    check_derivatives(call, gaussian(arguments), device=place)


def test_training_with_writes_in_place() -> None:
    with pb.device("toy:side"):
        w = pb.zeros(2, requires_grad=True)
        target = pb.tensor([1.0, -2.0])
        for _ in range(60):
            (w - target).pow(2).sum().backward()
            with pb.no_grad():
                w -= 0.2 * w.grad
                w.grad.zero_()
        w.data[0] = 5.0
    np.testing.assert_allclose(host(w), [5.0, -2.0], atol=1e-6)
    assert w.device == "toy:side"


def test_what_it_says_it_can_do() -> None:
    can = pb.device("toy").backend.capabilities
    assert not can.mutable
    assert not can.views
    assert not can.random
    assert not can.fft
    assert can.linalg
    assert can.float64
    assert can.max_dimensions == 64
    assert not hasattr(pb.zeros(4, device="toy").__array_namespace__(), "fft")


def test_the_host_is_found_on_any_device_of_the_library() -> None:
    x = pb.full((2,), 3.0, device="toy:side")
    assert host(x).tolist() == [3.0, 3.0]


class Locked(toy.Array):
    """An array that no DLPack leads out of."""

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        return LOCKED

    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("it is locked")

    def to_device(self, device: Any, /, *, stream: Any = None) -> Locked:
        return Locked(self._values, device)


class Nowhere:
    """Says of its devices what the standard allows: nothing."""

    def capabilities(self) -> dict[str, Any]:
        return {}

    def default_device(self) -> None:
        return None

    def devices(self) -> list[Any]:
        return [None, toy.MAIN]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        return toy._Info().default_dtypes()

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        return dict(toy.DTYPES)


LOCKED = ModuleType("locked")
vars(LOCKED).update({k: v for k, v in vars(toy.namespace).items() if k not in ("__name__", "float64", "complex128")})
LOCKED.__array_namespace_info__ = Nowhere
LOCKED.asarray = lambda obj, **options: Locked(toy.asarray(obj, **options)._values, toy.MAIN)
Locked.__module__ = "locked"


def test_arrays_that_cannot_leave_say_so() -> None:
    x = pb.asarray(Locked(np.ones(2, dtype=np.float32), toy.MAIN))
    with pytest.raises(BackendUnavailableError, match=r"'locked' has no plugin, and its arrays do not .* it is locked"):
        x.to("cpu")


def test_a_library_that_is_silent_about_devices_and_lacks_dtypes() -> None:
    x = pb.asarray(Locked(np.ones(2, dtype=np.float32), toy.MAIN))
    backend = x.device.backend
    assert x.device.name == "locked"
    assert backend.default_native_device() is toy.MAIN
    assert list(backend.native_devices()) == [toy.MAIN]
    assert not backend.capabilities.float64
    assert not backend.capabilities.complex
    with pytest.raises(pb.errors.DTypeError, match="backend 'locked' has no dtype float64"):
        pb.zeros(2, dtype=pb.float64, device="locked")


def test_two_libraries_of_one_name_stay_apart() -> None:
    found = {backends.of_array(toy.asarray([1.0])), backends.of_array(Locked(np.ones(1), toy.MAIN))}
    assert len(found) == 2
