"""Wrong input is refused with the op, the argument, the shapes, and what to write; and nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pullback_nn as nn
import pytest
from pullback.errors import ArgumentError, AutogradError, DTypeError, IndexingError, ShapeError
from pullback_nn import functional as F  # noqa: N812  the name that everybody knows

x = pb.ones((2, 4, 6))
image = pb.ones((2, 4, 6, 6))
double = pb.ones((2, 4, 6), dtype=pb.float64)
whole = pb.asarray([1, 2])

REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "array": (
        lambda: F.linear(np.ones(3), pb.ones(2, 3)),
        ArgumentError,
        r"linear: input must be a Tensor, got numpy\.ndarray; write pb\.asarray",
    ),
    "integers": (lambda: F.linear(whole, pb.ones(1, 2)), DTypeError, r"linear: input is int64.*\.to\(pb\.float32\)"),
    "dtypes": (
        lambda: F.linear(double, pb.ones(1, 6)),
        DTypeError,
        r"linear: input is float64 and weight is float32; write \.to\(weight\.dtype\)",
    ),
    "features": (
        lambda: F.linear(x, pb.ones(2, 3)),
        ShapeError,
        r"linear: input of shape \(2, 4, 6\) and weight of shape \(2, 3\)",
    ),
    "bias": (
        lambda: F.linear(x, pb.ones(2, 6), pb.ones(3)),
        ShapeError,
        r"linear: bias must have shape \(2,\), it has \(3,\)",
    ),
    "bilinear": (lambda: F.bilinear(x, x, pb.ones(2, 6, 5)), ShapeError, r"bilinear: weight must be \(out, in1, in2\)"),
    "channels": (
        lambda: F.conv1d(x, pb.ones(3, 3, 2)),
        ShapeError,
        r"conv1d: input of shape \(2, 4, 6\) has 4 channels, weight of shape \(3, 3, 2\) takes 3",
    ),
    "axes": (
        lambda: F.conv2d(pb.ones(4, 6), pb.ones(3, 4, 2, 2)),
        ShapeError,
        r"conv2d: input must have 4 axes \(batch, channels, height, width\), or 3",
    ),
    "weight axes": (
        lambda: F.conv2d(image, pb.ones(3, 4, 2)),
        ShapeError,
        r"conv2d: weight must be \(out channels, in channels / groups, size, size\)",
    ),
    "groups": (lambda: F.conv1d(x, pb.ones(3, 2, 2), groups=2), ShapeError, "cannot be cut into 2 groups"),
    "window": (
        lambda: F.conv1d(x, pb.ones(1, 4, 9)),
        ShapeError,
        r"windows of \(9,\).* do not fit into an input of \(6,\)",
    ),
    "conv bias": (
        lambda: F.conv1d(x, pb.ones(3, 4, 2), pb.ones(4)),
        ShapeError,
        r"conv1d: bias must have shape \(3,\)",
    ),
    "same": (lambda: F.conv1d(x, pb.ones(1, 4, 2), padding="same", stride=2), ArgumentError, "stride 1"),
    "padding": (
        lambda: F.conv1d(x, pb.ones(1, 4, 2), padding="full"),
        ArgumentError,
        "'same', 'valid' or integers, got 'full'",
    ),
    "stride": (
        lambda: F.conv2d(image, pb.ones(1, 4, 2, 2), stride=(1, 2, 3)),
        ArgumentError,
        r"conv2d: stride must be an integer or 2 of them, got \(1, 2, 3\)",
    ),
    "stride 0": (lambda: F.conv1d(x, pb.ones(1, 4, 2), stride=0), ArgumentError, "stride must be at least 1, got 0"),
    "fraction": (
        lambda: F.conv1d(x, pb.ones(1, 4, 2), dilation=1.5),
        ArgumentError,
        "dilation must be an integer, got 1.5",
    ),
    "transposed channels": (
        lambda: F.conv_transpose1d(x, pb.ones(3, 1, 2)),
        ShapeError,
        "has 4 channels, weight .* takes 3",
    ),
    "output_padding": (
        lambda: F.conv_transpose1d(x, pb.ones(4, 1, 2), output_padding=1),
        ArgumentError,
        "output_padding .* must be smaller than stride",
    ),
    "nothing left": (
        lambda: F.conv_transpose1d(x, pb.ones(4, 1, 1), padding=4),
        ShapeError,
        "takes away more than there is",
    ),
    "pool": (lambda: F.max_pool1d(x, 9), ShapeError, r"max_pool1d: windows of \(9,\) .* do not fit"),
    "pool padding": (lambda: F.avg_pool1d(x, 2, padding=2), ArgumentError, "at most half"),
    "indices": (lambda: F.max_pool1d(x, 2, return_indices=True), ArgumentError, "return_indices is not offered"),
    "output_size": (
        lambda: F.adaptive_avg_pool2d(image, (1, 2, 3)),
        ArgumentError,
        "output_size must be an integer or 2",
    ),
    "layer_norm": (
        lambda: F.layer_norm(x, (4,)),
        ShapeError,
        r"normalized_shape \(4,\) must be the lengths of the last axes",
    ),
    "group_norm": (lambda: F.group_norm(x, 3), ShapeError, "cut into 3 groups"),
    "batch": (
        lambda: F.batch_norm(pb.ones(1, 4), None, None, training=True),
        ShapeError,
        "more than one number per channel",
    ),
    "running": (lambda: F.batch_norm(x, None, None), ArgumentError, "running_mean and running_var are needed"),
    "norm weight": (
        lambda: F.batch_norm(x, None, None, pb.ones(3), training=True),
        ShapeError,
        r"weight must have shape \(4,\)",
    ),
    "running shape": (
        lambda: F.batch_norm(x, pb.ones(3), pb.ones(4), training=True),
        ShapeError,
        "running_mean must have shape",
    ),
    "dropout": (lambda: F.dropout(x, 1.5), ArgumentError, "between 0 and 1, got 1.5"),
    "dropout2d": (lambda: F.dropout2d(pb.ones(3)), ShapeError, "dropout2d: input must have 4 axes"),
    "embedding": (
        lambda: F.embedding(x, pb.ones(3, 2)),
        DTypeError,
        r"embedding: input must be row numbers, integers, it is float32; write \.long\(\)",
    ),
    "rows": (
        lambda: F.embedding(pb.asarray([1, 5]), pb.ones(3, 2)),
        IndexingError,
        "embedding: there is a row 5, they go from 0 to 2",
    ),
    "negative": (lambda: F.embedding(pb.asarray(-1), pb.ones(3, 2)), IndexingError, "row -1"),
    "padding_idx": (
        lambda: F.embedding(whole, pb.ones(3, 2), padding_idx=3),
        ArgumentError,
        "padding_idx 3 is none of 3 rows",
    ),
    "classes": (
        lambda: F.cross_entropy(pb.ones(2, 3), pb.asarray([0, 3])),
        IndexingError,
        r"cross_entropy: there is a class 3, they go from 0 to 2 \(and -100 is ignored\)",
    ),
    "class dtype": (
        lambda: F.cross_entropy(pb.ones(2, 3), pb.ones(2)),
        DTypeError,
        r"target must be class numbers.*float32; write \.long\(\)",
    ),
    "target shape": (
        lambda: F.nll_loss(pb.ones(2, 3), pb.asarray([[1], [2]])),
        ShapeError,
        r"nll_loss: target must have the shape of input without its axis of classes, \(2,\), it has \(2, 1\)",
    ),
    "class weight": (
        lambda: F.nll_loss(pb.ones(2, 3), whole, weight=pb.ones(2)),
        ShapeError,
        r"weight must have shape \(3,\), one per class",
    ),
    "smoothing": (
        lambda: F.cross_entropy(pb.ones(2, 3), whole, label_smoothing=2),
        ArgumentError,
        "between 0 and 1, got 2",
    ),
    "no classes": (lambda: F.cross_entropy(pb.ones(()), pb.asarray(0)), ShapeError, "it is 0-d"),
    "broadcast": (
        lambda: F.mse_loss(pb.ones(3), pb.ones(3, 1)),
        ShapeError,
        r"mse_loss: input has shape \(3,\) and target \(3, 1\)",
    ),
    "reduction": (
        lambda: F.mse_loss(x, x, reduction="average"),
        ArgumentError,
        "'mean', 'sum' or 'none', got 'average'",
    ),
    "beta": (lambda: F.smooth_l1_loss(x, x, beta=-1.0), ArgumentError, "beta must not be negative"),
    "delta": (lambda: F.huber_loss(x, x, delta=0.0), ArgumentError, "delta must be positive"),
    "var": (lambda: F.gaussian_nll_loss(x, x, pb.ones(3)), ShapeError, "var of shape"),
    "dim": (lambda: F.softmax(x), ArgumentError, "softmax: dim is needed"),
    "dim range": (lambda: F.softmax(x, dim=3), ArgumentError, "dim 3 is out of range for an input of 3"),
    "glu": (lambda: F.glu(pb.ones(3)), ShapeError, "must have an even length"),
    "prelu": (lambda: F.prelu(x, pb.ones(3)), ShapeError, r"prelu: weight must have shape \(1,\) or \(4,\)"),
    "gelu": (lambda: F.gelu(x, approximate="fast"), ArgumentError, "'none' or 'tanh', got 'fast'"),
    "hardtanh": (lambda: F.hardtanh(x, 1.0, 0.0), ArgumentError, "min_val must not be above max_val"),
    "pad": (lambda: F.pad(x, (1, 2, 3)), ArgumentError, "pairs of numbers"),
    "pad mode": (lambda: F.pad(x, (1, 1), mode="mirror"), ArgumentError, "got 'mirror'"),
    "pad value": (lambda: F.pad(x, (1, 1), mode="reflect", value=1.0), ArgumentError, "belongs to mode='constant'"),
    "reflect": (lambda: F.pad(x, (6, 0), mode="reflect"), ShapeError, "at most 5 elements"),
    "cut": (lambda: F.pad(x, (-4, -3)), ShapeError, "cuts more off"),
    "attention": (lambda: F.scaled_dot_product_attention(x, x, image), ShapeError, "query .* key .* value"),
    "two masks": (
        lambda: F.scaled_dot_product_attention(x, x, x, pb.ones(4, 4), is_causal=True),
        ArgumentError,
        "not both",
    ),
    "mask dtype": (
        lambda: F.scaled_dot_product_attention(x, x, x, pb.ones(4, 4, dtype=pb.float64)),
        DTypeError,
        "attn_mask must be bool or float32",
    ),
    "heads": (lambda: nn.MultiheadAttention(6, 4), ArgumentError, "cannot be cut into 4 heads"),
    "key mask": (
        lambda: nn.MultiheadAttention(6, 2)(x, x, x, key_padding_mask=pb.ones(1, 4)),
        ShapeError,
        "key_padding_mask must have shape",
    ),
    "causal": (lambda: nn.MultiheadAttention(6, 2)(x, x, x, is_causal=True), ArgumentError, "give it too"),
    "layer channels": (lambda: nn.Conv2d(3, 4, 3, groups=2), ArgumentError, "in_channels 3 cannot be cut into 2"),
    "layer input": (
        lambda: nn.BatchNorm2d(4)(x),
        ShapeError,
        r"BatchNorm2d: an input of 4 axes with 4 channels is needed, it has shape \(2, 4, 6\)",
    ),
    "padding_mode": (lambda: nn.Conv1d(1, 1, 1, padding_mode="mirror"), ArgumentError, "padding_mode must be one of"),
    "transposed mode": (lambda: nn.ConvTranspose1d(1, 1, 1, padding_mode="reflect"), ArgumentError, "must be 'zeros'"),
    "output_size layer": (
        lambda: nn.ConvTranspose1d(4, 1, 2)(x, output_size=(9,)),
        ShapeError,
        r"\(9,\) is not between \(7,\) and \(7,\)",
    ),
    "option": (lambda: nn.ELU(beta=1.0), TypeError, r"ELU takes \(alpha, inplace\)"),
    "flatten": (lambda: nn.Flatten(3)(x), ShapeError, "Flatten: axes 3 to -1"),
    "unflatten": (lambda: nn.Unflatten(1, (3, 2))(x), ShapeError, "is not"),
    "functional_call": (
        lambda: nn.functional_call(nn.Linear(1, 1), {"w": pb.ones(1)}, ()),
        ArgumentError,
        "'w' must be the name of a parameter",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_input_is_refused(name: str) -> None:
    call, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("transform", ["vmap", "forward mode"])
def test_running_statistics_are_refused_inside_transforms(transform: str) -> None:
    mean, var = pb.zeros(3), pb.ones(3)

    def call(x: Any) -> Any:
        return F.batch_norm(x, mean, var, training=True)

    batch = pb.randn(2, 4, 3)
    with pytest.raises(
        AutogradError, match=r"batch_norm: running statistics cannot be kept inside vmap or forward mode"
    ):
        pb.func.vmap(call)(batch) if transform == "vmap" else pb.func.jvp(call, (batch[0],), (batch[1],))
    assert mean.tolist() == [0.0] * 3
    assert var.tolist() == [1.0] * 3


def test_numbers_that_name_nothing_are_nan_where_none_is_looked_at() -> None:
    logits = pb.ones((2, 3)).to("strict").requires_grad_()
    losses = F.cross_entropy(logits, pb.asarray([1, 7]).to("strict"), reduction="none")
    assert losses[0].item() > 1
    assert losses.isnan().tolist() == [False, True]
    rows = F.embedding(pb.asarray([0, -1]).to("strict"), logits)
    assert rows.isnan().tolist() == [[False] * 3, [True] * 3]
