"""Derivatives that do not exist: of a basis that could be another one, and of matrices where no basis stays.

Their values are fine, and so are the derivatives of functions that do not depend on the choice (`linalg.py`). A cotangent
or a direction that does depend on it must be refused, and is here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pullback.errors import DegenerateError

from pullback_conformance.spec import Arg, Complex, Fails, OpSpec
from pullback_conformance.specs.base import row
from pullback_conformance.specs.linalg import adjoint

_RNG = np.random.default_rng(5)
_TALL, _SQUARE = _RNG.standard_normal((4, 2)), _RNG.standard_normal((3, 3))
_PHASED = _SQUARE + 1j * _RNG.standard_normal((3, 3))
_EQUAL, _PAIR = np.eye(3), np.diag([2.0, 2.0, 1.0])
_NULL, _TALL_NULL = np.diag([2.0, 0.0, 0.0]), np.asarray([[2.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
_DEPENDENT = np.asarray([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
_DEFECTIVE = np.asarray([[1.0, 1.0], [0.0, 1.0]])


def refuses(name: str, over: Callable[..., Any], *errors: Fails, complex: Complex = "none") -> OpSpec:
    """A function that has values, and no derivative at some points or anywhere."""
    return row(
        f"refusal.{name}", Arg("x"), over=over, kind="general", complex=complex, errors=errors, module="refusals"
    )


def _at(x: np.ndarray, match: str, *modes: Any) -> list[Fails]:
    return [Fails((x,), DegenerateError, match, mode=mode) for mode in modes or ("vjp", "jvp")]


def _hermitian(xp: Any, x: Any) -> Any:
    return (x + adjoint(xp, x)) * 0.5


def _vectors(xp: Any, x: Any) -> Any:
    return xp.linalg.eigh(_hermitian(xp, x))[1]


def _projector(xp: Any, x: Any) -> Any:
    """Onto the space of the two largest eigenvalues, which no basis of it changes."""
    v = _vectors(xp, x)[:, 1:]
    return xp.matmul(v, adjoint(xp, v))


def _polar(xp: Any, x: Any) -> Any:
    u, _, vh = xp.linalg.svd(x)
    return xp.matmul(u, vh)


def _rolled(xp: Any, x: Any) -> Any:
    """The left vectors of a matrix that moves so that those of its zeros turn, and no singular value is split."""
    fixed = x.detach() if hasattr(x, "detach") else x  # of NumPy, as the reference has it
    u, _, vh = xp.linalg.svd(fixed)
    moved = x - fixed
    return xp.linalg.svd(fixed + xp.matmul(u, xp.matmul(moved - adjoint(xp, moved), vh)))[0]


SPECS = [
    refuses(
        "qr",
        lambda xp, x: tuple(xp.linalg.qr(x)),
        *_at(_DEPENDENT, "linearly dependent"),
        *_at(np.zeros((2, 2)), "linearly dependent"),
    ),
    refuses("qr_complete", lambda xp, x: xp.linalg.qr(x, mode="complete")[0], *_at(_TALL, "complete Q", "vjp")),
    refuses("eigh", _vectors, *_at(_EQUAL, "eigenspace", "vjp"),
            *_at(0 * _EQUAL, "eigenspace", "vjp"), *_at(_PAIR, "eigenspace", "vjp"),
            *_at(_PAIR, "splits equal eigenvalues", "jvp")),
    refuses("eigh_values", lambda xp, x: xp.linalg.eigh(_hermitian(xp, x))[0], *_at(_PAIR, "eigenspace", "vjp"),
            *_at(_PAIR, "splits equal eigenvalues", "jvp")),
    refuses("eigh_faint", lambda xp, x: _vectors(xp, x) * 1e-10, *_at(_EQUAL, "eigenspace", "vjp")),
    refuses("eigh_phase", _vectors, *_at(_PHASED, "phase", "vjp"), *_at(_PHASED[:1, :1], "phase", "vjp"), complex="only"),
    refuses("eigvalsh", lambda xp, x: xp.linalg.eigvalsh(_hermitian(xp, x)), *_at(_PAIR, "eigenspace", "double")),
    refuses("eigvalsh_second", lambda xp, x: xp.sum(xp.linalg.eigvalsh(_hermitian(xp, x)) ** 2),
            *_at(_PAIR, "second derivative", "double")),
    refuses("eig", lambda xp, x: xp.real(xp.linalg.eig(x)[1]), *_at(_PAIR, "eigenspace", "vjp"),
            *_at(_PAIR, "splits equal eigenvalues", "jvp"), *_at(_DEFECTIVE, "defective")),
    refuses("eig_values", lambda xp, x: xp.real(xp.linalg.eig(x)[0]), *_at(_PAIR, "eigenspace", "vjp"),
            *_at(_PAIR, "splits equal eigenvalues", "jvp")),
    refuses("eig_phase", lambda xp, x: xp.linalg.eig(x)[1], *_at(_PHASED, "phase", "vjp"), complex="only"),
    refuses("eigvals", lambda xp, x: xp.real(xp.linalg.eigvals(x)), *_at(_DEFECTIVE, "defective"),
            *_at(_PAIR, "eigenspace", "double")),
    refuses("eigh_projector", _projector, *_at(_PAIR, "second derivative", "double")),
    refuses("eigvals_second", lambda xp, x: xp.sum(xp.real(xp.linalg.eigvals(x)) ** 2),
            *_at(_PAIR, "second derivative", "double")),
    refuses("svd_symmetric", lambda xp, x: xp.linalg.svd(_hermitian(xp, x))[0],
            *_at(_PAIR, "splits equal singular values", "jvp")),
    refuses("svd_sum", lambda xp, x: xp.sum(xp.linalg.svd(x)[1]), *_at(_NULL, "singular value 0", "vjp")),
    refuses("svd_polar_phase", _polar, *_at(_PHASED @ np.diag([1.0, 1.0, 0.0]), "singular value 0", "vjp"), complex="only"),
    refuses("svd", lambda xp, x: tuple(xp.linalg.svd(x)), *_at(_EQUAL, "repeated singular value", "vjp"),
            *_at(_PAIR, "splits equal singular values", "jvp"), *_at(_TALL_NULL, "splits equal singular values", "jvp"),
            *_at(np.array(_TALL_NULL.T), "splits equal singular values", "jvp")),
    refuses("svd_rolled", _rolled, *_at(_NULL, "splits equal singular values", "jvp")),
    refuses("svd_turned", lambda xp, x: xp.linalg.svd(x)[0],
            *_at(_PHASED @ np.diag([1.0, 1.0, 0.0]), "splits equal singular values", "jvp"), complex="only"),
    refuses("svd_reduced", lambda xp, x: xp.linalg.svd(x, full_matrices=False)[0],
            *_at(_TALL_NULL, "singular value 0", "vjp")),
    refuses("svd_reduced_right", lambda xp, x: xp.linalg.svd(x, full_matrices=False)[2],
            *_at(np.array(_TALL_NULL.T), "singular value 0", "vjp")),
    refuses("svd_values", lambda xp, x: xp.linalg.svd(x, full_matrices=False)[1],
            *_at(_PAIR, "repeated singular value", "vjp"), *_at(_TALL_NULL, "singular value 0", "vjp"),
            *_at(_PAIR, "splits equal singular values", "jvp"), *_at(_TALL_NULL, "splits equal singular values", "jvp")),
    refuses("svd_polar", _polar, *_at(_NULL, "singular value 0", "vjp"), *_at(0 * _NULL, "singular value 0", "vjp")),
    refuses("svd_left", lambda xp, x: xp.linalg.svd(x)[0], *_at(_TALL, "complete U", "vjp")),
    refuses("svd_right", lambda xp, x: xp.linalg.svd(x)[2], *_at(np.array(_TALL.T), "complete Vh", "vjp")),
    refuses("svd_phase", lambda xp, x: xp.linalg.svd(x)[0], *_at(_PHASED, "phase", "vjp"), complex="only"),
    refuses("svdvals", lambda xp, x: xp.linalg.svdvals(x), *_at(_PAIR, "repeated singular value", "double")),
    refuses("svdvals_second", lambda xp, x: xp.sum(xp.linalg.svdvals(x) ** 2), *_at(_PAIR, "second derivative", "double")),
]  # fmt: skip
