"""Functions of the library that the chunks are of, run chunk by chunk.

`over` is the one tool: some trailing axes of each operand are handed over whole (a matrix, a row to be sorted), all
others are loops, over which Dask works in parallel. The function itself runs on what the chunks are, with the kernels
of their own backend: NumPy's or CuPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from itertools import count, islice
from operator import attrgetter, itemgetter
from typing import Any
from uuid import uuid4

import dask.array as da
import numpy as np
import pullback as pb


def over(
    function: Callable[..., Any] | str,
    *operands: Any,
    core: Sequence[int],
    out: Sequence[tuple[int, ...]],
    dtypes: Sequence[Any],
    **params: Any,
) -> Any:
    """`function(*chunks, **params)`, or that function of the chunks' namespace, for each chunk of the loop axes.

    `core` says how many trailing axes of each operand are handed over whole; `out`, for each result, the lengths of the
    axes that it has after the loop axes. One result is returned as it is, several as a tuple.
    """
    loops = max(x.ndim - own for x, own in zip(operands, core, strict=True))
    fresh = count(loops)
    pairs: list[Any] = []
    for x, own in zip(operands, core, strict=True):
        first = x.ndim - own
        pairs += [whole_along(x, range(first, x.ndim)), (*range(loops - first, loops), *islice(fresh, own))]
    made = _blocks(partial(_run, function, params), loops, pairs, operands[0], fresh, out, dtypes)
    return made[0] if len(out) == 1 else made


def _blocks(
    run: Any, loops: int, pairs: list[Any], like: Any, fresh: Any, out: Sequence[tuple[int, ...]], dtypes: Sequence[Any]
) -> tuple[Any, ...]:
    axes = tuple(range(loops))
    if len(out) > 1:  # each chunk of `parts` is the tuple of all results
        parts = da.blockwise(run, axes, *pairs, token=uuid4().hex, dtype=object, meta=np.empty((0,) * loops, object))
    made = []
    for i, (lengths, dtype) in enumerate(zip(out, dtypes, strict=True)):
        new = {next(fresh): length for length in lengths}
        options = {"new_axes": new, "token": uuid4().hex, "dtype": dtype}
        options["meta"] = meta_of(like, loops + len(new), dtype)
        given = (itemgetter(i), (*axes, *new), parts, axes) if len(out) > 1 else (run, (*axes, *new), *pairs)
        made.append(da.blockwise(*given, **options))
    return tuple(made)


def elementwise(function: Callable[..., Any] | str, *operands: Any, dtype: Any) -> Any:
    """`function(*chunks)`, or that function of the chunks' namespace, of operands of one shape, or 0-d."""
    axes = tuple(range(operands[0].ndim))
    pairs = [part for x in operands for part in (x, axes[: x.ndim])]
    meta = meta_of(operands[0], len(axes), dtype)
    return da.blockwise(partial(_run, function, {}), axes, *pairs, token=uuid4().hex, dtype=dtype, meta=meta)


def along(
    function: Callable[..., Any] | str,
    x: Any,
    *others: Any,
    core: Iterable[int],
    dtype: Any,
    lengths: Sequence[int] = (),
    **params: Any,
) -> Any:
    """`function(*chunks, **params)` for operands of as many axes, each whole along the axes `core`.

    `lengths`: those that the result has along them, where these differ from the lengths of `x`.
    """
    axes = tuple(core)
    fresh = count(x.ndim)

    def names() -> list[int]:
        return [next(fresh) if axis in axes else axis for axis in range(x.ndim)]

    pairs = [part for operand in (x, *others) for part in (whole_along(operand, axes), names())]
    out = names()
    return da.blockwise(
        partial(_run, function, params),
        out,
        *pairs,
        new_axes={out[axis]: n for axis, n in zip(axes, lengths or [x.shape[axis] for axis in axes], strict=True)},
        token=uuid4().hex,
        dtype=dtype,
        meta=meta_of(x, x.ndim, dtype),
    )


def whole(function: Callable[..., Any] | str, *operands: Any, shape: tuple[int, ...], dtype: Any, **params: Any) -> Any:
    """`function` of whole arrays, in one task: what has no better way. The memory of one worker must hold them."""
    made = over(function, *operands, core=[x.ndim for x in operands], out=[shape], dtypes=[dtype], **params)
    return made.rechunk("auto") if made.nbytes > _LARGE else made


def meta_of(like: Any, ndim: int, dtype: Any) -> Any:
    """What tells Dask the library, the number of axes and the dtype of chunks: an array of no elements."""
    return np.empty_like(like._meta, shape=(0,) * ndim, dtype=dtype)


def whole_along(x: Any, axes: Iterable[int]) -> Any:
    """`x` with one chunk along each of `axes`."""
    split = {axis: -1 for axis in axes if x.numblocks[axis] != 1}
    return x.rechunk(split) if split else x


def _run(function: Any, params: dict[str, Any], *chunks: Any) -> Any:
    """One task."""
    found = [alone(chunk) for chunk in chunks]
    if isinstance(function, str):
        function = attrgetter(function)(namespace_of(found[0]))
    return function(*found, **params)


def alone(chunk: Any) -> Any:
    """The one chunk along each axis that is handed over whole, out of the lists in which Dask has it."""
    while isinstance(chunk, list):
        (chunk,) = chunk
    return chunk


def namespace_of(chunk: Any) -> Any:
    """What rules compute with on arrays such as `chunk`: its library, and the kernels of its backend."""
    return _namespace("cuda" if type(chunk).__module__.partition(".")[0] == "cupy" else "cpu")


@lru_cache
def _namespace(device: str) -> Any:
    return pb.device(device).backend.xp


_LARGE = 128 << 20


def moved(x: Any, *, gpu: bool) -> Any:
    """`x` with its chunks on the GPU of whoever computes them, or on its host."""
    import cupy  # noqa: PLC0415  asked for only where it is installed

    meta = (cupy if gpu else np).empty((0,) * x.ndim, x.dtype)
    return x.map_blocks(cupy.asarray if gpu else cupy.asnumpy, dtype=x.dtype, meta=meta)
