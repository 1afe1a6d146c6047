"""At least one call of every primitive, small, for tests that hold for all of them.

A row is a function of Tensors, and its arguments: a shape stands for a Gaussian array, `positive(shape)` for one between
1/2 and 3/2, and any other array for itself. The arguments are those of one example.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pullback as pb
from pullback import namespace, ops
from pullback.ops import elementwise_functions as ew
from pullback.ops import indexing_functions
from pullback.primitive import Primitive

xp: Any = namespace.tensors
Row = tuple[Callable[..., Any], tuple[Any, ...]]


def positive(shape: tuple[int, ...]) -> np.ndarray:
    """Numbers between 1/2 and 3/2."""
    return np.random.default_rng(3).uniform(0.5, 1.5, shape)


def integers(*values: Any) -> np.ndarray:
    """An array of integers."""
    return np.asarray(values, dtype=np.int64)


def symmetric(n: int) -> Callable[[Any], Any]:
    """From a matrix to a symmetric one with well separated eigenvalues."""
    return lambda x: x + x.mT + pb.asarray(np.diag(np.arange(n) * 9.0), device=x.device)


def definite(x: Any) -> Any:
    """From a matrix to a positive definite one."""
    return x @ x.mT + 3.0 * pb.eye(x.shape[-1], dtype=x.dtype, device=x.device)


def regular(x: Any) -> Any:
    """From a matrix to one that is far from singular."""
    return x + 4.0 * pb.eye(x.shape[-1], dtype=x.dtype, device=x.device)


def complex_of(x: Any) -> Any:
    """From a real array to a complex one."""
    return x * (0.8 + 0.6j)


def applied(
    function: Callable[..., Any], prepare: Callable[[Any], Any] = lambda x: x, **options: Any
) -> Callable[..., Any]:
    """`function` of prepared arguments, with these options."""
    return lambda *args: function(*map(prepare, args), **options)


_FREE = (
    *("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "expm1", "atan", "asinh"),
    *("square", "negative", "positive", "abs", "floor", "ceil", "trunc", "round", "sign"),
)
_SMALL = ("asin", "acos", "atanh")
_POSITIVE = ("sqrt", "log", "log1p", "log2", "log10", "reciprocal")
_PAIRS = (
    *("add", "subtract", "multiply", "divide", "maximum", "minimum", "atan2", "hypot", "logaddexp", "copysign"),
    *("floor_divide", "remainder"),
)
_QUESTIONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "nextafter")
_ABOUT = ("isfinite", "isinf", "isnan", "signbit")
_LOGICAL = ("logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor")
_REDUCTIONS = ("sum", "mean", "max", "min", "prod", "var", "std", "all", "any", "count_nonzero")

ROWS: dict[str, list[Row]] = {
    **{name: [(getattr(xp, name), ((2, 3),))] for name in _FREE + _ABOUT},
    **{name: [(applied(getattr(xp, name), lambda x: 0.1 * pb.tanh(x)), ((3,),))] for name in _SMALL},
    **{name: [(getattr(xp, name), (positive((2, 3)),))] for name in _POSITIVE},
    **{name: [(getattr(xp, name), ((2, 3), (3,))), (getattr(xp, name), ((), (2,)))] for name in _PAIRS + _QUESTIONS},
    **{name: [(applied(getattr(xp, name), lambda x: x > 0), ((2, 3), (3,)))] for name in _LOGICAL},
    **{
        name: [
            (getattr(xp, name), ((2, 3),)),
            (applied(getattr(xp, name), axis=-1), ((2, 3),)),
            (applied(getattr(xp, name), axis=(0, 2), keepdims=True), ((2, 1, 3),)),
            (applied(getattr(xp, name), keepdims=True), ((2, 3),)),
            (getattr(xp, name), ((),)),
        ]
        for name in _REDUCTIONS
    },
    **{
        name: [
            (getattr(xp, name), ((2, 3),)),
            (applied(getattr(xp, name), keepdims=True), ((2, 3),)),
            (applied(getattr(xp, name), axis=0, keepdims=True), ((2, 3),)),
        ]
        for name in ("argmax", "argmin")
    },
    "acosh": [(lambda x: xp.acosh(2 + 0.1 * pb.tanh(x)), ((3,),))],
    "logical_not": [(lambda x: xp.logical_not(x > 0), ((3,),))],
    "bitwise_invert": [(lambda x: xp.bitwise_invert(x > 0), ((3,),))],
    "bitwise_left_shift": [(xp.bitwise_left_shift, (integers(1, 2, 3), integers(2)))],
    "bitwise_right_shift": [(xp.bitwise_right_shift, (integers(16, 20, 3), integers(2)))],
    "pow": [
        (xp.pow, (positive((2, 3)), (3,))),
        *((lambda x, n=n: ew.power(x, n), (positive((2, 3)),)) for n in (0, 1, 2, 3, 5, 2.5)),
        (lambda x: 2.0**x, ((3,),)),
    ],
    "clip": [
        (lambda x, lo, hi: xp.clip(x, lo, hi), ((2, 3), (3,), ())),
        (lambda x: xp.clip(x, -0.5, 0.5), ((3,),)),
        (lambda x, lo: xp.clip(x, lo), ((), (3,))),
    ],
    "where": [
        (lambda c, x, y: xp.where(c > 0, x, y), ((3,), (2, 3), ())),
        (lambda x: xp.where(x > 0, x, 0.0), ((3,),)),
    ],
    "complex": [
        (lambda x: xp.abs(complex_of(x)), ((3,),)),
        (lambda x: xp.sign(complex_of(x)), ((3,),)),
        (lambda x: xp.conj(complex_of(x)), ((3,),)),
        (lambda x: xp.real(complex_of(x)), ((3,),)),
        (lambda x: xp.imag(complex_of(x)), ((3,),)),
        (lambda x, y: complex_of(x) * y, ((2, 3), (3,))),
    ],
    "astype": [(lambda x: x.astype(pb.complex128), ((3,),)), (lambda x: x.astype(pb.int64), ((3,),))],
    "clone": [(lambda x: x.clone(), ((3,),))],
    "tril": [(lambda x: xp.tril(x, k=-1), ((3, 3),)), (lambda x: xp.triu(x), ((2, 3, 4),))],
    # manipulation
    "reshape": [(lambda x: xp.reshape(x, (3, -1)), ((2, 3),)), (lambda x: xp.reshape(x, (1, 1)), ((),))],
    "permute_dims": [(lambda x: xp.permute_dims(x, (2, 0, 1)), ((2, 3, 1),))],
    "broadcast_to": [(lambda x: xp.broadcast_to(x, (2, 2, 3)), ((1, 3),)), (lambda x: xp.broadcast_to(x, (2,)), ((),))],
    "concat": [
        (lambda x, y: xp.concat([x, y, x], axis=-1), ((2, 1), (2, 3))),
        (lambda x, y: xp.stack([x, y], axis=1), ((2, 2), (2, 2))),
    ],
    "flip": [(lambda x: xp.flip(x), ((2, 3),)), (lambda x: xp.flip(x, axis=-1), ((2, 3),))],
    "roll": [(lambda x: xp.roll(x, 2), ((2, 3),)), (lambda x: xp.roll(x, (1, -1), axis=(0, 1)), ((2, 3),))],
    "repeat": [
        (lambda x: xp.repeat(x, 2, axis=1), ((2, 3),)),
        (lambda x: xp.repeat(x, pb.asarray([1, 0, 2], device=x.device), axis=1), ((2, 3),)),
        (xp.repeat, ((3,), integers(1, 0, 2))),
    ],
    "tile": [(lambda x: xp.tile(x, (2, 1, 2)), ((2, 3),)), (lambda x: xp.tile(x, (2,)), ((2, 3),))],
    "unstack": [(lambda x: xp.unstack(x, axis=1), ((2, 3),))],
    # products
    "matmul": [
        (xp.matmul, (shape1, shape2))
        for shape1, shape2 in [
            *[((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,))],
            *[((2, 2, 3), (3, 4)), ((2, 3), (2, 3, 4)), ((2, 2, 3), (3,)), ((3,), (2, 3, 4))],
        ]
    ],
    "tensordot": [(lambda x, y: xp.tensordot(x, y, axes=1), ((2, 3), (3, 4)))],
    "vecdot": [(lambda x, y: xp.vecdot(x, y), ((2, 3), (3,)))],
    # indexing
    "getitem": [
        (lambda x: x[1, ...], ((2, 3),)),
        (lambda x: x[..., ::-1, None, 1:], ((2, 3),)),
        (lambda x: x[None, ...], ((2, 3),)),
        (lambda x, i: x[i], ((4, 2), integers(3, 0, 0))),
        (lambda x, i: x[i], ((4,), integers([3, 0], [-1, 2]))),
        (lambda x, i: x[i], ((4,), np.asarray(-3))),
        (lambda x, i, j: x[i, j], ((4, 2), integers(3, 0, -1), integers(1, 1, 0))),
        (lambda x, i: x[i, 1], ((4, 2), integers(3, 0, -1))),
        (lambda x: x[pb.asarray(np.asarray([True, False, True]), device=x.device)], ((3, 2),)),
    ],
    "setitem": [
        (lambda x, v: indexing_functions.put(x, (1, ...), v), ((2, 3), ())),
        (lambda x, v: indexing_functions.put(x, slice(0, 2), v), ((4, 3), (3,))),
        (indexing_functions.put, ((4,), integers(3, 0), (2,))),
        (lambda x, i, v: indexing_functions.put(x, (i, i), v), ((4, 4), integers(3, 0, 1), (3,))),
    ],
    "scatter": [
        (lambda v: indexing_functions.scatter(v, (slice(1, 3), ...), (4, 2)), ((2, 2),)),
        (lambda v, i: indexing_functions.scatter(v, (i, i), (4, 4)), ((3,), integers(3, 0, 3))),
    ],
    "take": [
        (lambda x, i: xp.take(x, i, axis=1), ((2, 4, 3), integers(3, 0, 0))),
        (lambda x, i: xp.take(x, i), ((4,), integers(-1, 2))),
    ],
    "take_along_axis": [(lambda x, i: xp.take_along_axis(x, i, axis=0), ((4, 2), integers([3, 0], [1, 1], [0, 0])))],
    "index_add": [(lambda v, i: indexing_functions.index_add(v, i, 1, 4), ((2, 3), integers(3, 0, 3)))],
    "along_axis_add": [
        (lambda v, i: indexing_functions.along_axis_add(v, i, 0, 4), ((3, 2), integers([3, 0], [1, 1], [3, 0])))
    ],
    # searching, sorting, sets
    "searchsorted": [
        (lambda x, v: xp.searchsorted(xp.sort(x), v), ((5,), (3,))),
        (lambda x, v: xp.searchsorted(xp.sort(x), v, side="right"), (integers(3, 1, 2, 2), integers(2, 4, 0))),
    ],
    "nonzero": [(lambda x: xp.nonzero(xp.abs(x) + 1), ((2, 2),))],
    "sort": [(lambda x: xp.sort(x, axis=0), ((3, 2),)), (lambda x: xp.sort(x, descending=True), ((2, 3),))],
    "argsort": [(lambda x: xp.argsort(x, axis=0), ((3, 2),))],
    "isin": [(xp.isin, (integers(1, 2, 3), integers(3, 1)))],
    "unique_values": [(lambda x: xp.unique_values(x), ((3,),))],
    "unique_all": [(lambda x: xp.unique_all(x), ((3,),))],
    "unique_counts": [(lambda x: xp.unique_counts(x), ((3,),))],
    "unique_inverse": [(lambda x: xp.unique_inverse(x), ((3,),))],
    # statistics
    "cumulative_sum": [(lambda x: xp.cumulative_sum(x, axis=0), ((3, 2),))],
    "cumulative_prod": [(lambda x: xp.cumulative_prod(x, axis=-1, include_initial=True), ((2, 3),))],
    "diff": [(lambda x: xp.diff(x, axis=0), ((3, 2),))],
    # linear algebra
    "cholesky": [(lambda x: xp.linalg.cholesky(definite(x)), ((3, 3),))],
    "inv": [(lambda x: xp.linalg.inv(regular(x)), ((2, 3, 3),))],
    "det": [(lambda x: xp.linalg.det(x), ((3, 3),))],
    "adjugate": [(lambda x: xp.adjugate(regular(x)) * 1e-5, ((9, 9),))],
    "slogdet": [(lambda x: tuple(xp.linalg.slogdet(regular(x))), ((3, 3),))],
    "solve": [
        (lambda a, b: xp.linalg.solve(regular(a), b), ((3, 3), (3,))),
        (lambda a, b: xp.linalg.solve(regular(a), b), ((3, 3), (2, 3, 2))),
        (lambda a, b: xp.linalg.solve(regular(a), b), ((2, 3, 3), (3, 2))),
        (lambda a, b: xp.linalg.solve(regular(a), b), ((2, 3, 3), (3,))),
    ],
    "diagonal": [(lambda x: xp.linalg.diagonal(x, offset=1), ((2, 3, 3),)), (xp.linalg.trace, ((3, 3),))],
    "eigh": [
        (lambda x: xp.linalg.eigh(symmetric(3)(x)).eigenvalues, ((3, 3),)),
        (lambda x: abs(xp.linalg.eigh(symmetric(3)(x)).eigenvectors), ((3, 3),)),
    ],
    "eigvalsh": [(lambda x: xp.linalg.eigvalsh(symmetric(3)(x)), ((3, 3),))],
    "eig": [(lambda x: abs(xp.linalg.eig(symmetric(3)(x)).eigenvalues).sum(), ((3, 3),))],
    "eigvals": [(lambda x: abs(xp.linalg.eigvals(symmetric(3)(x))).sum(), ((3, 3),))],
    "flat": [(lambda t, x: xp.flat(t, x), ((2, 3), (3,)))],
    "determined": [
        (lambda x: xp.determined(x, x > 100), ((3,),)),
        (lambda x, y: xp.determined(x, y > 100), ((3,), (3,))),
    ],
    "qr": [(lambda x: tuple(xp.linalg.qr(x)), ((4, 3),))],
    "svd": [(lambda x: abs(xp.linalg.svd(x, full_matrices=False).U), ((4, 3),))],
    "svdvals": [(lambda x: xp.linalg.svdvals(x), ((4, 3),))],
    "pinv": [(lambda x: xp.linalg.pinv(x), ((4, 3),))],
    "matrix_rank": [(lambda x: xp.linalg.matrix_rank(x), ((4, 3),))],
    "vector_norm": [
        (lambda x: xp.linalg.vector_norm(x), ((2, 3),)),
        (lambda x: xp.linalg.vector_norm(x, ord=0), ((2, 3),)),
        (lambda x: xp.linalg.vector_norm(x, ord=3, axis=0, keepdims=True), ((2, 3),)),
    ],
    "matrix_norm": [(lambda x: xp.linalg.matrix_norm(x, ord="nuc"), ((2, 3),))],
    "cross": [(lambda x, y: xp.linalg.cross(x, y), ((2, 3), (2, 3)))],
    # fourier transforms
    **{
        name: [
            (applied(getattr(xp.fft, name), complex_of, n=5, axis=0), ((4, 2),)),
            (applied(getattr(xp.fft, name), complex_of), ((2, 4),)),
        ]
        for name in ("fft", "ifft", "irfft", "hfft")
    },
    **{name: [(applied(getattr(xp.fft, name), axis=0), ((4, 2),))] for name in ("rfft", "ihfft")},
    **{
        name: [(applied(getattr(xp.fft, name), complex_of, axes=(0, 2)), ((4, 2, 3),))]
        for name in ("fftn", "ifftn", "irfftn", "fftshift", "ifftshift")
    },
    "rfftn": [(lambda x: xp.fft.rfftn(x), ((4, 3),))],
}

BEYOND_THE_STANDARD: dict[str, list[Row]] = {
    "getitem beside slices": [
        (lambda x, i: x[i], ((4, 2), integers([3, 0], [-1, 2]))),
        (lambda x, i: x[i], ((4, 2), np.asarray(-3))),
        (lambda x, i: x[:, i], ((2, 4, 3), integers(3, 0))),
        (lambda x, i, j: x[i, j, ...], ((4, 2, 3), integers([3], [0]), integers(1, 0))),
        (lambda x, i: x[..., i, None, 1], ((2, 4, 3), integers([3], [0]))),
        (lambda x, i: x[i, :, 1], ((4, 2, 3), integers(3, 0))),
        (lambda x, i: x[1, :, i, ...], ((2, 2, 3, 2), integers(2, 0))),
        (lambda x: x[:, pb.asarray(np.asarray([True, False, True]), device=x.device)], ((2, 3),)),
    ],
    "setitem beside slices": [
        (indexing_functions.put, ((4, 2), integers(3, 0), (2,))),
        (lambda x, i, v: indexing_functions.put(x, (slice(None), i, ...), v), ((2, 4, 3), integers(3, 0), (2, 1))),
        (lambda x, i, v: indexing_functions.put(x, (i, slice(None), 1), v), ((4, 2, 3), integers(3, 0), (1, 2))),
    ],
    "scatter beside slices": [
        (lambda v, i: indexing_functions.scatter(v, (i, ...), (4, 2)), ((3, 2), integers(3, 0, 3))),
        (lambda v, i: indexing_functions.scatter(v, (slice(None), i, ...), (2, 4, 3)), ((2, 2, 3), integers(3, 3))),
    ],
    "imaginary": [(ew._imaginary, ((2, 3),))],
}
"""What the standard has no function for: integer arrays beside slices, and what writes to `x.imag` are made of."""


def calls(table: dict[str, list[Row]] = ROWS) -> Iterator[tuple[str, Callable[..., Any], list[np.ndarray]]]:
    """Every row of a table: its name, the function, and the arrays of one example."""
    for name, rows in table.items():
        for i, (call, arguments) in enumerate(rows):
            rng = np.random.default_rng(i)
            yield f"{name}-{i}", call, [rng.standard_normal(a) if isinstance(a, tuple) else a for a in arguments]


def declared() -> list[Primitive]:
    """Every primitive that the chapters of `pullback.ops` declare."""
    found: dict[int, Primitive] = {}
    for module in pkgutil.iter_modules(ops.__path__, f"{ops.__name__}."):
        for value in vars(import_module(module.name)).values():
            for item in value.values() if isinstance(value, dict) else (value,):
                primitive = getattr(item, "primitive", None)
                if isinstance(primitive, Primitive):
                    found[id(primitive)] = primitive
    return list(found.values())
