"""Fourier transform extension. Every function is linear; the adjoint of a transform is the inverse transform with the
scaling of the other direction.

A transform to `n` points pads with zeros or trims, and the adjoint trims or pads back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback.declare import linear
from pullback.dtypes import to_complex
from pullback.errors import ArgumentError
from pullback.ops.creation_functions import fftfreq, rfftfreq
from pullback.ops.data_type_functions import astype
from pullback.ops.elementwise_functions import conj
from pullback.ops.manipulation_functions import normalize, normalize_all, roll
from pullback.ops.operands import on_tensors

if TYPE_CHECKING:
    from pullback.tensor import Tensor

__all__ = [
    "fft",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftfreq",
    "rfftn",
]

_ADJOINT = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _fit(xp: Any, x: Any, length: int, axis: int) -> Any:
    """Trim `x` to a length along `axis`, or pad it with zeros."""
    have = x.shape[axis]
    if have > length:
        return x[(slice(None),) * axis + (slice(0, length), ...)]
    if have < length:
        gap = (*x.shape[:axis], length - have, *x.shape[axis + 1 :])
        return xp.concat([x, xp.zeros(gap, dtype=x.dtype, device=xp.device(x))], axis=axis)
    return x


def _along(name: str) -> Any:
    """The adjoint by the transform `name` along one axis."""

    def adjoint(xp: Any, ct: Any, shape: tuple[int, ...], axis: int, norm: str) -> Any:
        return _fit(xp, getattr(xp.fft, name)(ct, axis=axis, norm=_ADJOINT[norm]), shape[axis], axis)

    return adjoint


def _along_all(name: str) -> Any:
    """The adjoint by the transform `name` along several axes."""

    def adjoint(xp: Any, ct: Any, shape: tuple[int, ...], axes: tuple[int, ...], norm: str) -> Any:
        ct = getattr(xp.fft, name)(ct, axes=axes, norm=_ADJOINT[norm])
        for axis in axes:
            ct = _fit(xp, ct, shape[axis], axis)
        return ct

    return adjoint


def _from_half(xp: Any, ct: Any, shape: tuple[int, ...], n: int, axis: int, norm: str) -> Any:
    """The adjoint of rfft: the half spectrum alone, transformed back, real part."""
    full = _fit(xp, ct, n, axis)
    return _fit(xp, xp.real(xp.fft.ifft(full, axis=axis, norm=_ADJOINT[norm])), shape[axis], axis)


def _to_half(xp: Any, ct: Any, shape: tuple[int, ...], n: int, axis: int, norm: str) -> Any:
    """The adjoint of irfft: entries that stand for two (all but the first and, for even n, the last) count twice."""
    spectrum = xp.fft.rfft(ct, axis=axis, norm=_ADJOINT[norm])
    index = xp.arange(n // 2 + 1, device=xp.device(ct))
    twice = (index > 0) & ((index < n // 2) | (n % 2 == 1))
    weight = 1 + xp.astype(twice, ct.dtype)
    return _fit(xp, spectrum * xp.reshape(weight, (-1,) + (1,) * (len(ct.shape) - axis - 1)), shape[axis], axis)


# fmt: off  (a table: one line per derivative)
_fft = linear("fft.fft", x=_along("ifft"))
_ifft = linear("fft.ifft", x=_along("fft"))
_fftn = linear("fft.fftn", x=_along_all("ifftn"))
_ifftn = linear("fft.ifftn", x=_along_all("fftn"))
_rfft = linear("fft.rfft", x=_from_half)
_irfft = linear("fft.irfft", x=_to_half)
# fmt: on


def _norm(norm: str) -> str:
    if norm not in _ADJOINT:
        raise ValueError(f"norm is 'backward', 'ortho' or 'forward', got {norm!r}")
    return norm


def _complex(x: Tensor) -> Tensor:
    return x if x.dtype.is_complex else astype(x, to_complex(x.dtype))


def _real(name: str, x: Tensor) -> Tensor:
    if x.dtype.is_complex:
        raise ArgumentError(f"{name}: a real array is needed, got {x.dtype.name}; see fft for complex ones")
    return x


def _axes(x: Tensor, s: Sequence[int] | None, axes: Sequence[int] | None) -> tuple[int, ...]:
    if axes is not None:
        return normalize_all(tuple(axes), x.ndim)
    return tuple(range(x.ndim)) if s is None else tuple(range(x.ndim - len(s), x.ndim))


def _lengths(x: Tensor, s: Sequence[int] | None, axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(s) if s is not None else tuple(x.shape[axis] for axis in axes)


@on_tensors
def fft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Discrete Fourier transform along `axis`, to `n` points.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 0.0, 0.0, 0.0], dtype=pb.complex64)
    >>> x.__array_namespace__().fft.fft(x)
    tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    axis = normalize(axis, x.ndim)
    return _fft(_complex(x), n=x.shape[axis] if n is None else n, axis=axis, norm=_norm(norm))


@on_tensors
def ifft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Inverse of `fft`.

    >>> import pullback as pb
    >>> x = pb.tensor([4.0, 0.0, 0.0, 0.0], dtype=pb.complex64)
    >>> x.__array_namespace__().fft.ifft(x)
    tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    axis = normalize(axis, x.ndim)
    return _ifft(_complex(x), n=x.shape[axis] if n is None else n, axis=axis, norm=_norm(norm))


@on_tensors
def fftn(
    x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Tensor:
    """Discrete Fourier transform along several axes, to `s` points.

    >>> import pullback as pb
    >>> x = pb.ones(2, 2, dtype=pb.complex64)
    >>> x.__array_namespace__().fft.fftn(x)
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    along = _axes(x, s, axes)
    return _fftn(_complex(x), s=_lengths(x, s, along), axes=along, norm=_norm(norm))


