"""How parameters begin: the bounds and variances of PyTorch's rules, and its defaults for the layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pullback as pb
import pullback_nn as nn
import pytest
from helpers.checks import host
from pullback.errors import ArgumentError, ShapeError
from pullback_nn import init

SHAPE = (60, 10, 3, 3)
FAN_IN, FAN_OUT = 90, 540


@pytest.mark.parametrize(
    ("fill", "std", "bound"),
    [
        (lambda x: init.uniform_(x, -2, 2), 2 / math.sqrt(3), 2.0),
        (lambda x: init.normal_(x, 0, 0.5), 0.5, None),
        (lambda x: init.trunc_normal_(x, 0, 1, -1, 1), 0.5396, 1.0),
        (init.xavier_uniform_, math.sqrt(2 / (FAN_IN + FAN_OUT)), math.sqrt(6 / (FAN_IN + FAN_OUT))),
        (lambda x: init.xavier_normal_(x, 2.0), 2 * math.sqrt(2 / (FAN_IN + FAN_OUT)), None),
        (lambda x: init.kaiming_uniform_(x, a=math.sqrt(5)), math.sqrt(1 / (3 * FAN_IN)), math.sqrt(1 / FAN_IN)),
        (lambda x: init.kaiming_normal_(x, mode="fan_out", nonlinearity="relu"), math.sqrt(2 / FAN_OUT), None),
    ],
)
def test_variances_and_bounds(fill: Any, std: float, bound: float | None, device: str) -> None:
    pb.manual_seed(0)
    x = pb.zeros(SHAPE)
    assert fill(x) is x
    values = host(x)
    assert abs(values.mean()) < 0.06 * std
    assert values.std() == pytest.approx(std, rel=0.03)
    if bound is not None:
        assert 0.98 * bound < np.abs(values).max() <= bound


def test_a_generator_makes_it_repeatable() -> None:
    drawn = [host(init.normal_(pb.zeros(4), generator=pb.Generator(3))).tolist() for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_constants_and_the_identity() -> None:
    x = nn.Parameter(pb.ones(2, 3))
    assert init.zeros_(x).tolist() == [[0.0] * 3] * 2
    assert init.constant_(x, 4).tolist() == [[4.0] * 3] * 2
    assert init.ones_(x).tolist() == [[1.0] * 3] * 2
    assert init.eye_(x).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    assert x.requires_grad
    assert x.is_leaf


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 2, 2)])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    matrix = host(init.orthogonal_(pb.zeros(shape, dtype=pb.float64), gain=2.0)).reshape(shape[0], -1)
    small = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: init.xavier_uniform_(pb.ones(3)), ShapeError, "xavier_uniform_: a Tensor of two axes or more"),
        (lambda: init.kaiming_normal_(pb.ones(3, 3), mode="fan"), ArgumentError, "'fan_in' or 'fan_out', got 'fan'"),
        (lambda: init.calculate_gain("swish"), ArgumentError, "unknown activation 'swish'"),
        (lambda: init.eye_(pb.ones(3)), ShapeError, "a matrix is needed"),
        (lambda: init.orthogonal_(pb.ones(3)), ShapeError, "two axes or more"),
        (lambda: init.trunc_normal_(pb.ones(3), a=8.0, b=9.0), ArgumentError, "hardly any number"),
        (lambda: init.zeros_, None, ""),
    ][:-1],
)
def test_refusals(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "layer",
    [nn.Linear(50, 30), nn.Conv2d(6, 40, 3, groups=2), nn.ConvTranspose1d(40, 20, 5), nn.Bilinear(50, 3, 20)],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_begin_within_their_bound(layer: Any) -> None:
    """For a transposed convolution, PyTorch takes the fan of the second axis too."""
    fan = layer.in1_features if isinstance(layer, nn.Bilinear) else math.prod(layer.weight.shape[1:])
    for parameter in layer.parameters():
        assert 0.8 / math.sqrt(fan) < np.abs(host(parameter)).max() <= 1 / math.sqrt(fan)


def test_embeddings_begin_normal_and_the_padding_is_zero() -> None:
    rows = host(nn.Embedding(400, 20, padding_idx=-1).weight)
    assert not rows[-1].any()
    assert rows[:-1].std() == pytest.approx(1, rel=0.03)


def test_attention_begins_as_pytorchs() -> None:
    layer = nn.MultiheadAttention(32, 4)
    assert np.abs(host(layer.in_proj_weight)).max() <= math.sqrt(6 / (4 * 32))
    assert not host(layer.in_proj_bias).any()
    assert not host(layer.out_proj.bias).any()
