"""Rows of a table by number."""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, DTypeError, ShapeError

from pullback_nn.arguments import read_floats, read_index, read_tensor
from pullback_nn.strays import nan_for, strays


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of weight, (rows, features), at the numbers of the input: (*, features).

    The row `padding_idx` gets no gradient. A number that is no row is an `IndexingError` on NumPy, and a row of NaN
    elsewhere.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.embedding(pb.tensor([2, 0]), pb.tensor([[0.0], [10.0], [20.0]]))
    tensor([[20.],
            [ 0.]])
    """
    read_floats("embedding", weight=weight)
    if not pb.isdtype(read_tensor("embedding", "input", input).dtype, "integral"):
        raise DTypeError(f"embedding: input must be row numbers, integers, it is {input.dtype.name}; write .long()")
    if weight.ndim != 2:
        raise ShapeError(f"embedding: weight must be (rows, features), it has shape {weight.shape}")
    rows = weight.shape[0]
    wrong = strays(input, count=rows, ignored=0, function="embedding", what="row")
    flat = pb.reshape(pb.where(wrong, 0, input), (-1,))
    out = pb.reshape(pb.take(weight, flat, axis=0), (*input.shape, weight.shape[1]))
    out = out + pb.expand_dims(nan_for(wrong, weight.dtype), axis=-1)
    if padding_idx is None:
        return out
    return pb.where(pb.expand_dims(input == read_row(padding_idx, rows), axis=-1), out.detach(), out)


def read_row(padding_idx: int, rows: int) -> int:
    """`padding_idx`, counted from the front."""
    number = read_index("embedding", "padding_idx", padding_idx, least=-rows)
    if number >= rows:
        raise ArgumentError(f"embedding: padding_idx {padding_idx} is none of {rows} rows")
    return number % rows


def one_hot(input: Any, num_classes: int = -1) -> Any:
    """1 at the class of each number, 0 for the other classes: (*, classes), int64. Without a number: as many as needed.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.one_hot(pb.tensor([2, 0]), 3)
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    if not pb.isdtype(read_tensor("one_hot", "input", input).dtype, "integral"):
        raise DTypeError(f"one_hot: input must be class numbers, integers, it is {input.dtype.name}; write .long()")
    count = int(pb.max(input)) + 1 if num_classes == -1 else read_index("one_hot", "num_classes", num_classes, least=1)
    classes = pb.arange(count, device=input.device, dtype=input.dtype)
    return pb.astype(pb.expand_dims(input, axis=-1) == classes, pb.int64)
