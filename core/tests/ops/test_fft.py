"""Fourier transforms against NumPy and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, host, numbered, strided, tensor
from pullback.errors import ArgumentError
from pullback.ops import fft

NORMS = ("backward", "ortho", "forward")


def one(name: str, shape: tuple[int, ...], **options: Any) -> tuple[Any, ...]:
    return (lambda xp, x: getattr(xp.fft, name)(x, **options), shape)


def along_one(name: str, *, least: int = 1) -> list[Any]:
    """Odd and even lengths, trimmed and padded ones, every axis and norm."""
    return [
        *(one(name, (n,)) for n in range(least, least + 5)),
        *(one(name, (4,), n=n, norm=norm) for n in (1, 2, 3, 4, 5, 6) for norm in NORMS),
        *(one(name, (3,), n=n) for n in (1, 2, 3, 4, 5, 8)),
        *(one(name, (3, 2, 4), axis=axis) for axis in (0, 1, 2, -3)),
        *(one(name, (2, 3), axis=0, n=n) for n in (1, 2, 3)),
        one(name, (0, 3)),
        one(name, (2, 0), axis=0),
    ]


def along_several(name: str) -> list[Any]:
    return [
        *(one(name, shape) for shape in ((4,), (3, 4), (2, 3), (2, 3, 2))),
        *(one(name, (2, 3, 4), axes=axes) for axes in ((0,), (1, 2), (2, 0), (-1, -3), (0, 1, 2))),
        *(one(name, (3, 4), s=s, axes=(0, 1), norm=norm) for s in ((2, 5), (4, 3), (3, 4)) for norm in NORMS),
        *(one(name, (3, 4), s=s, axes=(1, 0)) for s in ((2, 5), (5, 2))),
        one(name, (2, 3), norm="ortho"),
        one(name, (0, 2, 3), axes=(1, 2)),
        one(name, (2, 1, 2)),
    ]


ROWS: Rows = {
    "fft": along_one("fft"),
    "ifft": along_one("ifft"),
    "rfft": along_one("rfft"),
    "irfft": along_one("irfft", least=2),
    "hfft": along_one("hfft", least=2),
    "ihfft": along_one("ihfft"),
    "fftn": along_several("fftn"),
    "ifftn": along_several("ifftn"),
    "rfftn": along_several("rfftn"),
    "irfftn": along_several("irfftn"),
    **{
        name: [
            *(one(name, (n,)) for n in (1, 4, 5)),
            *(one(name, (3, 4), axes=axes) for axes in (None, 0, -1, (0, 1), (-1,), (1, 0))),
            one(name, (0, 3)),
        ]
        for name in ("fftshift", "ifftshift")
    },
}
REAL_ONLY = {"rfft", "rfftn", "ihfft"}
CASES = [
    pytest.param(case.values[0], case.values[1], kind, id=f"{case.id}-{kind}")
    for case in numbered(ROWS)
    for kind in ("real", "complex")
    if kind == "real" or str(case.id).rpartition("-")[0] not in REAL_ONLY
]


def test_every_differentiable_function_has_a_row() -> None:
    assert set(fft.__all__) == set(ROWS) | {"fftfreq", "rfftfreq"}


@pytest.mark.parametrize(("call", "arguments", "kind"), CASES)
def test_derivatives(call: Any, arguments: list[Any], kind: str, device: str) -> None:
    check_derivatives(call, gaussian(arguments, kind), device=device)


@pytest.mark.parametrize(
    ("call", "arguments"), numbered({name: calls[:1] + calls[-3:] for name, calls in ROWS.items()})
)
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


@pytest.mark.parametrize("name", ["fft", "ifft", "fftn", "ifftn", "irfft", "irfftn", "hfft"])
def test_real_arrays_have_real_gradients(name: str, device: str) -> None:
    x = tensor(np.asarray([1.0, 2.0, 4.0]), device, requires_grad=True)
    out = getattr(x.__array_namespace__().fft, name)(x)
    (grad,) = pb.autograd.grad(out, x, pb.ones_like(out))
    assert grad.dtype is pb.float64


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_precision_is_kept(dtype: str, device: str) -> None:
    x = tensor(np.ones(4, dtype=dtype), device, requires_grad=True)
    out = pb.fft.ifft(pb.fft.fft(x))
    (grad,) = pb.autograd.grad(out, x, pb.ones_like(out))
    assert out.dtype is pb.complex64
    assert grad.dtype.name == dtype
    np.testing.assert_allclose(host(grad), np.ones(4), rtol=1e-6)


@pytest.mark.parametrize("name", sorted(REAL_ONLY))
def test_half_spectra_are_of_real_arrays(name: str, device: str) -> None:
    with pytest.raises(ArgumentError, match="a real array is needed, got complex128; see fft"):
        getattr(pb.fft, name)(tensor(np.ones(3, dtype=complex), device))


@pytest.mark.parametrize("name", sorted(set(ROWS) - {"fftshift", "ifftshift"}))
def test_an_unknown_norm_is_refused(name: str, device: str) -> None:
    with pytest.raises(ValueError, match="norm is 'backward', 'ortho' or 'forward', got 'unitary'"):
        getattr(pb.fft, name)(tensor(np.ones(3), device), norm="unitary")
