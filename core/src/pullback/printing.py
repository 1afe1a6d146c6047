"""How a Tensor prints: PyTorch's layout, four decimals, scientific where magnitudes differ much."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from pullback import dtypes
from pullback.errors import AutogradError
from pullback.plugins import backends

_WIDTH: Final = 80
_THRESHOLD: Final = 1000
_EDGE: Final = 3
_INDENT: Final = len("tensor(")


def format_tensor(x: Any) -> str:
    """The text of `repr(x)`."""
    aval = x._aval
    if aval.backend.level and (dual := _dual(x)):
        return dual
    suffixes = []
    if aval.device.name != "cpu" and aval.device != _default_device():
        suffixes.append(f"device={aval.device.name!r}")
    if aval.backend.level or aval.backend.capabilities.lazy or not aval.known:
        body = aval.backend.describe(x._array)
        suffixes.append(f"shape={aval.shape}")
    elif aval.size == 0:
        body = "[]"
        if aval.ndim != 1:
            suffixes.append(f"size={aval.shape}")
    else:
        body = _nested(x)
    default = (dtypes.get_default_dtype(), dtypes.to_complex(dtypes.get_default_dtype()), dtypes.int64, dtypes.bool)
    if aval.dtype not in default or (aval.size == 0 and aval.dtype is not default[0]):
        suffixes.append(f"dtype={aval.dtype!r}")
    if x.grad_fn is not None:
        suffixes.append(f"grad_fn=<{x.grad_fn.name()}>")
    elif x.requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes("tensor(" + body, suffixes) + ")"


def _dual(x: Any) -> str:
    """The text of a Tensor with a tangent; "" for any other."""
    if getattr(x._array, "tangent", None) is None:
        return ""
    try:
        primal, tangent = x._aval.backend.split(x)
    except AutogradError:  # its level was closed, and it has no values any more
        return ""
    return _with_suffixes(format_tensor(primal)[:-1], [f"tangent={tangent}"]) + ")"


def format_scalar(x: Any) -> str:
    """The text of `f"{x}"` for a 0-d Tensor: its value."""
    return str(x.item())


def _default_device() -> Any:
    try:
        return backends.default_device()
    except RuntimeError:
        return None


def _with_suffixes(text: str, suffixes: list[str]) -> str:
    """`text` and each suffix, on a line of its own where the last line would be too long."""
    last_line = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if last_line + len(suffix) + 2 > _WIDTH:
            text += ",\n" + " " * _INDENT + suffix
            last_line = _INDENT + len(suffix)
        else:
            text += ", " + suffix
            last_line += len(suffix) + 2
    return text


def _nested(x: Any) -> str:
    backend = x._aval.backend
    summarize = x.size > _THRESHOLD
    values = _corners(x) if summarize else backend.tolist(x._array)
    flat = list(_flatten(values))
    text, width = _formatter(flat, x.dtype)
    return _layout(values, x.ndim, _INDENT, text, width, x.shape if summarize else ())


_MORE: Final = object()  # stands where elements are left out


def _corners(x: Any) -> Any:
    """Nested lists of the first and last elements along each axis."""
    x = x.detach()
    if x.ndim == 0:
        return x.item()
    n = x.shape[0]
    if n <= 2 * _EDGE:
        return [_corners(x[i, ...]) for i in range(n)]
    picked = [_corners(x[i, ...]) for i in (*range(_EDGE), *range(n - _EDGE, n))]
    return [*picked[:_EDGE], _MORE, *picked[_EDGE:]]


def _flatten(values: Any) -> Any:
    if isinstance(values, list):
        for value in values:
            yield from _flatten(value)
    elif values is not _MORE:
        yield values


def _formatter(values: list[Any], dtype: dtypes.DType) -> tuple[Callable[[Any], str], int]:
    """How to write one value, and how wide the widest is."""
    if dtype.is_complex:
        real, real_width = _real_formatter([v.real for v in values])
        imag, imag_width = _real_formatter([v.imag for v in values])

        def text(value: Any) -> str:
            tail = imag(value.imag).lstrip() + "j"
            return real(value.real) + (tail if tail[0] == "-" else "+" + tail)

        return text, real_width + imag_width + 1
    if dtype.is_floating_point:
        return _real_formatter(values)
    width = max(len(str(v)) for v in values)
    return lambda value: str(value).rjust(width), width


def _real_formatter(values: list[float]) -> tuple[Callable[[float], str], int]:
    """The same for real numbers. Zeros, inf and nan have no say in form and width, and may stand over."""
    deciding = [v for v in values if v and math.isfinite(v)]
    sizes = [abs(v) for v in deciding]
    whole = all(v == math.floor(v) for v in sizes)
    wide = bool(sizes) and (max(sizes) / min(sizes) > 1000 or max(sizes) > 1e8 or min(sizes) < 1e-4)

    def text(value: float) -> str:
        if not math.isfinite(value):
            return str(value)
        return f"{value:.4e}" if wide else f"{value:.0f}." if whole else f"{value:.4f}"

    width = max((len(text(v)) for v in deciding), default=1)
    return lambda value: text(value).rjust(width), width


def _layout(
    values: Any, ndim: int, indent: int, text: Callable[[Any], str], width: int, summary: tuple[int, ...]
) -> str:
    if ndim == 0:
        return text(values)
    if ndim == 1:
        per_line = max(1, (_WIDTH - indent) // (width + 2))
        cells = [" ..." if v is _MORE else text(v) for v in values]
        lines = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    parts = ["..." if v is _MORE else _layout(v, ndim - 1, indent + 1, text, width, summary) for v in values]
    return "[" + (",\n" + "\n" * (ndim - 2) + " " * (indent + 1)).join(parts) + "]"
