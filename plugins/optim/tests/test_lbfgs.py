"""L-BFGS: it converges where it should, on every backend, with parameters of several kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pullback_optim as optim
import pytest
from helpers.checks import host
from helpers.lazy import lazy_backend
from pullback.errors import ArgumentError


def closure_of(optimizer: Any, loss: Any) -> Any:
    def closure() -> Any:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    return closure


def test_the_rosenbrock_function_in_a_few_iterations(device: str) -> None:
    x = pb.tensor([-1.5, 2.0], dtype=pb.float64, requires_grad=True)
    optimizer = optim.LBFGS([x], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> Any:
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    optimizer.step(closure_of(optimizer, loss))
    np.testing.assert_allclose(host(x), [1.0, 1.0], rtol=1e-5)
    shared = optimizer.state[x]
    assert shared["n_iter"] < 60
    assert shared["func_evals"] < 75


def test_parameters_of_several_kinds_are_one_vector() -> None:
    a = pb.tensor([3.0, -1.0], dtype=pb.float64, requires_grad=True)
    b = pb.tensor(2.0, dtype=pb.float32, device="strict:device1", requires_grad=True)
    z = pb.tensor([1.0 + 2j], dtype=pb.complex128, requires_grad=True)
    idle = pb.ones(1, requires_grad=True)
    optimizer = optim.LBFGS([a, b, z, idle], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> Any:
        other = b.to("cpu", pb.float64)
        return ((a - other) ** 2).sum() + (other - 0.5) ** 2 + (pb.abs(z - 1j * other) ** 2).sum()

    optimizer.step(closure_of(optimizer, loss))
    np.testing.assert_allclose(host(a), [0.5, 0.5], atol=1e-5)
    np.testing.assert_allclose(host(z), [0.5j], atol=1e-5)
    assert (b.dtype, str(b.device)) == (pb.float32, "strict:device1")
    assert idle.tolist() == [1.0]


def test_training_goes_on_from_a_state_bit_for_bit() -> None:
    def make() -> tuple[Any, Any, Any]:
        w = [pb.tensor([2.0, -3.0], dtype=pb.float64, requires_grad=True), pb.tensor(1 + 1j, dtype=pb.complex128)]
        w[1].requires_grad_()
        optimizer = optim.LBFGS(w, max_iter=2, history_size=3, line_search_fn="strong_wolfe")

        def loss() -> Any:
            return (pb.cos(w[0]) + w[0] ** 2).sum() * (1 + pb.abs(w[1]) ** 2)

        return w, optimizer, closure_of(optimizer, loss)

    whole, optimizer, closure = make()
    for _ in range(5):
        optimizer.step(closure)
    begun, optimizer, closure = make()
    for _ in range(2):
        optimizer.step(closure)
    resumed, other, closure = make()
    with pb.no_grad():
        for p, value in zip(resumed, begun, strict=True):
            p.copy_(value)
    other.load_state_dict(optimizer.state_dict())
    for _ in range(3):
        other.step(closure)
    for p, expected in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(host(p), host(expected))


def test_it_ends_at_once_where_there_is_nothing_to_do() -> None:
    w = pb.zeros(2, requires_grad=True)
    optimizer = optim.LBFGS([w])
    calls = []

    def closure() -> Any:
        calls.append(1)
        optimizer.zero_grad()
        value = (w * w).sum()
        value.backward()
        return value

    assert optimizer.step(closure).item() == 0.0
    assert len(calls) == 1


def test_on_a_lazy_backend_only_what_it_needs_is_computed() -> None:
    with lazy_backend():
        w = pb.tensor([3.0, -2.0], dtype=pb.float64, device="lazy", requires_grad=True)
        optimizer = optim.LBFGS([w], line_search_fn="strong_wolfe")
        value = optimizer.step(closure_of(optimizer, lambda: ((w - 1) ** 2).sum()))
        pb.compute(w)
        assert value.item() == 13.0
        np.testing.assert_allclose(w.tolist(), [1.0, 1.0])


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"LBFGS.step: a closure is needed"):
        optim.LBFGS([pb.ones(1)]).step()
    with pytest.raises(ArgumentError, match="LBFGS: there is one group of parameters"):
        optim.LBFGS([{"params": [pb.ones(1)]}, {"params": [pb.ones(1)]}])
