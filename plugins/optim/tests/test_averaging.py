"""The moving average of parameters."""

from __future__ import annotations

import numpy as np
import pullback as pb
import pullback_optim as optim
import pytest
from helpers.checks import host
from helpers.lazy import lazy_backend
from pullback.errors import ArgumentError


def test_it_is_the_weighted_mean_of_what_was_seen(device: str) -> None:
    w = pb.zeros(2, dtype=pb.float64, requires_grad=True)
    average = optim.ExponentialMovingAverage([w], decay=0.8)
    seen = np.random.default_rng(0).standard_normal((6, 2))
    for row in seen:
        with pb.no_grad():
            w.copy_(pb.asarray(row).to(device))
        average.update()
    weights = 0.2 * 0.8 ** np.arange(5, -1, -1)
    np.testing.assert_allclose(host(average.averages[0]), weights @ seen, rtol=1e-14)
    assert host(w).tolist() == seen[-1].tolist()


def test_the_parameters_come_back_also_after_an_error() -> None:
    w = pb.tensor([1.0], requires_grad=True)
    average = optim.ExponentialMovingAverage([w], decay=0.5)
    with pb.no_grad():
        w += 2
    average.update()

    def fail() -> None:
        with average.applied():
            assert w.tolist() == [2.0]
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert w.tolist() == [3.0]
    assert average.averages[0].tolist() == [2.0]


def test_it_goes_on_from_a_state() -> None:
    v, w = pb.tensor([4.0], requires_grad=True), pb.tensor([0.0], requires_grad=True)
    saved = optim.ExponentialMovingAverage([v], decay=0.5).state_dict()
    average = optim.ExponentialMovingAverage([w])
    average.load_state_dict(saved)
    average.update()
    assert average.averages[0].tolist() == [2.0]
    assert saved["averages"][0].tolist() == [4.0]
    with pytest.raises(ArgumentError, match=r"averages of shapes \[\(2,\)\], parameters of \[\(1,\)\]"):
        average.load_state_dict({"decay": 0.1, "averages": [pb.ones(2)]})
    assert average.decay == 0.5


def test_an_update_on_a_lazy_backend_is_one_computation() -> None:
    with lazy_backend() as lazy:
        params = [pb.tensor([1.0], device="lazy", requires_grad=True) for _ in range(2)]
        average = optim.ExponentialMovingAverage(params, decay=0.5)
        average.update()
        assert lazy.computes == [2]
        assert average.averages[1].tolist() == [1.0]


def test_what_cannot_be_averaged_is_refused() -> None:
    with pytest.raises(ArgumentError, match="parameters are Tensors, got int"):
        optim.ExponentialMovingAverage([1])
    with pytest.raises(ArgumentError, match=r"decay must be in \[0, 1\], got 1.5"):
        optim.ExponentialMovingAverage([pb.ones(1)], decay=1.5)
