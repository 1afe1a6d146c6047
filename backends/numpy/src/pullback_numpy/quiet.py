"""A context without floating-point warnings, entered once for each pass: `np.errstate` without its Python layers."""

from __future__ import annotations

from typing import Any

import numpy as np

try:  # where NumPy 2 keeps the state that `np.errstate` sets
    from numpy._core.umath import _extobj_contextvar, _make_extobj
except ImportError:  # another NumPy: its public way

    def quiet() -> Any:
        """Inside, arithmetic does not warn."""
        return np.errstate(all="ignore")

else:
    _IGNORE = _make_extobj(all="ignore")

    class quiet:  # type: ignore[no-redef]  # noqa: N801  called as the function above
        """Inside, arithmetic does not warn."""

        __slots__ = ("_token",)

        def __enter__(self) -> None:
            self._token = _extobj_contextvar.set(_IGNORE)

        def __exit__(self, *exc_info: object) -> None:
            _extobj_contextvar.reset(self._token)
