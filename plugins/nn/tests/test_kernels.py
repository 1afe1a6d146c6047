"""NumPy's kernels of everything but convolution agree with the generic forms, in every layout of memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host
from pullback.extend import generic_kernels
from pullback_nn import kernels, normalizers, windows
from pullback_nn.elementwise import gate
from pullback_nn.error_function import erf

GEOMETRY = {"size": (2, 3), "stride": (2, 1), "dilation": (1, 2)}
OPS: dict[str, Callable[[Any], Any]] = {
    "erf": lambda x: erf(3 * x),
    "gate": lambda x: gate(x, x > 0.3),
    "standardize": lambda x: normalizers.standardize(x, axes=(1, 3), eps=0.01),
    "margin": lambda x: windows.margin(x, pairs=((1, 2), (0, 3)), value=7.0),
    "cut": lambda x: windows.margin(x, pairs=((-1, 2), (0, -3)), value=0.0),
    "windows": lambda x: windows.windows(x, **GEOMETRY),
    "windows_sum": lambda x: windows.windows_sum(
        windows.windows(x, **GEOMETRY), length=x.shape[2:], stride=(2, 1), dilation=(1, 2)
    ),
    "sum_pool": lambda x: windows.sum_pool(x, **GEOMETRY),
    "max_pool": lambda x: windows.max_pool(x, **GEOMETRY),
    "max_pool of ties": lambda x: windows.max_pool(pb.round(x), **GEOMETRY) * x[:, :, :3, :4],
}
LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "channels last": lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "reversed": lambda x: np.ascontiguousarray(x[:, ::-1, :, ::-1])[:, ::-1, :, ::-1],
    "gaps": lambda x: np.repeat(x, 2, axis=3)[..., ::2],
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", OPS)
def test_kernels_agree_with_the_generic_forms(name: str, layout: str, dtype: str) -> None:
    values = LAYOUTS[layout](np.random.default_rng(0).standard_normal((2, 3, 6, 8)).astype(dtype))

    def everything() -> list[np.ndarray]:
        x = pb.asarray(values, copy=False).requires_grad_()
        out = OPS[name](x)
        (out * out).sum().backward()
        return [host(out), host(x.grad)]

    fast = everything()
    with generic_kernels():
        plain = everything()
    for found, expected in zip(fast, plain, strict=True):
        assert found.dtype == expected.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=2e-5 if dtype == "float32" else 1e-13, atol=1e-5)


def test_every_kernel_is_compared() -> None:
    """By the test above, or by test_convolutions.py and test_refusals.py."""
    named = {name for name, value in vars(kernels).items() if getattr(value, "__module__", "") == kernels.__name__}
    assert {name for name in named if not name.startswith("_")} == {
        *(
            "erf_in_pieces",
            "gated_by_bits",
            "standardized_in_place",
            "margin_filled",
            "windows_copied",
            "windows_added",
        ),
        *("sum_pooled", "max_pooled", "shares_compared"),
        *("convolution_by_rows", "convolution_input_by_rows", "convolution_weight_by_rows"),
    }


def test_pieces_and_what_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    x = pb.linspace(-7, 7, 1001, dtype=pb.float64)
    whole = host(erf(x))
    monkeypatch.setattr(kernels, "_PIECE", 64)
    np.testing.assert_array_equal(host(erf(x)), whole)


@pytest.mark.parametrize("context", [nullcontext, generic_kernels], ids=["kernel", "generic"])
def test_erf_is_right_to_the_last_places(context: Any) -> None:
    import scipy.special

    points = np.concatenate([np.linspace(-7, 7, 20_001), [0.46875, -0.46875, 1e-300, 5e-324, -0.0, np.inf, -np.inf]])
    with context():
        found = host(erf(pb.asarray(points)))
        assert np.isnan(host(erf(pb.asarray(np.nan))))
    np.testing.assert_allclose(found, scipy.special.erf(points), rtol=8e-16, atol=5e-324)


def test_results_keep_channels_last_in_memory() -> None:
    """So that the next convolution need not turn them around."""
    x = pb.asarray(LAYOUTS["channels last"](np.ones((2, 3, 6, 8), np.float32)), copy=False)
    for name in ("max_pool", "sum_pool", "margin", "gate"):
        out = OPS[name](x).numpy()
        assert np.argmin(out.strides) == 1, name
