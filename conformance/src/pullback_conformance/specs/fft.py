"""The fft extension: linear maps, over lengths even and odd, cropped and padded, in every normalisation."""

from __future__ import annotations

from typing import Any

from pullback_conformance.spec import Arg, Complex, Domain, OpSpec, case
from pullback_conformance.specs.base import row

_NORMS = ("backward", "ortho", "forward")
WIDE = Arg("x", Domain(-2.0, 2.0))


def transform(name: str, complex: Complex, cases: list[Any], **options: Any) -> OpSpec:
    """A transform."""
    return row(f"fft.{name}", WIDE, kind="linear", complex=complex, cases=cases, module="fft", **options)


def _one(*, least: int = 1) -> list[Any]:
    lengths = [case((n,)) for n in (1, 4, 5) if n >= least]
    return [
        *lengths,
        *(case((4,), n=n) for n in (3, 6, 7)),
        *(case((4,), norm=norm) for norm in _NORMS),
        case((3, 4), axis=0),
        case((3, 3), axis=0),
        case((3, 5), n=4, axis=-1, norm="ortho"),
    ]


_SEVERAL = [
    case((2, 3)),
    case((4, 3)),
    *(case((3, 4), axes=axes) for axes in ((0,), (1, 0), (-1,))),
    case((3, 4), s=(2, 5), axes=(0, 1)),
    *(case((2, 4), norm=norm) for norm in _NORMS),
    case((2, 3, 4), axes=(0, 2)),
]
_SHIFTS = [case((n,)) for n in (1, 4, 5)] + [case((3, 4), axes=axes) for axes in (0, -1, (0, 1))] + [case((0, 3))]

SPECS = [
    transform("fft", "only", _one()),
    transform("ifft", "only", _one()),
    transform("rfft", "none", _one()),
    transform("irfft", "only", _one(least=2)),
    transform("hfft", "only", _one(least=2)),
    transform("ihfft", "none", _one()),
    transform("fftn", "only", _SEVERAL),
    transform("ifftn", "only", _SEVERAL),
    transform("rfftn", "none", _SEVERAL),
    transform("irfftn", "only", _SEVERAL),
    *(
        row(f"fft.{name}", WIDE, kind="structural", complex="general", cases=_SHIFTS, module="fft")
        for name in ("fftshift", "ifftshift")
    ),
]
