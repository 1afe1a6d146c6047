"""Creation functions: values, dtypes and devices; the results are constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback_conformance.spec import Arg, OpSpec, case
from pullback_conformance.specs.base import row


def makes(name: str, function: Callable[..., Any], **options: Any) -> OpSpec:
    """A function that makes an array; `function(xp, device and dtype of an array as keywords)` calls it."""

    def over(xp: Any, x: Any, **kwargs: Any) -> Any:
        return function(xp, x, dtype=x.dtype, device=x.device, **kwargs)

    return row(name, Arg("like"), over=over, kind="creation", derivatives=(), cases=[case((2, 3)), case((0,))],
               module="creation", **options)  # fmt: skip


def _bare(xp: Any, out: Any) -> Any:
    """What `empty` makes has no values to compare."""
    return xp.zeros_like(out)


SPECS = [
    makes("arange", lambda xp, x, **kw: xp.arange(1, 8, 3, **kw)),
    makes("asarray", lambda xp, x, **kw: xp.asarray([[1.0, 2.0], [3.0, 4.0]], **kw)),
    makes("empty", lambda xp, x, **kw: _bare(xp, xp.empty(x.shape, **kw))),
    makes("empty_like", lambda xp, x, **kw: _bare(xp, xp.empty_like(x, **kw))),
    makes("eye", lambda xp, x, **kw: xp.eye(2, 3, k=1, **kw)),
    makes("full", lambda xp, x, **kw: xp.full(x.shape, 1.5, **kw)),
    makes("full_like", lambda xp, x, **kw: xp.full_like(x, -2, **kw)),
    makes("linspace", lambda xp, x, **kw: xp.linspace(0.0, 1.0, 5, **kw)),
    makes("ones", lambda xp, x, **kw: xp.ones(x.shape, **kw)),
    makes("ones_like", lambda xp, x, **kw: xp.ones_like(x, **kw)),
    makes("zeros", lambda xp, x, **kw: xp.zeros(x.shape, **kw)),
    makes("zeros_like", lambda xp, x, **kw: xp.zeros_like(x, **kw)),
    makes("fft.fftfreq", lambda xp, x, **kw: xp.fft.fftfreq(5, d=0.5, **kw)),
    makes("fft.rfftfreq", lambda xp, x, **kw: xp.fft.rfftfreq(4, **kw)),
    makes(
        "from_dlpack",
        lambda xp, x, dtype, device: x if isinstance(x, np.ndarray) else _through_dlpack(xp, x),
    ),
]


def _through_dlpack(xp: Any, x: Any) -> Any:
    x = x.detach()
    return xp.from_dlpack(x) if x.device == "cpu" else x