@on_tensors
def ifftn(
    x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Tensor:
    """Inverse of `fftn`.

    >>> import pullback as pb
    >>> x = pb.ones(2, 2, dtype=pb.complex64)
    >>> x.__array_namespace__().fft.ifftn(x)
    tensor([[1.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    along = _axes(x, s, axes)
    return _ifftn(_complex(x), s=_lengths(x, s, along), axes=along, norm=_norm(norm))


@on_tensors
def rfft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Discrete Fourier transform of a real array: the first half of the spectrum, n // 2 + 1 points.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 1.0, 1.0, 1.0])
    >>> x.__array_namespace__().fft.rfft(x)
    tensor([4.+0.j, 0.+0.j, 0.+0.j])
    """
    axis = normalize(axis, x.ndim)
    return _rfft(_real("rfft", x), n=x.shape[axis] if n is None else n, axis=axis, norm=_norm(norm))


@on_tensors
def irfft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Inverse of `rfft`: `n` real points (2 (m - 1) for a half spectrum of m).

    >>> import pullback as pb
    >>> x = pb.tensor([4.0, 0.0, 0.0], dtype=pb.complex64)
    >>> x.__array_namespace__().fft.irfft(x)
    tensor([1., 1., 1., 1.])
    """
    axis = normalize(axis, x.ndim)
    return _irfft(_complex(x), n=2 * (x.shape[axis] - 1) if n is None else n, axis=axis, norm=_norm(norm))


@on_tensors
def rfftn(
    x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Tensor:
    """Discrete Fourier transform of a real array along several axes: `rfft` along the last of them, then `fftn`.

    >>> import pullback as pb
    >>> x = pb.ones(2, 4)
    >>> x.__array_namespace__().fft.rfftn(x).shape
    (2, 3)
    """
    along = _axes(x, s, axes)
    *lengths, last = _lengths(x, s, along)
    half = rfft(x, n=last, axis=along[-1], norm=norm)
    return fftn(half, s=lengths, axes=along[:-1], norm=norm) if lengths else half


@on_tensors
def irfftn(
    x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
) -> Tensor:
    """Inverse of `rfftn`.

    >>> import pullback as pb
    >>> x = pb.ones(2, 3, dtype=pb.complex64)
    >>> x.__array_namespace__().fft.irfftn(x).shape
    (2, 4)
    """
    along = _axes(x, s, axes)
    *lengths, last = _lengths(x, s, along)
    spectrum = ifftn(x, s=lengths, axes=along[:-1], norm=norm) if lengths else x
    return irfft(spectrum, n=2 * (x.shape[along[-1]] - 1) if s is None else last, axis=along[-1], norm=norm)


@on_tensors
def hfft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Discrete Fourier transform of a signal with hermitian symmetry, of which `x` is the first half: real points.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 0.0, 0.0], dtype=pb.complex64)
    >>> x.__array_namespace__().fft.hfft(x)
    tensor([1., 1., 1., 1.])
    """
    return irfft(conj(_complex(x)), n=n, axis=axis, norm=_ADJOINT[_norm(norm)])


@on_tensors
def ihfft(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
    """Inverse of `hfft`.

    >>> import pullback as pb
    >>> x = pb.tensor([4.0, 0.0, 0.0, 0.0])
    >>> pb.real(x.__array_namespace__().fft.ihfft(x))
    tensor([1., 1., 1.])
    """
    return conj(rfft(_real("ihfft", x), n=n, axis=axis, norm=_ADJOINT[_norm(norm)]))


@on_tensors
def fftshift(x: Tensor, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """The zero frequency in the middle of each of `axes`.

    >>> import pullback as pb
    >>> x = pb.tensor([0.0, 1.0, -2.0, -1.0])
    >>> x.__array_namespace__().fft.fftshift(x)
    tensor([-2., -1.,  0.,  1.])
    """
    along = tuple(range(x.ndim)) if axes is None else normalize_all(axes, x.ndim)
    return roll(x, tuple(x.shape[axis] // 2 for axis in along), axis=along)


@on_tensors
def ifftshift(x: Tensor, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """Inverse of `fftshift`.

    >>> import pullback as pb
    >>> x = pb.tensor([-2.0, -1.0, 0.0, 1.0])
    >>> x.__array_namespace__().fft.ifftshift(x)
    tensor([ 0.,  1., -2., -1.])
    """
    along = tuple(range(x.ndim)) if axes is None else normalize_all(axes, x.ndim)
    return roll(x, tuple(-(x.shape[axis] // 2) for axis in along), axis=along)
