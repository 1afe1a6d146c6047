"""Losses of classes: `nll_loss` and `cross_entropy`, for class numbers and for probabilities.

The classes are axis 1 of the input, or its only axis. A number that is no class is an error on NumPy, and makes a loss of
NaN elsewhere: see `strays.py`.
"""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, DTypeError, ShapeError

from pullback_nn import normalizers
from pullback_nn.arguments import read_floats, read_reduction, read_tensor, reduced
from pullback_nn.strays import strays


def _class_axis(op: str, input: Any) -> int:
    if input.ndim == 0:
        raise ShapeError(f"{op}: input must be (classes,) or (batch, classes, ...), it is 0-d")
    return 0 if input.ndim == 1 else 1


def _read_classes(op: str, input: Any, target: Any, weight: Any, axis: int) -> None:
    read_floats(op, input=input, weight=weight)
    read_tensor(op, "target", target)
    rest = (*input.shape[:axis], *input.shape[axis + 1 :])
    if not pb.isdtype(target.dtype, "integral"):
        raise DTypeError(
            f"{op}: target must be class numbers, integers of shape {rest}, it is {target.dtype.name}; write .long()"
        )
    if target.shape != rest:
        raise ShapeError(
            f"{op}: target must have the shape of input without its axis of classes, {rest}, it has {target.shape}"
        )
    if weight is not None and weight.shape != (input.shape[axis],):
        raise ShapeError(f"{op}: weight must have shape ({input.shape[axis]},), one per class, it has {weight.shape}")


def nll_loss(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """-input[i, target[i]] times weight[target[i]]; "mean" divides by the sum of these weights.

    input: (classes,) or (batch, classes, ...), usually from log_softmax; target: class numbers, (batch, ...). A target
    of `ignore_index` does not count. Raises `IndexingError` for a number that is no class.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.nll_loss(pb.tensor([[-1.0, -2.0], [-3.0, -4.0]]), pb.tensor([0, 1]))
    tensor(2.5000)
    """
    read_tensor("nll_loss", "input", input)
    axis = _class_axis("nll_loss", input)
    _read_classes("nll_loss", input, target, weight, axis)
    losses, weights = _picked("nll_loss", input, target, weight, ignore_index, axis)
    return _averaged("nll_loss", losses, weights, reduction)


def _picked(op: str, input: Any, target: Any, weight: Any, ignore_index: int, axis: int) -> tuple[Any, Any]:
    """The weighted losses, and the weights (0 where ignored)."""
    ignored = target == ignore_index
    wrong = strays(target, count=input.shape[axis], ignored=ignore_index, function=op, what="class")
    safe = pb.where(ignored | wrong, 0, target)
    chosen = pb.squeeze(pb.take_along_axis(input, pb.expand_dims(safe, axis=axis), axis=axis), axis=axis)
    losses = pb.where(ignored, 0.0, -chosen)
    if weight is None:
        weights = pb.astype(~ignored, input.dtype)
    else:
        each = pb.reshape(pb.take(weight, pb.reshape(safe, (-1,)), axis=0), safe.shape)
        weights = pb.where(ignored, 0.0, each)
        losses = losses * weights
    return pb.where(wrong, float("nan"), losses), weights


def _averaged(op: str, losses: Any, weights: Any, reduction: str) -> Any:
    if reduction == "mean":
        return pb.sum(losses) / pb.sum(weights)
    return reduced(op, losses, reduction)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """nll_loss of log_softmax(input): input holds logits, (classes,) or (batch, classes, ...).

    target: class numbers, (batch, ...), or probabilities of the shape of input. `weight`: one number per class. With
    `label_smoothing` e, a target is (1 - e) of itself and e of all classes alike. Raises `ShapeError`, `DTypeError`, and
    `IndexingError` for a number that is no class.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.cross_entropy(pb.tensor([[0.0, 0.0], [9.0, 0.0]]), pb.tensor([1, 0]))
    tensor(0.3466)
    """
    op = "cross_entropy"
    read_tensor(op, "input", input)
    read_tensor(op, "target", target)
    read_reduction(op, reduction)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"{op}: label_smoothing must be between 0 and 1, got {label_smoothing}")
    axis = _class_axis(op, input)
    if target.shape == input.shape and target.dtype.differentiable:
        return _of_probabilities(input, target, weight, reduction, label_smoothing, axis)
    _read_classes(op, input, target, weight, axis)
    logs = normalizers.log_softmax(input, axis=axis)
    losses, weights = _picked(op, logs, target, weight, ignore_index, axis)
    out = _averaged(op, losses, weights, reduction)
    if label_smoothing == 0:
        return out
    even = pb.where(target == ignore_index, 0.0, -pb.sum(_times(logs, weight, axis), axis=axis))
    smooth = _averaged(op, even, weights, reduction)
    return (1 - label_smoothing) * out + (label_smoothing / input.shape[axis]) * smooth


def _times(x: Any, weight: Any, axis: int) -> Any:
    """x, each class times its weight."""
    return x if weight is None else x * pb.reshape(weight, (-1, *(1,) * (x.ndim - 1 - axis)))


def _of_probabilities(input: Any, target: Any, weight: Any, reduction: str, smoothing: float, axis: int) -> Any:
    read_floats("cross_entropy", input=input, target=target, weight=weight)
    if smoothing:
        target = (1 - smoothing) * target + smoothing / input.shape[axis]
    losses = -pb.sum(_times(normalizers.log_softmax(input, axis=axis), weight, axis) * target, axis=axis)
    if reduction == "mean":  # over the batch and places, not over the weights
        return pb.mean(losses)
    return reduced("cross_entropy", losses, reduction)
