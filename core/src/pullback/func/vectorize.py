"""`vmap`: a function of one example as a function of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from pullback import namespace, random
from pullback import primitive as primitives
from pullback import tree as trees
from pullback.batching import BatchedBackend
from pullback.errors import ArgumentError
from pullback.transform import entered

xp: Any = namespace.tensors


def vmap(
    function: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    *,
    chunk_size: int | None = None,
    randomness: str = "error",
) -> Callable[..., Any]:
    """A function that maps `function` over a batch, running each operation once for the whole batch.

    `in_axes`: which axis of each argument is the batch: an int, None for an argument without one, or a tuple nested as
    the arguments are (an int or None above counts for all below). `out_axes` likewise for the result. `chunk_size` limits
    how many examples run at once. `randomness`: "error", "same" or "different" numbers for each example. Keyword
    arguments have the batch in front. Raises `ArgumentError` if batch sizes differ or there is no batch.

    >>> import pullback as pb
    >>> pb.func.vmap(lambda x, y: (x * y).sum())(pb.ones(3, 2), pb.ones(3, 2))
    tensor([2., 2., 2.])
    """
    if chunk_size is not None and chunk_size < 1:
        raise ArgumentError(f"vmap: chunk_size must be at least 1, got {chunk_size}")
    if randomness not in ("error", "same", "different"):
        raise ArgumentError(f"vmap: randomness is 'error', 'same' or 'different', got {randomness!r}")

    @functools.wraps(function)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        tree = (args, kwargs)
        axes = [*_in_axes(in_axes, args), *([0] * len(trees.leaves(kwargs)))]
        flat = trees.leaves(tree)
        size = _size(flat, axes)
        fronted = [
            x if axis is None or axis == 0 else xp.moveaxis(x, axis, 0) for x, axis in zip(flat, axes, strict=True)
        ]
        step = chunk_size or max(size, 1)
        parts = []
        tape = random.Tape()
        for start in range(0, max(size, 1), step):
            chunk = [
                x if axis is None or step >= size else x[start : min(start + step, size), ...]
                for x, axis in zip(fronted, axes, strict=True)
            ]
            parts.append(_run(function, tree, chunk, axes, min(step, size - start), randomness, tape))
        return _joined(parts, out_axes)

    return mapped


def _in_axes(in_axes: Any, args: tuple[Any, ...]) -> list[Any]:
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)
    if isinstance(in_axes, tuple) and len(in_axes) != len(args):
        raise ArgumentError(f"vmap: in_axes has {len(in_axes)} entries for {len(args)} arguments")
    return trees.spread(in_axes, args, "vmap: in_axes")


def _size(flat: Sequence[Any], axes: Sequence[Any]) -> int:
    sizes = {}
    for i, (x, axis) in enumerate(zip(flat, axes, strict=True)):
        if axis is None:
            continue
        if not isinstance(x, primitives.tensor_type):
            raise ArgumentError(
                f"vmap: argument {i} is of type {type(x).__name__}; only Tensors have a batch, give None in in_axes"
            )
        if not -x.ndim <= axis < x.ndim:
            raise ArgumentError(f"vmap: argument {i} has shape {x.shape} and no axis {axis}")
        sizes[i] = x.shape[axis]
    if not sizes:
        raise ArgumentError("vmap: no argument has a batch; in_axes is None for all of them")
    if len(set(sizes.values())) > 1:
        raise ArgumentError(
            f"vmap: the batch sizes differ: {', '.join(f'argument {i} has {n}' for i, n in sizes.items())}"
        )
    return int(next(iter(sizes.values())))


def _run(
    function: Any, tree: Any, flat: Sequence[Any], axes: Sequence[Any], size: int, randomness: str, tape: random.Tape
) -> tuple[Any, list[Any]]:
    """One chunk: the result's tree, and its leaves with the batch in front."""
    with entered(BatchedBackend) as backend, random.mapped_over(backend, size, randomness, tape):
        inside = [x if axis is None else backend.make(x) for x, axis in zip(flat, axes, strict=True)]
        args, kwargs = trees.unflatten(tree, inside)
        out = function(*args, **kwargs)
        results = trees.leaves(out)
        for result in results:
            if not isinstance(result, primitives.tensor_type):
                raise ArgumentError(f"vmap: the function must return Tensors, it returned {type(result).__name__}")
        return out, [(backend.value(result, size), backend.split(result)[1]) for result in results]


def _joined(parts: list[tuple[Any, list[Any]]], out_axes: Any) -> Any:
    out = parts[0][0]
    axes = trees.spread(tuple(out_axes) if isinstance(out_axes, list) else out_axes, out, "vmap: out_axes")
    columns = zip(*(values for _, values in parts), strict=True)
    return trees.unflatten(out, [_placed(column, axis) for column, axis in zip(columns, axes, strict=True)])


def _placed(chunks: Sequence[tuple[Any, bool]], axis: int | None) -> Any:
    """One result of all chunks, with its batch at `axis`."""
    if axis is None:
        if any(has for _, has in chunks):
            raise ArgumentError(
                "vmap: out_axes is None for a result that differs from example to example; give it an axis"
            )
        return chunks[0][0][0, ...]
    whole = chunks[0][0] if len(chunks) == 1 else xp.concat([value for value, _ in chunks], axis=0)
    return xp.moveaxis(whole, 0, axis) if axis else whole
