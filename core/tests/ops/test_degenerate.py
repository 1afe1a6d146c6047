"""Repeated eigenvalues and singular values, zeros among them, free phases: the right finite gradient, or a refusal.

The functions of the first tables are smooth where the decomposition is not, so finite differences know their gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import check_derivatives, gaussian, host, tensor
from pullback.errors import DegenerateError
from pullback.ops.matrices import adjoint, hermitian_part

Call = Callable[..., Any]


def unitary(n: int, kind: str, seed: int) -> np.ndarray:
    (x,) = gaussian([(n, n)], kind, seed)
    return np.asarray(np.linalg.qr(x)[0])


def hermitian(values: list[float], kind: str) -> np.ndarray:
    """A matrix with these eigenvalues."""
    q = unitary(len(values), kind, 2)
    return np.asarray((q * values) @ q.conj().T)


def diagonalizable(values: list[float], kind: str) -> np.ndarray:
    """The same, not hermitian."""
    (x,) = gaussian([(len(values),) * 2], kind, 3)
    return np.asarray(x @ np.diag(values) @ np.linalg.inv(x))


def singular(values: list[float], shape: tuple[int, int], kind: str) -> np.ndarray:
    """A matrix with these singular values."""
    s = np.zeros(shape)
    np.fill_diagonal(s, values)
    return np.asarray(unitary(shape[0], kind, 4) @ s @ unitary(shape[1], kind, 5))


def eigh_projection(xp: Any, x: Any, first: int = 0, last: int = 2) -> Any:
    """The projection on the space of the eigenvectors from `first` to `last`."""
    v = xp.linalg.eigh(hermitian_part(xp, x)).eigenvectors[..., first:last]
    return xp.matmul(v, adjoint(xp, v))


def eig_projection(xp: Any, x: Any) -> Any:
    """The projection on the space of the eigenvectors of eigenvalues near 1, along the others."""
    values, vectors = xp.linalg.eig(x)
    mask = xp.astype(xp.abs(values - 1) < 0.5, vectors.dtype)
    return xp.matmul(vectors * mask, xp.linalg.inv(vectors))


def polar(xp: Any, x: Any) -> Any:
    """The unitary factor of the polar decomposition."""
    u, _, vh = xp.linalg.svd(x, full_matrices=False)
    return xp.matmul(u, vh)


def left_projection(xp: Any, x: Any, full: bool = False) -> Any:
    u = xp.linalg.svd(x, full_matrices=full).U
    u = u[..., 2:] if full else u[..., :2]
    return xp.matmul(u, adjoint(xp, u))


def of_eigvalsh(function: Call) -> Call:
    return lambda xp, x: function(xp, xp.linalg.eigvalsh(hermitian_part(xp, x)))


def of_svdvals(function: Call) -> Call:
    return lambda xp, x: function(xp, xp.linalg.svdvals(x))


SMOOTH: dict[str, tuple[Call, Callable[[str], np.ndarray]]] = {
    "eigh, the projection on a repeated eigenvalue's space": (
        eigh_projection,
        lambda kind: hermitian([1.0, 1.0, 3.0], kind),
    ),
    "eigh, the projection on the other space": (
        lambda xp, x: eigh_projection(xp, x, 2, 3),
        lambda kind: hermitian([1.0, 1.0, 3.0], kind),
    ),
    "eigh, the projection on everything": (
        lambda xp, x: eigh_projection(xp, x, 0, 3),
        lambda kind: hermitian([1.0, 1.0, 1.0], kind),
    ),
    "eigh, two repeated eigenvalues": (eigh_projection, lambda kind: hermitian([1.0, 1.0, 2.0, 2.0], kind)),
    "eigh, a batch of which one is degenerate": (
        eigh_projection,
        lambda kind: np.stack([hermitian([1.0, 1.0, 3.0], kind), hermitian([1.0, 2.0, 3.0], kind)]),
    ),
    "eigh, the sum of eigenvalues": (
        lambda xp, x: xp.sum(xp.linalg.eigh(hermitian_part(xp, x)).eigenvalues),
        lambda kind: hermitian([1.0, 1.0, 1.0], kind),
    ),
    "eigvalsh, log of the determinant": (
        of_eigvalsh(lambda xp, s: xp.sum(xp.log(s))),
        lambda kind: hermitian([2.0, 2.0, 3.0], kind),
    ),
    "eigvalsh, the norm": (
        of_eigvalsh(lambda xp, s: xp.sum(s * s)),
        lambda kind: hermitian([2.0, 2.0, 2.0], kind),
    ),
    "eigvalsh of zeros": (of_eigvalsh(lambda xp, s: xp.sum(s * s)), lambda kind: hermitian([0.0, 0.0], kind)),
    "eig, the projection on a repeated eigenvalue's space": (
        eig_projection,
        lambda kind: diagonalizable([1.0, 1.0, 3.0], kind),
    ),
    "eigvals, the trace of the square": (
        lambda xp, x: xp.sum(xp.linalg.eigvals(x) ** 2),
        lambda kind: diagonalizable([1.0, 1.0, 3.0], kind),
    ),
    "svd, the polar factor": (polar, lambda kind: singular([2.0, 2.0, 1.0], (3, 3), kind)),
    "svd, the polar factor of a unitary matrix": (polar, lambda kind: singular([1.0, 1.0], (2, 2), kind)),
    "svd, the polar factor of a tall matrix": (polar, lambda kind: singular([2.0, 2.0], (3, 2), kind)),
    "svd, the polar factor of a wide matrix": (polar, lambda kind: singular([2.0, 2.0], (2, 3), kind)),
    "svd, a projection": (left_projection, lambda kind: singular([2.0, 2.0, 1.0], (3, 3), kind)),
    "svd, the projection on the completing columns": (
        lambda xp, x: left_projection(xp, x, full=True),
        lambda kind: singular([2.0, 2.0], (4, 2), kind),
    ),
    "svdvals, the nuclear norm": (
        of_svdvals(lambda xp, s: xp.sum(s)),
        lambda kind: singular([2.0, 2.0, 1.0], (3, 3), kind),
    ),
    "svdvals, the squares, of a matrix without full rank": (
        of_svdvals(lambda xp, s: xp.sum(s * s)),
        lambda kind: singular([2.0, 0.0, 0.0], (3, 4), kind),
    ),
    "svdvals, the squares, of zeros": (
        of_svdvals(lambda xp, s: xp.sum(s * s)),
        lambda kind: singular([0.0, 0.0], (3, 2), kind),
    ),
}


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("case", SMOOTH)
def test_what_does_not_depend_on_the_choice_has_its_gradient(case: str, kind: str, device: str) -> None:
    call, matrix = SMOOTH[case]
    alone = case.startswith(("eigvalsh", "eigvals", "svdvals"))
    check_derivatives(call, [matrix(kind)], device=device, order=1, forward=alone, values=1e-12)


def everything(x: Any) -> Any:
    return pb.sum(pb.real(x * tensor(gaussian([x.shape], seed=7)[0], str(x.device))))


def restored(x: Any) -> Any:
    """The matrix, put together again: its gradient exists, but the rules do not see it."""
    values, vectors = pb.linalg.eigh(x)
    return everything(pb.matmul(vectors * values, adjoint(pb, vectors)))


def restored_by_svd(x: Any) -> Any:
    u, s, vh = pb.linalg.svd(x, full_matrices=False)
    return everything(pb.matmul(u * s, vh))


REFUSED: dict[str, tuple[Call, np.ndarray, str]] = {
    "eigh, a vector": (
        lambda x: everything(pb.linalg.eigh(x).eigenvectors),
        np.eye(3),
        "eigh depends on the basis of a repeated eigenvalue's eigenspace",
    ),
    "eigh, one vector of three": (
        lambda x: everything(pb.linalg.eigh(x).eigenvectors[:, 0]),
        hermitian([1.0, 1.0, 3.0], "real"),
        "eigh depends on the basis",
    ),
    "eigh, one eigenvalue, with its vectors at hand": (
        lambda x: pb.linalg.eigh(x).eigenvalues[0],
        np.eye(3),
        "eigh depends on the basis",
    ),
    "eigh, in a batch": (
        lambda x: everything(pb.linalg.eigh(x).eigenvectors),
        np.stack([np.diag([1.0, 2.0, 3.0]), np.eye(3)]),
        "eigh depends on the basis",
    ),
    "eigh, the matrix restored": (restored, hermitian([1.0, 1.0, 3.0], "real"), "eigh depends on the basis"),
    "eigh, zeros restored": (restored, np.zeros((2, 2)), "eigh depends on the basis"),
    "eig, a vector": (lambda x: everything(pb.linalg.eig(x).eigenvectors), np.eye(3), "eig depends on the basis"),
    "eig, a defective matrix": (
        lambda x: everything(pb.linalg.eig(x).eigenvalues),
        np.asarray([[1.0, 1.0], [0.0, 1.0]]),
        "eig: the matrix is defective",
    ),
    "eigvals, a defective matrix": (
        lambda x: everything(pb.linalg.eigvals(x)),
        np.asarray([[1.0, 1.0], [0.0, 1.0]]),
        "eig: the matrix is defective",
    ),
    "svd, U": (lambda x: everything(pb.linalg.svd(x).U), np.eye(3), "svd depends on the basis of a repeated singular"),
    "svd, Vh": (lambda x: everything(pb.linalg.svd(x).Vh), np.eye(3), "svd depends on the basis"),
    "svd, U of a tall matrix without full rank": (
        lambda x: everything(pb.linalg.svd(x, full_matrices=False).U),
        singular([2.0, 0.0], (3, 2), "real"),
        "svd depends on the vectors of the singular value 0",
    ),
    "svd, Vh of a wide matrix without full rank": (
        lambda x: everything(pb.linalg.svd(x, full_matrices=False).Vh),
        singular([2.0, 0.0], (2, 3), "real"),
        "svd depends on the vectors of the singular value 0",
    ),
    "svd, the polar factor of a matrix with two zeros": (
        lambda x: everything(polar(pb, x)),
        singular([2.0, 0.0, 0.0], (3, 3), "real"),
        "svd depends on the vectors of the singular value 0",
    ),
    "svd, a matrix restored": (restored_by_svd, singular([2.0, 2.0, 1.0], (3, 3), "real"), "svd depends on the basis"),
    "svd, a tall matrix without full rank restored": (
        restored_by_svd,
        singular([2.0, 0.0], (3, 2), "real"),
        "svd depends on the vectors of the singular value 0",
    ),
    "svd, zeros restored": (restored_by_svd, np.zeros((3, 2)), "svd depends on"),
    "qr, dependent columns": (
        lambda x: everything(pb.linalg.qr(x).R),
        np.asarray([[1.0, 2.0], [2.0, 4.0]]),
        "qr: the leading columns of x are linearly dependent",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_depends_on_the_choice_is_refused(case: str, device: str) -> None:
    call, matrix, message = REFUSED[case]
    x = tensor(matrix, device, requires_grad=True)
    loss = call(x)
    with pytest.raises(DegenerateError, match=message):
        loss.backward()
    assert x.grad is None
    with pytest.raises(DegenerateError):
        pb.autograd.grad(call(x), x, create_graph=True)
    (direction,) = gaussian([matrix.shape], seed=8)
    with pytest.raises(DegenerateError):
        pb.func.jvp(call, (x.detach(),), (tensor(direction, device),))


PHASES: dict[str, tuple[Call, str]] = {
    "eigh": (lambda x: everything(pb.linalg.eigh(hermitian_part(pb, x)).eigenvectors), "the phase of its vectors"),
    "eig": (lambda x: everything(pb.linalg.eig(x).eigenvectors), "the phase of its vectors"),
    "svd": (lambda x: everything(pb.linalg.svd(x).U), "the phase of its vectors"),
    "svd, complete": (lambda x: everything(pb.linalg.svd(x[:, :1]).U[:, 1:]), "the columns that complete U"),
    "svd, complete, wide": (lambda x: everything(pb.linalg.svd(x[:1, :]).Vh[1:, :]), "the columns that complete Vh"),
    "qr, complete": (
        lambda x: everything(pb.linalg.qr(x[:, :1], mode="complete").Q[:, 1:]),
        "the columns that complete Q",
    ),
}


@pytest.mark.parametrize("case", PHASES)
def test_a_loss_of_an_arbitrary_phase_is_refused(case: str, device: str) -> None:
    call, message = PHASES[case]
    x = tensor(gaussian([(3, 3)], "complex")[0], device, requires_grad=True)
    loss = call(x)
    with pytest.raises(DegenerateError, match=message):
        loss.backward()
    assert x.grad is None


# --- conventions where the values alone have a kink ------------------------------------------------------------------


def test_one_of_equal_eigenvalues_has_the_gradient_of_the_vector_found(device: str) -> None:
    x = tensor(np.eye(2), device, requires_grad=True)
    (grad,) = pb.autograd.grad(pb.linalg.eigvalsh(x)[0], x)
    np.testing.assert_array_equal(host(grad), [[1.0, 0.0], [0.0, 0.0]])
    for index, expected in (((0, 0), [1.0, 0.0]), ((0, 1), [0.0, 0.0]), ((1, 1), [0.0, 1.0])):
        unit = np.zeros((2, 2))
        unit[index] = 1.0
        _, tangent = pb.func.jvp(pb.linalg.eigvalsh, (x.detach(),), (tensor(unit, device),))
        np.testing.assert_array_equal(host(tangent), expected)


def test_singular_values_of_zeros_have_the_identity(device: str) -> None:
    x = tensor(np.zeros((2, 2)), device, requires_grad=True)
    (grad,) = pb.autograd.grad(pb.linalg.svdvals(x).sum(), x)
    np.testing.assert_array_equal(host(grad), np.eye(2))


def test_a_direction_that_keeps_eigenvalues_equal_has_a_tangent(device: str) -> None:
    x, t = tensor(np.diag([1.0, 1.0, 3.0]), device), tensor(np.diag([5.0, 5.0, 7.0]), device)
    _, (values, vectors) = pb.func.jvp(lambda x: tuple(pb.linalg.eigh(x)), (x,), (t,))
    np.testing.assert_array_equal(host(values), [5.0, 5.0, 7.0])
    np.testing.assert_array_equal(host(vectors), np.zeros((3, 3)))


# --- second order, where it exists -----------------------------------------------------------------------------------


def second(call: Call, x: Any, direction: Any) -> Any:
    (grad,) = pb.autograd.grad(call(x), x, create_graph=True)
    if not grad.requires_grad:
        return pb.zeros_like(x)
    return pb.autograd.grad(pb.sum(grad * direction), x, materialize_grads=True)[0]


@pytest.mark.parametrize("name", ["eigvalsh", "eigvals"])
def test_the_trace_has_the_second_derivative_zero(name: str, device: str) -> None:
    (direction,) = gaussian([(3, 3)])
    x, t = tensor(np.eye(3), device, requires_grad=True), tensor(direction, device)
    found = second(lambda x: pb.real(getattr(pb.linalg, name)(x)).sum(), x, t)
    np.testing.assert_allclose(host(found), np.zeros((3, 3)), atol=1e-14)


@pytest.mark.parametrize("matrix", [np.eye(3), np.zeros((3, 3)), np.diag([1.0, 1.0, 3.0])], ids=["1", "0", "1 1 3"])
@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("name", ["eigvalsh", "svdvals", "eigvals"])
def test_second_derivatives_that_the_rules_do_not_see_are_refused(
    name: str, unit: bool, matrix: np.ndarray, device: str
) -> None:
    """Of the squared norm: twice the identity, but values and vectors of the moment do not tell."""

    def call(x: Any) -> Any:
        values = getattr(pb.linalg, name)(x)
        return pb.sum(pb.real(values * pb.conj(values)))

    direction = np.asarray([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]) if unit else gaussian([(3, 3)])[0]
    x, t = tensor(matrix, device, requires_grad=True), tensor(direction, device)
    with pytest.raises(DegenerateError):
        second(call, x, t)
    with pytest.raises(DegenerateError):
        pb.func.jvp(pb.func.grad(call), (x.detach(),), (t,))
    with pytest.raises(DegenerateError):
        pb.autograd.grad(pb.func.jvp(call, (x,), (t,))[1], x)
    with pytest.raises(DegenerateError):
        pb.func.jvp(lambda x: pb.func.jvp(call, (x,), (t,))[1], (x.detach(),), (t,))


# --- under vmap ------------------------------------------------------------------------------------------------------


def test_jacobians_look_at_the_values_of_a_whole_batch(device: str) -> None:
    x = tensor(hermitian([1.0, 1.0, 3.0], "real"), device)
    jacobian = pb.func.jacrev(lambda x: eigh_projection(pb, x))(x)
    rows = [pb.func.grad(lambda x, i=i, j=j: eigh_projection(pb, x)[i, j])(x) for i in range(3) for j in range(3)]
    np.testing.assert_allclose(host(jacobian).reshape(9, 9), [host(row).ravel() for row in rows], atol=1e-14)
    with pytest.raises(DegenerateError, match="eigh depends on the basis"):
        pb.func.jacrev(lambda x: pb.linalg.eigh(x).eigenvectors)(x)


@pytest.mark.parametrize("name", ["eigvalsh", "svdvals", "eigvals"])
def test_values_alone_are_those_of_the_decomposition(name: str, device: str) -> None:
    (x,) = gaussian([(4, 4)])
    x = x + x.T
    plain = getattr(pb.linalg, name)(tensor(x, device))
    tracked = getattr(pb.linalg, name)(tensor(x, device, requires_grad=True))
    assert not plain.requires_grad
    assert tracked.requires_grad
    assert plain.dtype is tracked.dtype
    np.testing.assert_allclose(host(tracked), host(plain), rtol=1e-12)
