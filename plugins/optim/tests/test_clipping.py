"""Clipping scales what it says, in place, on every backend, and looks at nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pullback_optim as optim
import pytest
from helpers.checks import host
from helpers.lazy import lazy_backend
from pullback.errors import ArgumentError, AutogradError


def with_grads(*grads: Any, device: str = "cpu") -> list[Any]:
    params = [pb.zeros(np.shape(grad), dtype=pb.float64, device=device) for grad in grads]
    for p, grad in zip(params, grads, strict=True):
        p.requires_grad_()
        p.grad = pb.asarray(np.asarray(grad, dtype=float)).to(p.device)
    return params


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0, np.inf])
@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_the_common_norm_is_at_most_the_limit(order: float, limit: float, device: str) -> None:
    params = [*with_grads([3.0, -4.0], [[1.0], [2.0]], 12.0, device=device), pb.ones(3)]
    everything = np.array([3.0, -4.0, 1.0, 2.0, 12.0])
    norm = np.linalg.norm(everything, order)
    found = optim.clip_grad_norm_(params, limit, norm_type=order)
    np.testing.assert_allclose(host(found), norm, rtol=1e-14)
    assert found.shape == ()
    clipped = np.concatenate([np.reshape(host(p.grad), -1) for p in params[:3]])
    np.testing.assert_allclose(clipped, everything * min(1.0, limit / (norm + 1e-6)), rtol=1e-14)
    assert params[3].grad is None


def test_a_gradient_is_scaled_in_place() -> None:
    (p,) = with_grads([3.0, 4.0])
    grad = p.grad
    optim.clip_grad_norm_(p, 1.0)
    assert p.grad is grad


def test_devices_and_dtypes_may_be_mixed() -> None:
    params = [*with_grads([3.0]), *with_grads([4.0], device="strict"), pb.zeros(1, dtype=pb.complex64)]
    params[2].requires_grad_()
    params[2].grad = pb.tensor([12j], dtype=pb.complex64)
    assert optim.clip_grad_norm_(params, 6.5).item() == pytest.approx(13.0)
    assert [p.grad.tolist()[0] for p in params] == pytest.approx([1.5, 2.0, 6j])
    assert params[2].grad.dtype is pb.complex64


def test_no_gradient_has_the_norm_0() -> None:
    assert optim.clip_grad_norm_([pb.ones(2)], 1.0).item() == 0.0


def test_a_norm_that_is_not_finite_is_an_error_on_request_and_nothing_is_scaled() -> None:
    params = with_grads([np.inf, 1.0], [2.0])
    with pytest.raises(AutogradError, match="clip_grad_norm_: the norm of the gradients of order 2"):
        optim.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert params[1].grad.tolist() == [2.0]
    with np.errstate(invalid="ignore"):
        assert optim.clip_grad_norm_(params, 1.0).item() == np.inf
    assert params[1].grad.tolist() == [0.0]


def test_values_are_brought_into_the_interval(device: str) -> None:
    params = [*with_grads([3.0, -4.0, 0.25], device=device), pb.ones(1)]
    optim.clip_grad_value_(params, 0.5)
    assert host(params[0].grad).tolist() == [0.5, -0.5, 0.25]


def test_nothing_is_computed_on_a_lazy_backend() -> None:
    with lazy_backend() as lazy:
        params = with_grads([3.0, 4.0], device="lazy")
        norm = optim.clip_grad_norm_(params, 1.0)
        optim.clip_grad_value_(params, 0.7)
        assert lazy.computes == []
        pb.compute(norm, params[0].grad)
        assert norm.item() == 5.0
        assert params[0].grad.tolist() == pytest.approx([0.6, 0.7])


def test_what_is_no_tensor_is_refused() -> None:
    for clip in (optim.clip_grad_norm_, optim.clip_grad_value_):
        with pytest.raises(ArgumentError, match="parameters are Tensors, got str"):
            clip(["w"], 1.0)
