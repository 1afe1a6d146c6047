"""Losses between numbers: distances, probabilities, margins. Those of classes are in `classification.py`.

`reduction` is "mean" over all elements, "sum", or "none" for the losses themselves.
"""

from __future__ import annotations

import math
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, ShapeError

from pullback_nn import elementwise as ew
from pullback_nn.arguments import read_floats, read_tensor, reduced


def _pair(op: str, input: Any, target: Any, weight: Any = None) -> None:
    """Check two Tensors of one shape: to broadcast them is nearly always a mistake, and PyTorch warns of it."""
    read_floats(op, input=input, target=target, weight=weight)
    if input.shape != target.shape:
        raise ShapeError(
            f"{op}: input has shape {input.shape} and target {target.shape}; they must be the same: write "
            f"pb.broadcast_to(...) or a reshape where broadcasting is meant"
        )


def _signs(op: str, input: Any, target: Any) -> Any:
    """Targets of 1 and -1 as numbers of the dtype of the input: they may be given as integers."""
    if pb.isdtype(read_tensor(op, "target", target).dtype, "integral"):
        return pb.astype(target, read_tensor(op, "input", input).dtype)
    return target


def _weighted(losses: Any, weight: Any) -> Any:
    return losses if weight is None else losses * weight


def mse_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Any:
    """(input - target)^2. With a weight, "mean" divides by the sum of the weights.

    Raises `ShapeError` where the shapes differ.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.mse_loss(pb.tensor([1.0, 2.0]), pb.tensor([1.0, 4.0]))
    tensor(2.)
    """
    _pair("mse_loss", input, target, weight)
    difference = input - target
    return _weighted_mean("mse_loss", difference * difference, weight, reduction)


def _weighted_mean(op: str, losses: Any, weight: Any, reduction: str) -> Any:
    if weight is None or reduction != "mean":
        return reduced(op, _weighted(losses, weight), reduction)
    return pb.sum(losses * weight) / pb.sum(pb.broadcast_to(weight, losses.shape))


def l1_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Any:
    """|input - target|; its slope at 0 is 0. With a weight, "mean" divides by the sum of the weights.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.l1_loss(pb.tensor([1.0, 2.0]), pb.tensor([1.0, 4.0]))
    tensor(1.)
    """
    _pair("l1_loss", input, target, weight)
    return _weighted_mean("l1_loss", pb.abs(input - target), weight, reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """Half the square of a difference up to `delta`, and from there on a line.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.huber_loss(pb.tensor([0.0, 0.0]), pb.tensor([0.5, 3.0]), reduction="none")
    tensor([0.1250, 2.5000])
    """
    _pair("huber_loss", input, target, weight)
    if not delta > 0:
        raise ArgumentError(f"huber_loss: delta must be positive, got {delta}")
    size = pb.abs(input - target)
    near = pb.minimum(size, float(delta))
    return _weighted_mean("huber_loss", near * (size - 0.5 * near), weight, reduction)


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """huber_loss divided by its delta, `beta`; with beta 0, l1_loss.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.smooth_l1_loss(pb.tensor([0.0, 0.0]), pb.tensor([0.5, 3.0]), reduction="none")
    tensor([0.1250, 2.5000])
    """
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: beta must not be negative, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction)
    _pair("smooth_l1_loss", input, target)
    return reduced("smooth_l1_loss", huber_loss(input, target, "none", beta) / beta, reduction)


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """-(target log(input) + (1 - target) log(1 - input)) of probabilities; a logarithm counts as -100 at least.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.binary_cross_entropy(pb.tensor([0.5, 0.0]), pb.tensor([1.0, 1.0]), reduction="none")
    tensor([  0.6931, 100.0000])
    """
    _pair("binary_cross_entropy", input, target, weight)
    some, rest = input > math.exp(-100), input < 1
    hits = pb.where(some, pb.log(pb.where(some, input, 1.0)), -100.0)
    misses = pb.where(rest, pb.log1p(-pb.where(rest, input, 0.0)), -100.0)
    losses = (target - 1) * misses - target * hits
    return reduced("binary_cross_entropy", _weighted(losses, weight), reduction)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """binary_cross_entropy of sigmoid(input), without overflow; `pos_weight` multiplies the part of the positive class.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.binary_cross_entropy_with_logits(pb.tensor([0.0, 200.0]), pb.tensor([1.0, 1.0]), reduction="none")
    tensor([0.6931, 0.0000])
    """
    op = "binary_cross_entropy_with_logits"
    _pair(op, input, target, weight)
    read_floats(op, input=input, pos_weight=pos_weight)
    below = -ew.logsigmoid(input)
    if pos_weight is not None:
        below = below * (1 + (pos_weight - 1) * target)
    return reduced(op, _weighted((1 - target) * input + below, weight), reduction)


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """target (log(target) - input), for input a logarithm of probabilities; "batchmean" is the sum over the batch size.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.kl_div(pb.tensor([[-0.5, -1.5]]), pb.tensor([[0.0, 1.0]]), reduction="batchmean")
    tensor(1.5000)
    """
    _pair("kl_div", input, target)
    losses = pb.exp(target) * (target - input) if log_target else _xlogx(target) - target * input
    if reduction == "batchmean":
        return pb.sum(losses) / (input.shape[0] if input.ndim else 1)
    return reduced("kl_div", losses, reduction)


