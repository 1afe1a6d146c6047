"""The scaled error function keeps its digits at every order, though its slope is a difference of like numbers."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pullback as pb
import pullback_special
import pytest
from helpers.checks import host

POINTS = (-2.0, 0.3, 1.9, 2.0, 5.0, 40.0, 1e4)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_erfcx_at_every_order(order: int, device: str) -> None:
    """Its n-th derivative is (-2)^n n! exp(x^2) i^n erfc(x), DLMF 7.18.9, and for large x goes like x^-(n+1)."""
    function = pullback_special.erfcx
    for _ in range(order):
        function = pb.func.grad(function)
    found = pb.func.vmap(function)(pb.asarray(np.asarray(POINTS)).to(device))
    for x, value in zip(POINTS, host(found), strict=True):
        with mp.workdps(60):
            right = mp.diff(lambda t: mp.exp(t * t) * mp.erfc(t), mp.mpf(x), order)
        tolerance = 1e-14 if x >= 2 else 1e-12
        assert value == pytest.approx(float(right), rel=tolerance)


def test_log_ndtr_far_in_the_tail() -> None:
    """The hazard rate of the normal distribution is -x + 1 / x - ..., and its slope -1 + 1 / x^2."""
    x = pb.asarray(np.asarray([-30.0, -1e3, -1e6])).requires_grad_()
    (slope,) = pb.autograd.grad(pullback_special.log_ndtr(x).sum(), x, create_graph=True)
    (curvature,) = pb.autograd.grad(slope.sum(), x)
    for point, first, second in zip(host(x), host(slope), host(curvature), strict=True):
        with mp.workdps(60):
            t = -mp.mpf(point)
            rate = mp.exp(-t * t / 2) / mp.sqrt(2 * mp.pi) / (mp.erfc(t / mp.sqrt(2)) / 2)
            assert first == pytest.approx(float(rate), rel=1e-14)
            assert second == pytest.approx(float(-rate * (rate - t)), rel=1e-13)


def test_erfcx_of_large_single_precision_numbers() -> None:
    x = pb.tensor([50.0], requires_grad=True)
    pullback_special.erfcx(x).sum().backward()
    assert float(x.grad[0]) == pytest.approx(-1 / (math.sqrt(math.pi) * 50**2), rel=1e-3)
