"""What a plugin may import is enough to write one: an op with a rule, and a backend for a library, in a few lines."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers import toy
from helpers.checks import check_derivatives, gaussian, host
from pullback import extend
from pullback.plugins import backends


def test_names_are_what_all_says() -> None:
    public = {name for name in vars(extend) if not name.startswith("_")}
    assert public == set(extend.__all__)
    assert extend.__all__ == sorted(extend.__all__)
    for name in extend.__all__:
        assert inspect.getdoc(getattr(extend, name)), name


softplus = extend.elementwise(
    "test::softplus",
    forward=lambda xp, x: xp.log1p(xp.exp(x)),
    x=lambda xp, t, x: t / (1 + xp.exp(-x)),
)


def test_an_op_in_three_lines_has_both_modes_and_every_order(device: str) -> None:
    def call(xp: Any, x: Any) -> Any:
        return softplus(x) if hasattr(x, "_aval") else np.log1p(np.exp(x))

    check_derivatives(call, gaussian([(2, 3)]), device=device)


half_angle = extend.elementwise(
    "test::half_angle",
    forward=lambda xp, x: xp.sin(x / 2),
    x=lambda xp, t, x: t * (0.5 * xp.call(half_cosine, x)),
)
half_cosine = extend.elementwise(
    "test::half_cosine",
    forward=lambda xp, x: xp.cos(x / 2),
    x=lambda xp, t, x: t * (-0.5 * xp.call(half_angle, x)),
)


def test_rules_call_ops_that_their_namespace_does_not_have(device: str) -> None:
    def call(xp: Any, x: Any) -> Any:
        return half_angle(x) if hasattr(x, "_aval") else np.sin(x / 2)

    check_derivatives(call, gaussian([(2, 3)]), device=device)
    x = pb.asarray(np.linspace(0.1, 1.0, 4)).to(device)
    third = pb.func.grad(pb.func.grad(pb.func.grad(half_angle)))
    np.testing.assert_allclose(host(pb.func.vmap(third)(x)), -np.cos(host(x) / 2) / 8, rtol=1e-14)


class Small(extend.Backend):
    """A backend for the toy library, written against the public names only."""

    name = "small"
    device_types = ("small",)

    def import_namespace(self) -> ModuleType:
        return toy.namespace

    @property
    def array_types(self) -> tuple[type, ...]:
        return (toy.Array,)

    @property
    def capabilities(self) -> extend.Capabilities:
        return extend.Capabilities(mutable=False, views=False, random=False)

    def to_host(self, array: Any) -> Any:
        return array._values.copy()

    def owns(self, module: str) -> bool:
        return module == "toy"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_loaded", {k: v for k, v in backends._loaded.items() if k != "toy"})
    monkeypatch.setattr(backends, "_by_type", {})
    backends.register(Small())


@pytest.mark.parametrize("place", ["small", "small:side"])
def test_a_backend_in_twenty_lines_trains(small: None, place: str) -> None:
    x = pb.linspace(-1, 1, 20, device=place)
    slope, bias = (pb.zeros((), device=place, requires_grad=True) for _ in range(2))
    for _ in range(200):
        loss = ((slope * x + bias - (3 * x - 1)) ** 2).mean()
        loss.backward()
        with pb.no_grad():
            for weight in (slope, bias):
                weight -= 0.3 * weight.grad
                weight.grad = None
    assert slope.device == place
    assert slope.item() == pytest.approx(3, abs=1e-4)
    assert bias.item() == pytest.approx(-1, abs=1e-4)


def test_its_arrays_are_its_own(small: None) -> None:
    x = pb.asarray(toy.asarray([1.0, 2.0]))
    assert x.device.backend.name == "small"
    assert host(x * 2).tolist() == [2.0, 4.0]
    assert x.to("strict").to("small:side").tolist() == [1.0, 2.0]
    assert pb.device("small").backend.available().ok
