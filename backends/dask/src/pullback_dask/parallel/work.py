"""What a worker does: the loss and the gradients of one block, and the sum of what several blocks gave.

The caller's function meets ordinary Tensors over the arrays of the block, so it runs on the backend of these arrays:
NumPy or CuPy. What travels between processes are the arrays of the host.
"""

from __future__ import annotations

import contextlib
import functools
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import cloudpickle
import numpy as np
import pullback as pb
from distributed import get_worker

from pullback_dask.parallel.errors import BlockError


class Slot:
    """Where in the arguments an array belongs that travels beside them."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class Piece:
    """Where in the arguments a block of the data belongs."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class Partial(NamedTuple):
    """What some rows add: how many they are, and the sums over them of loss and gradients. No rows have no sums."""

    rows: int
    loss: Any = None
    grads: Sequence[Any] = ()


class Shipment:
    """A call of the caller's function, as it is sent to every worker once per step.

    The function is pickled here and not by Dask, so that one that a worker cannot unpickle is an error of the block.
    """

    def __init__(self, program: bytes, arrays: list[Any]) -> None:
        self.program = program
        self.arrays = arrays

    @classmethod
    def packed(cls, call: Call) -> Shipment:
        """Arrays are set apart from the rest of the call: they need no pickling."""
        arrays: list[Any] = []

        def slot(leaf: Any) -> Any:
            if not isinstance(leaf, pb.Tensor):
                return leaf
            arrays.append(leaf.detach().to("cpu").numpy())
            return Slot(len(arrays) - 1)

        args, kwargs = pb.tree.mapped(slot, (call.args, call.kwargs))
        return cls(cloudpickle.dumps(call._replace(args=args, kwargs=kwargs)), arrays)

    def opened(self) -> Call:
        """The call again, over this worker's copy of the arrays."""
        call: Call = cloudpickle.loads(self.program)
        args, kwargs = pb.tree.mapped(
            lambda leaf: tensor(self.arrays[leaf.index]) if isinstance(leaf, Slot) else leaf, (call.args, call.kwargs)
        )
        return call._replace(args=args, kwargs=kwargs)

    @property
    def nbytes(self) -> int:
        """Its size."""
        return len(self.program) + sum(int(array.nbytes) for array in self.arrays)


class Call(NamedTuple):
    """A function, its arguments with a `Piece` for each argument of data, and how it is differentiated."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    wanted: tuple[int, ...]
    """The positions of the arguments to differentiate with respect to."""
    mean: bool
    micro_batch: int | None


def tensor(array: Any) -> Any:
    """A Tensor over an array that others read too: on the memory itself where a write to the Tensor makes a copy."""
    if not isinstance(array, np.ndarray):
        return pb.asarray(array)
    array = np.require(array, requirements="A").view()  # a message ends up at any address, where arithmetic is slow
    array.flags.writeable = False
    return pb.asarray(array, copy=False)


def run_block(index: int, shipment: Shipment, *pieces: Any) -> Partial:
    """The loss and gradients of one block. Whatever the caller's function raises becomes a `BlockError`."""
    try:
        return _differentiated(shipment.opened(), [_tensors(piece) for piece in pieces])
    except Exception as error:  # noqa: BLE001  the caller's code may raise anything
        failure, cause = BlockError.of(error, index, _here()), _sendable(error)
    raise failure from cause  # out here, so that an error that cannot be sent is not its context


def load(index: int, loader: Callable[[Any], Any], path: Any) -> Any:
    """A block from a file, by the caller's loader."""
    try:
        return loader(path)
    except Exception as error:  # noqa: BLE001  as above
        failure, cause = BlockError.of(error, index, _here()), _sendable(error)
    raise failure from cause


def _here() -> str:
    """The address of this worker."""
    try:
        return str(get_worker().address)
    except ValueError:  # the function runs elsewhere, in a test for instance
        return "in this process"


def _sendable(error: Exception) -> Exception | None:
    with contextlib.suppress(Exception):
        pickle.loads(pickle.dumps(error))
        return error
    return None


def _tensors(piece: Any) -> Any:
    """A block with Tensors for its arrays. A table is a dict of its columns."""
    if hasattr(piece, "to_numpy"):  # of pandas
        piece = (
            {name: piece[name].to_numpy() for name in piece.columns} if hasattr(piece, "columns") else piece.to_numpy()
        )
    return pb.tree.mapped(
        lambda leaf: tensor(leaf) if hasattr(leaf, "dtype") and hasattr(leaf, "shape") else leaf, piece
    )


def _differentiated(call: Call, pieces: list[Any]) -> Partial:
    return combine(_summed(call, part, rows) for part, rows in _batches(pieces, call.micro_batch))


def _batches(pieces: list[Any], size: int | None) -> Iterator[tuple[list[Any], int]]:
    """The block in parts of at most `size` rows, and how many rows each has."""
    lengths = {leaf.shape[0] for leaf in pb.tree.leaves(pieces) if _has_rows(leaf)}
    if len(lengths) != 1:
        raise pb.errors.ShapeError(
            f"the arrays of a block must have one number of rows (their first axis), they have {sorted(lengths) or 'none'}"
        )
    (rows,) = lengths
    if size is None or rows <= size:
        yield pieces, rows
        return
    for start in range(0, rows, size):
        part = slice(start, min(start + size, rows))
        yield pb.tree.mapped(functools.partial(_cut, part), pieces), part.stop - start


def _has_rows(leaf: Any) -> bool:
    return isinstance(leaf, pb.Tensor) and leaf.ndim > 0


def _cut(part: slice, leaf: Any) -> Any:
    return leaf[part] if _has_rows(leaf) else leaf


def _summed(call: Call, pieces: list[Any], rows: int) -> Partial:
    """The sums over the rows of one part."""
    if not rows:
        return Partial(0)
    device = next(leaf.device for leaf in pb.tree.leaves(pieces) if _has_rows(leaf))
    args, kwargs = pb.tree.mapped(lambda leaf: leaf.to(device) if isinstance(leaf, pb.Tensor) else leaf, call[1:3])

    def of_wanted(*values: Any) -> Any:
        given = dict(zip(call.wanted, values, strict=True))
        full: list[Any] = []
        for position, argument in enumerate(args):
            if isinstance(argument, Piece):
                piece = pieces[argument.index]
                full.extend(piece if isinstance(piece, tuple) else (piece,))  # a tuple stands for several arguments
            else:
                full.append(given.get(position, argument))
        return call.function(*full, **kwargs)

    wanted = [args[position] for position in call.wanted]
    loss, grads = pb.func.value_and_grad(of_wanted, tuple(range(len(wanted))))(*wanted)
    weight = rows if call.mean else 1
    return Partial(rows, _host(loss) * weight, [_host(grad) * weight for grad in pb.tree.leaves(grads)])


def _host(x: Any) -> Any:
    return x.detach().to("cpu").numpy()


def combine(parts: Iterable[Partial]) -> Partial:
    """The sum, from left to right. What it is given stays as it is: a task may run twice."""
    return functools.reduce(_added, parts, Partial(0))


def _added(left: Partial, right: Partial) -> Partial:
    if not left.rows or not right.rows:
        return left if left.rows else right
    grads = [x + y for x, y in zip(left.grads, right.grads, strict=True)]
    return Partial(left.rows + right.rows, left.loss + right.loss, grads)
