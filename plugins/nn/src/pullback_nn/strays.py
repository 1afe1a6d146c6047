"""Numbers of classes or rows that name none: an error on NumPy, NaN elsewhere.

On a lazy library, to look at a value computes it; on an accelerator it waits. So the generic form looks at none, and what
comes of such a number is NaN, which nobody takes for a result. NumPy's kernel has the values at hand, and says which is
wrong.
"""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.errors import IndexingError
from pullback.extend import op


@op.nondifferentiable(name="nn::strays", elementwise=True)
def strays(xp: Any, x: Any, *, count: int, ignored: int, function: str, what: str) -> Any:  # noqa: ARG001  words for the kernel
    """Where x is neither one of `count` numbers from 0 nor the one that is ignored."""
    return ((x < 0) | (x >= count)) & (x != ignored)


@strays.kernel("numpy")
def strays_refused(x: Any, *, count: int, ignored: int, function: str, what: str) -> Any:
    """False everywhere, or an error that names the number."""
    mask = ((x < 0) | (x >= count)) & (x != ignored)
    if mask.any():
        spared = "" if 0 <= ignored < count else f" (and {ignored} is ignored)"
        raise IndexingError(f"{function}: there is a {what} {x[mask][0]}, they go from 0 to {count - 1}{spared}")
    return mask


def nan_for(mask: Any, dtype: Any) -> Any:
    """NaN where the mask is true, else 0: to be added."""
    zeros = pb.zeros((), dtype=dtype, device=mask.device)
    return pb.where(mask, float("nan"), zeros)
