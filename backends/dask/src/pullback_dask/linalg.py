"""Linear algebra on Dask arrays. Products go chunk by chunk; of everything else, each matrix is one task.

Stacks of matrices run in parallel, one matrix does not: it is gathered into one chunk. What needs more (a QR of a tall
matrix, block by block) is in `dask.array.linalg`, to be used before the data becomes a Tensor.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from types import ModuleType
from typing import Any

import array_api_compat.dask.array.linalg as compat
import dask.array as da
import numpy as np

from pullback_dask.chunked import alone, meta_of, namespace_of, over


def _real(dtype: Any) -> Any:
    return np.empty(0, dtype).real.dtype


def _complex(dtype: Any) -> Any:
    return np.result_type(dtype, np.complex64)


def matmul(x1: Any, x2: Any, /) -> Any:
    """Matrix product, the last two axes of either; a vector is a row on the left and a column on the right.

    Dask's own has tasks that add an axis to a vector and take it away. This one has none: tasks with the elementwise
    operations before and after them become one.
    """
    loops = max(x1.ndim - 2, x2.ndim - 2, 0)
    row, inner, column = loops, loops + 1, loops + 2
    left = (*range(loops - x1.ndim + 2, loops), row, inner) if x1.ndim > 1 else (inner,)
    right = (*range(loops - x2.ndim + 2, loops), inner, column) if x2.ndim > 1 else (inner,)
    out = tuple(axis for axis in range(loops + 3) if axis != inner and axis in {*range(loops), *left, *right})
    dtype = np.result_type(x1.dtype, x2.dtype)
    meta = meta_of(x1, len(out), dtype)
    if x1.numblocks[-1] == 1 == x2.numblocks[-2 if x2.ndim > 1 else 0]:
        return da.blockwise(_product, out, x1, left, x2, right, dtype=dtype, meta=meta)
    options: dict[str, Any] = {"adjust_chunks": {inner: 1}, "meta": meta_of(x1, len(out) + 1, dtype)}
    parts = da.blockwise(_part, (*out, inner), x1, left, x2, right, dtype=dtype, **options)
    return da.reduction(parts, _as_it_is, _added, axis=-1, dtype=dtype, concatenate=False, meta=meta)


def _product(x1: Any, x2: Any) -> Any:
    """The product of two chunks. (To have Dask take them out of their lists, with `concatenate=True`, is to copy them.)"""
    return np.matmul(alone(x1), alone(x2))


def _part(x1: Any, x2: Any) -> Any:
    """The product of two chunks, with an axis along which those of other chunks are added to it."""
    return np.matmul(x1, x2)[..., None]


def _as_it_is(x: Any, axis: Any, keepdims: bool) -> Any:  # noqa: ARG001  the signature is Dask's
    return x


def _added(parts: Any, axis: Any, keepdims: bool) -> Any:
    """The sum of some products, one at a time: side by side, they would need memory for all."""
    total = reduce(add, parts) if isinstance(parts, list) else parts
    return total if keepdims else total.squeeze(axis)


def cholesky(x: Any, /, *, upper: bool = False) -> Any:
    """L with `L @ L^H = x`, or its adjoint."""
    return over("linalg.cholesky", x, core=(2,), out=[x.shape[-2:]], dtypes=[x.dtype], upper=upper)


def inv(x: Any, /) -> Any:
    """The inverses."""
    return over("linalg.inv", x, core=(2,), out=[x.shape[-2:]], dtypes=[x.dtype])


def adjugate(x: Any) -> Any:
    """The matrix with `adjugate(x) @ x = det(x) * identity`."""
    return over("adjugate", x, core=(2,), out=[x.shape[-2:]], dtypes=[x.dtype])


def det(x: Any, /) -> Any:
    """The determinants."""
    return over("linalg.det", x, core=(2,), out=[()], dtypes=[x.dtype])


def slogdet(x: Any, /) -> Any:
    """Signs and logarithms of the determinants."""
    return over("linalg.slogdet", x, core=(2,), out=[(), ()], dtypes=[x.dtype, _real(x.dtype)])


def eigh(x: Any, /) -> Any:
    """Eigenvalues, ascending, and eigenvectors of symmetric matrices."""
    n = x.shape[-1]
    return over("linalg.eigh", x, core=(2,), out=[(n,), (n, n)], dtypes=[_real(x.dtype), x.dtype])


def eigvalsh(x: Any, /) -> Any:
    """Eigenvalues of symmetric matrices, ascending."""
    return over("linalg.eigvalsh", x, core=(2,), out=[x.shape[-1:]], dtypes=[_real(x.dtype)])


def eig(x: Any, /) -> Any:
    """Eigenvalues and eigenvectors, complex whatever they are: their dtype must not depend on values."""
    n, dtype = x.shape[-1], _complex(x.dtype)
    return over(_eig, x, core=(2,), out=[(n,), (n, n)], dtypes=[dtype, dtype])


def _eig(x: Any) -> tuple[Any, Any]:
    values, vectors = namespace_of(x).linalg.eig(x)
    return values.astype(_complex(x.dtype)), vectors.astype(_complex(x.dtype))


def eigvals(x: Any, /) -> Any:
    """Eigenvalues, complex whatever they are."""
    return over(_eigvals, x, core=(2,), out=[x.shape[-1:]], dtypes=[_complex(x.dtype)])


def _eigvals(x: Any) -> Any:
    return namespace_of(x).linalg.eigvals(x).astype(_complex(x.dtype))


def svd(x: Any, /, *, full_matrices: bool = True) -> Any:
    """U, singular values (descending) and Vh."""
    m, n = x.shape[-2:]
    k = min(m, n)
    out = [(m, m if full_matrices else k), (k,), (n if full_matrices else k, n)]
    dtypes = [x.dtype, _real(x.dtype), x.dtype]
    return over("linalg.svd", x, core=(2,), out=out, dtypes=dtypes, full_matrices=full_matrices)


def svdvals(x: Any, /) -> Any:
    """Singular values, descending."""
    return over("linalg.svdvals", x, core=(2,), out=[(min(x.shape[-2:]),)], dtypes=[_real(x.dtype)])


def qr(x: Any, /, *, mode: str = "reduced") -> Any:
    """Q and R."""
    m, n = x.shape[-2:]
    k = m if mode == "complete" else min(m, n)
    return over("linalg.qr", x, core=(2,), out=[(m, k), (k, n)], dtypes=[x.dtype, x.dtype], mode=mode)


def pinv(x: Any, /, *, rtol: Any = None) -> Any:
    """The pseudoinverses."""
    m, n = x.shape[-2:]
    if hasattr(rtol, "ndim"):
        return over(_pinv, x, rtol, core=(2, 0), out=[(n, m)], dtypes=[x.dtype])
    return over("linalg.pinv", x, core=(2,), out=[(n, m)], dtypes=[x.dtype], rtol=rtol)


def _pinv(x: Any, rtol: Any) -> Any:
    return namespace_of(x).linalg.pinv(x, rtol=rtol)


def matrix_rank(x: Any, /, *, rtol: Any = None) -> Any:
    """How many singular values are not nearly 0."""
    if hasattr(rtol, "ndim"):
        return over(_matrix_rank, x, rtol, core=(2, 0), out=[()], dtypes=[np.dtype(np.int64)])
    return over(_matrix_rank, x, core=(2,), out=[()], dtypes=[np.dtype(np.int64)], rtol=rtol)


def _matrix_rank(x: Any, rtol: Any) -> Any:
    return namespace_of(x).linalg.matrix_rank(x, rtol=rtol)


def solve(x1: Any, x2: Any, /) -> Any:
    """X with `x1 @ X = x2`; an x2 of one dimension is a vector."""
    dtypes = [np.result_type(x1.dtype, x2.dtype)]
    if x2.ndim == 1:
        return over(_solve_vector, x1, x2, core=(2, 1), out=[x2.shape], dtypes=dtypes)
    return over("linalg.solve", x1, x2, core=(2, 2), out=[x2.shape[-2:]], dtypes=dtypes)


def _solve_vector(x1: Any, x2: Any) -> Any:
    return namespace_of(x1).linalg.solve(x1, x2[:, None])[..., 0]


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of the matrices."""
    rows, columns = x.shape[-2:]
    length = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    return over("linalg.diagonal", x, core=(2,), out=[(length,)], dtypes=[x.dtype], offset=offset)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of the diagonals."""
    return diagonal(x, offset=offset).sum(axis=-1, dtype=dtype)


def namespace() -> ModuleType:
    """The extension `linalg` of the namespace: what is above, and the rest of Dask's."""
    module = ModuleType("pullback_dask.linalg")
    vars(module).update({name: getattr(compat, name) for name in dir(compat) if not name.startswith("_")})
    own = (cholesky, det, diagonal, eig, eigh, eigvals, eigvalsh, inv, matrix_rank, pinv, qr, slogdet, solve)
    vars(module).update({function.__name__: function for function in (*own, svd, svdvals, trace)})
    return module
