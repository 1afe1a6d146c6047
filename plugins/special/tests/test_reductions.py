"""logsumexp, softmax and log_softmax agree with SciPy's, with finite differences, and where exp would overflow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pullback_special
import pytest
import scipy.special
from helpers.checks import check_derivatives, gaussian, host


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_derivatives(name: str, axis: Any, device: str) -> None:
    def call(xp: Any, x: Any) -> Any:
        function = getattr(pullback_special if hasattr(x, "_aval") else scipy.special, name)
        return function(x, axis=axis)

    check_derivatives(call, gaussian([(3, 4)]), device=device)


def test_weights_have_gradients(device: str) -> None:
    def call(xp: Any, a: Any, b: Any) -> Any:
        module = pullback_special if hasattr(a, "_aval") else scipy.special
        return module.logsumexp(a, axis=1, b=b * b + 1, keepdims=True)

    check_derivatives(call, gaussian([(3, 4), (4,)]), device=device)


def test_nothing_overflows(device: str) -> None:
    x = pb.asarray(np.asarray([1000.0, 1000.0, -np.inf])).to(device).requires_grad_()
    out = pullback_special.logsumexp(x)
    assert float(out.detach()) == pytest.approx(1000 + np.log(2))
    out.backward()
    assert host(x.grad).tolist() == [0.5, 0.5, 0.0]
    assert host(pullback_special.softmax(x)).tolist() == [0.5, 0.5, 0.0]


def test_the_sum_of_nothing(device: str) -> None:
    x = pb.asarray(np.full(3, -np.inf)).to(device)
    with np.errstate(divide="ignore"):
        assert float(pullback_special.logsumexp(x)) == -np.inf
