"""Small helpers that the rules of linear algebra share. Over `xp`, so for raw arrays and Tensors alike."""

from __future__ import annotations

from typing import Any


def is_complex(xp: Any, x: Any) -> bool:
    """Whether an array holds complex numbers."""
    return bool(xp.isdtype(x.dtype, "complex floating"))


def adjoint(xp: Any, x: Any) -> Any:
    """Conjugate transpose of the last two axes."""
    x = xp.matrix_transpose(x)
    return xp.conj(x) if is_complex(xp, x) else x


def real(xp: Any, x: Any) -> Any:
    """Real part; a real array is its own."""
    return xp.real(x) if is_complex(xp, x) else x


def column(xp: Any, x: Any, vector: bool) -> Any:
    """A vector as a matrix of one column; a matrix as it is."""
    return xp.expand_dims(x, axis=-1) if vector else x


def identity(xp: Any, like: Any, n: int) -> Any:
    """The identity matrix of the dtype and device of `like`."""
    return xp.eye(n, dtype=like.dtype, device=xp.device(like))


def column_scaled(xp: Any, matrix: Any, numbers: Any) -> Any:
    """matrix @ diag(numbers)."""
    return matrix * xp.expand_dims(numbers, axis=-2)


def diagonal_matrix(xp: Any, numbers: Any) -> Any:
    """Square matrices with `numbers` on the diagonal."""
    return xp.expand_dims(numbers, axis=-1) * identity(xp, numbers, numbers.shape[-1])


def skew(xp: Any, x: Any) -> Any:
    """x - x^H."""
    return x - adjoint(xp, x)


def hermitian_part(xp: Any, x: Any) -> Any:
    """(x + x^H) / 2."""
    return (x + adjoint(xp, x)) * 0.5