def _xlogx(x: Any) -> Any:
    """x log(x), and 0 at 0."""
    return x * pb.log(pb.where(x == 0, 1.0, x))


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:
    """The negative logarithm of a Poisson probability, without log(target!), which `full` adds by Stirling's formula."""
    _pair("poisson_nll_loss", input, target)
    losses = pb.exp(input) - target * input if log_input else input - target * pb.log(input + eps)
    if full:
        counted = pb.where(target > 1, target, 1.0)
        stirling = counted * pb.log(counted) - counted + 0.5 * pb.log(2 * math.pi * counted)
        losses = losses + pb.where(target > 1, stirling, 0.0)
    return reduced("poisson_nll_loss", losses, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """The negative logarithm of a normal density with mean `input` and variance `var`, at least `eps`.

    (What is taken for `eps` there has no gradient.) `var` may have one number for the last axis of the input.
    """
    _pair("gaussian_nll_loss", input, target)
    read_floats("gaussian_nll_loss", input=input, var=var)
    if var.shape == input.shape[:-1] and var.shape != input.shape:
        var = pb.expand_dims(var, axis=-1)
    if var.shape not in (input.shape, (*input.shape[:-1], 1)):
        raise ShapeError(f"gaussian_nll_loss: var of shape {var.shape} does not fit to an input of {input.shape}")
    safe = var + pb.maximum(eps - var, 0.0).detach()
    difference = input - target
    losses = 0.5 * (pb.log(safe) + difference * difference / safe)
    return reduced("gaussian_nll_loss", losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """input where the target is 1, and margin - input, if positive, where it is -1."""
    target = _signs("hinge_embedding_loss", input, target)
    _pair("hinge_embedding_loss", input, target)
    losses = pb.where(target == 1, input, 0.0) + pb.where(target == -1, ew.relu(margin - input), 0.0)
    return reduced("hinge_embedding_loss", losses, reduction)


def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """log(1 + exp(-target input)) for targets of 1 and -1.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.soft_margin_loss(pb.tensor([0.0]), pb.tensor([1.0]))
    tensor(0.6931)
    """
    target = _signs("soft_margin_loss", input, target)
    _pair("soft_margin_loss", input, target)
    return reduced("soft_margin_loss", -ew.logsigmoid(target * input), reduction)


def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """-target (input1 - input2) + margin, where positive: a target of 1 wants input1 to be the larger one."""
    _pair("margin_ranking_loss", input1, input2)
    target = _signs("margin_ranking_loss", input1, target)
    _pair("margin_ranking_loss", input1, target)
    return reduced("margin_ranking_loss", ew.relu(margin - target * (input1 - input2)), reduction)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along an axis; their norms count as `eps` at least.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.cosine_similarity(pb.tensor([[1.0, 0.0]]), pb.tensor([[2.0, 2.0]]))
    tensor([0.7071])
    """
    read_floats("cosine_similarity", x1=x1, x2=x2)
    first, second = (_norm(x, dim) for x in (x1, x2))
    return pb.sum((x1 / pb.maximum(first, eps)) * (x2 / pb.maximum(second, eps)), axis=dim)


def _norm(x: Any, dim: int) -> Any:
    return pb.linalg.vector_norm(x, axis=dim, keepdims=True)


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    """The input divided by its p-norm along an axis, or by `eps` where that is larger.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.normalize(pb.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    read_floats("normalize", input=input)
    return input / pb.maximum(pb.linalg.vector_norm(input, axis=dim, keepdims=True, ord=p), eps)


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of x1 - x2 + eps along the last axis."""
    read_floats("pairwise_distance", x1=x1, x2=x2)
    return pb.linalg.vector_norm(x1 - x2 + eps, axis=-1, keepdims=keepdim, ord=p)


def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """1 - cos where the target is 1, and cos - margin, if positive, where it is -1."""
    read_floats("cosine_embedding_loss", input1=input1, input2=input2)
    if input1.shape != input2.shape or target.shape != input1.shape[:-1]:
        raise ShapeError(
            f"cosine_embedding_loss: the inputs must have one shape, and the target that of their first axes; they have "
            f"{input1.shape}, {input2.shape} and {target.shape}"
        )
    cosine = _cosine(input1, input2)
    losses = pb.where(target == 1, 1 - cosine, 0.0) + pb.where(target == -1, ew.relu(cosine - margin), 0.0)
    return reduced("cosine_embedding_loss", losses, reduction)


def _cosine(x1: Any, x2: Any) -> Any:
    """As PyTorch has it in this loss: a small number is added to both squares."""
    tiny = 1e-12
    products, first, second = (pb.sum(x * y, axis=-1) for x, y in ((x1, x2), (x1, x1), (x2, x2)))
    return products / pb.sqrt((first + tiny) * (second + tiny))


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """The distance to the positive less that to the negative example, plus margin, where positive.

    `swap` takes the distance from the positive to the negative example if that is smaller.
    """
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = pb.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced("triplet_margin_loss", ew.relu(near - far + margin), reduction)
