"""Random functions: what stays, how often, and that a seed repeats it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pullback_nn as nn
import pytest
from helpers.checks import host
from pullback_nn import functional as F  # noqa: N812  the name that everybody knows


def test_what_stays_is_scaled_and_gets_the_gradient(device: str) -> None:
    pb.manual_seed(0)
    x = pb.ones((50, 40), dtype=pb.float64, requires_grad=True)
    out = F.dropout(x, 0.25)
    values = host(out)
    assert set(np.unique(values)) == {0.0, 1 / 0.75}
    assert abs((values == 0).mean() - 0.25) < 0.03
    out.sum().backward()
    np.testing.assert_array_equal(host(x.grad), values)


@pytest.mark.parametrize("name", ["dropout", "dropout1d", "alpha_dropout", "rrelu", "gumbel_softmax"])
def test_a_generator_repeats_it(name: str, device: str) -> None:
    x = pb.randn(4, 6)
    options = {"training": True} if name in ("alpha_dropout", "rrelu") else {}
    one, two = (host(getattr(F, name)(x, generator=pb.Generator(5), **options)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("name", "shape", "axes"),
    [("dropout1d", (30, 7, 5), 1), ("dropout2d", (30, 7, 3, 2), 2), ("dropout3d", (9, 5, 2, 2, 2), 3)],
)
def test_whole_channels(name: str, shape: Any, axes: int) -> None:
    pb.manual_seed(1)
    values = host(getattr(F, name)(pb.ones(shape), 0.5)).reshape(*shape[:2], -1)
    assert (values.min(axis=-1) == values.max(axis=-1)).all()
    assert set(np.unique(values)) == {0.0, 2.0}


def test_nothing_and_everything() -> None:
    x = pb.randn(3, requires_grad=True)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 1.0).tolist() == [0.0] * 3
    layer = nn.Dropout(0.9)
    assert layer.eval()(x) is x
    assert layer.train()(x) is not x


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    pb.manual_seed(2)
    values = host(F.alpha_dropout(pb.randn(200_000), 0.3, training=True))
    assert values.mean() == pytest.approx(0, abs=0.02)
    assert values.std() == pytest.approx(1, rel=0.02)


def test_rrelu_draws_slopes() -> None:
    pb.manual_seed(3)
    slopes = -host(F.rrelu(-pb.ones(1000), 0.2, 0.4, training=True))
    assert slopes.min() >= 0.2
    assert slopes.max() <= 0.4
    assert slopes.std() > 0.05


def test_gumbel_samples_follow_the_probabilities() -> None:
    pb.manual_seed(4)
    logits = pb.log(pb.tensor([0.2, 0.3, 0.5])).requires_grad_()
    samples = F.gumbel_softmax(pb.broadcast_to(logits, (20_000, 3)), hard=True)
    assert host(samples).sum(axis=1).max() == 1.0
    np.testing.assert_allclose(host(samples).mean(axis=0), [0.2, 0.3, 0.5], atol=0.02)
    (samples * pb.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert host(logits.grad).any()


def test_vmap_says_what_randomness_is_meant() -> None:
    x = pb.ones(20, 50)
    with pytest.raises(pb.errors.PullbackError, match="randomness"):
        pb.func.vmap(F.dropout)(x)
    rows = host(pb.func.vmap(F.dropout, randomness="different")(x))
    assert len({tuple(row) for row in rows}) == 20
    rows = host(pb.func.vmap(F.dropout, randomness="same")(x))
    assert len({tuple(row) for row in rows}) == 1
