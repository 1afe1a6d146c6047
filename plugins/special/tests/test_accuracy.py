"""Values and derivatives of every function agree with mpmath's, to so many units of the last place."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pullback as pb
import pullback_special
import pytest
import scipy.special
from helpers.checks import host
from pullback_special.conformance.table import ROWS, Row

EPS = np.finfo(np.float64).eps
EPS32 = np.finfo(np.float32).eps
DIGITS = 40


def call(row: Row, *arguments: Any) -> Any:
    """The function of the package."""
    function = getattr(pullback_special, row.name)
    return function(*arguments, 3) if row.name == "multigammaln" else function(*arguments)


def exact(row: Row, orders: dict[int, int] | None = None) -> np.ndarray:
    """The values, or the partial derivatives of these orders by the arguments at these positions."""
    counts = tuple((orders or {}).get(i, 0) for i in range(len(row.names)))
    results = []
    with mp.workdps(DIGITS):
        for point in row.points:
            place = tuple(map(mp.mpf, point))
            active = [i for i, n in enumerate(counts) if n]

            def part(*moving: Any, place: Any = place, active: Any = active) -> Any:
                values = list(place)
                for i, value in zip(active, moving, strict=True):
                    values[i] = value
                return row.exact(*values)

            if not active:
                results.append(row.exact(*place))
            elif len(active) == 1:
                results.append(mp.diff(part, place[active[0]], counts[active[0]]))
            else:
                results.append(mp.diff(part, tuple(place[i] for i in active), tuple(counts[i] for i in active)))
        return np.asarray([float(mp.chop(mp.re(result), 1e-30)) for result in results])


def columns(row: Row, dtype: Any = np.float64) -> list[np.ndarray]:
    return [np.asarray(column, dtype=dtype) for column in zip(*row.points, strict=True)]


def leaves(row: Row, device: str = "cpu", dtype: Any = np.float64) -> list[Any]:
    tensors = [pb.asarray(column).to(device) for column in columns(row, dtype)]
    for i in row.wrt:
        tensors[i].requires_grad_()
    return tensors


def assert_near(found: Any, expected: np.ndarray, units: float, eps: float = EPS) -> None:
    floor = 1e-3 * max(1e-300, float(np.max(np.abs(expected), initial=0.0))) if np.any(expected == 0) else 0.0
    error = np.abs(host(found).astype(float) - expected) / np.maximum(np.abs(expected), floor) / eps
    assert np.all(error <= units), f"{error} units of the last place; {host(found)} instead of {expected}"


names = pytest.mark.parametrize("name", ROWS)
differentiable = pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.wrt])


def test_the_table_is_complete() -> None:
    assert set(ROWS) == set(pullback_special.__all__) - {"logsumexp", "softmax", "log_softmax", "psi"}
    assert pullback_special.psi is pullback_special.digamma


@names
def test_values(name: str, device: str) -> None:
    row = ROWS[name]
    arguments = leaves(row, device)
    found = call(row, *arguments)
    assert found.dtype is pb.float64
    assert found.device == arguments[0].device
    assert_near(found, exact(row), row.values)
    numbers = [
        x.astype(int) if name.startswith("bdtr") and n == "n" else x
        for n, x in zip(row.names, columns(row), strict=True)
    ]
    theirs = getattr(scipy.special, name)(*numbers, *([3] if name == "multigammaln" else []))
    np.testing.assert_allclose(host(found), theirs, rtol=4 * EPS if name != "multigammaln" else 1e-14)


@differentiable
def test_slopes(name: str) -> None:
    row = ROWS[name]
    arguments = leaves(row)
    wanted = [arguments[i] for i in row.wrt]
    slopes = pb.autograd.grad(call(row, *arguments).sum(), wanted)
    for i, slope in zip(row.wrt, slopes, strict=True):
        assert_near(slope, exact(row, {i: 1}), row.slopes)


@differentiable
def test_curvatures(name: str) -> None:
    row = ROWS[name]
    arguments = leaves(row)
    wanted = [arguments[i] for i in row.wrt]
    slopes = pb.autograd.grad(call(row, *arguments).sum(), wanted, create_graph=True)
    for i, slope in zip(row.wrt, slopes, strict=True):
        if not slope.requires_grad:  # the slope is a constant
            np.testing.assert_allclose(exact(row, {i: 2}), 0, atol=1e-20)
            continue
        second = pb.autograd.grad(slope.sum(), wanted, retain_graph=True, allow_unused=True, materialize_grads=True)
        for j, curvature in zip(row.wrt, second, strict=True):
            assert_near(curvature, exact(row, {i: 2} if i == j else {i: 1, j: 1}), row.curvatures)


@differentiable
def test_forward_mode_agrees_with_reverse_mode(name: str, device: str) -> None:
    row = ROWS[name]
    arguments = leaves(row, device)
    wanted = [arguments[i] for i in row.wrt]
    rng = np.random.default_rng(0)
    weights = rng.standard_normal(len(row.points))
    slopes = pb.autograd.grad(call(row, *arguments), wanted, pb.asarray(weights).to(device))
    tangents = [rng.standard_normal(len(row.points)) for _ in wanted]

    def along(*moving: Any) -> Any:
        values = [argument.detach() for argument in arguments]
        for i, value in zip(row.wrt, moving, strict=True):
            values[i] = value
        return call(row, *values)

    primals = tuple(x.detach() for x in wanted)
    _, tangent = pb.func.jvp(along, primals, tuple(pb.asarray(t).to(device) for t in tangents))
    parts = [weights * host(tangent)] + [-host(s) * t for s, t in zip(slopes, tangents, strict=True)]
    assert abs(np.sum(parts)) <= 64 * EPS * np.sum(np.abs(parts))
    mapped = pb.func.vmap(lambda *args: call(row, *args))(*(x.detach() for x in arguments))
    np.testing.assert_allclose(host(mapped), host(call(row, *arguments)), rtol=4 * EPS)


@names
def test_single_precision(name: str) -> None:
    row = ROWS[name]
    arguments = leaves(row, dtype=np.float32)
    found = call(row, *arguments)
    assert found.dtype is pb.float32
    exactly = [np.asarray(column, dtype=np.float64) for column in columns(row, np.float32)]
    doubles = [pb.asarray(column) for column in exactly]
    for i in row.wrt:
        doubles[i].requires_grad_()
    reference = call(row, *doubles)
    assert_near(found, host(reference), 4096, EPS32)
    if row.wrt:
        slopes = pb.autograd.grad(found.sum(), [arguments[i] for i in row.wrt])
        expected = pb.autograd.grad(reference.sum(), [doubles[i] for i in row.wrt])
        for slope, right in zip(slopes, expected, strict=True):
            assert slope.dtype is pb.float32
            assert_near(slope, host(right), 4096, EPS32)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.complex])
def test_complex_numbers(name: str, device: str) -> None:
    """The rule is the complex derivative; a gradient is its conjugate."""
    row = ROWS[name]
    z = pb.asarray(np.asarray(row.complex)).to(device).requires_grad_()
    others = [1.5] * (len(row.names) - 1)
    found = call(row, *others, z)
    with mp.workdps(DIGITS):
        values = [complex(row.exact(*others, mp.mpc(point))) for point in row.complex]
        slopes = [complex(mp.diff(lambda x: row.exact(*others, x), mp.mpc(point))) for point in row.complex]
    np.testing.assert_allclose(host(found), values, rtol=1e-13)
    (gradient,) = pb.autograd.grad(found, z, pb.ones_like(found))
    np.testing.assert_allclose(host(gradient), np.conj(slopes), rtol=1e-12)


def refusals(kind: str) -> list[tuple[str, str]]:
    return [(name, argument) for name, row in ROWS.items() for argument in getattr(row, kind).split()]


@pytest.mark.parametrize(("name", "argument"), refusals("refused"))
def test_a_gradient_that_nobody_knows_is_refused(name: str, argument: str) -> None:
    row = ROWS[name]
    tensors = [pb.asarray(column) for column in columns(row)]
    place = row.names.index(argument)
    tensors[place].requires_grad_()
    found = call(row, *tensors)
    assert found.requires_grad  # the gradient is not lost on the way
    assert_near(found, exact(row), row.values)
    with pytest.raises(pb.errors.NoDerivativeError, match=rf"^{name}: .*{argument!r}.*\.detach\(\)"):
        found.sum().backward()
    assert tensors[place].grad is None
    with pytest.raises(pb.errors.NoDerivativeError, match=rf"^{name}: "):
        pb.func.jvp(
            lambda x: call(row, *(x if i == place else t.detach() for i, t in enumerate(tensors))),
            (tensors[place].detach(),),
            (pb.ones_like(tensors[place]),),
        )


@pytest.mark.parametrize(("name", "argument"), refusals("counted"))
def test_steps_have_the_derivative_zero(name: str, argument: str) -> None:
    row = ROWS[name]
    tensors = [pb.asarray(column) for column in columns(row)]
    place = row.names.index(argument)
    tensors[place].requires_grad_()
    call(row, *tensors).sum().backward()
    assert host(tensors[place].grad).tolist() == [0.0] * len(row.points)
