"""Calls of einops; and the names in its strings."""

from __future__ import annotations

import einops
import einops.array_api
from helpers.consumers import Table

TABLE = Table("einops", names={"einops": einops})

TABLE.works("einops.array_api.rearrange(x, 'a b -> b a')", x=TABLE.normal(3, 2))
TABLE.works("einops.array_api.reduce(x, 'a b -> a', 'mean')", x=TABLE.normal(3, 2))
TABLE.works("einops.array_api.repeat(x, 'a b -> a b 3')", x=TABLE.normal(3, 2))
TABLE.works("einops.array_api.reduce(x, '(a c) b -> a b', 'max', c=2)", x=TABLE.normal(4, 2))
TABLE.works("einops.array_api.pack([x, y], 'i *')[0]", x=TABLE.normal(4, 2), y=TABLE.normal(4, 3))
TABLE.works("einops.array_api.unpack(x, [(1,), (2,)], 'i *')[1]", x=TABLE.normal(4, 3))
TABLE.closed("einops.array_api.asnumpy(x)", BufferError, "exports to NumPy; write `x.detach()`", x=TABLE.normal(4, 2))
TABLE.closed(
    "einops.rearrange(x, 'a b -> b a')",
    RuntimeError,
    "knows a fixed list of libraries; `einops.array_api` has the same function",
    x=TABLE.normal(3, 2),
)
TABLE.closed(
    "einops.reduce(x, 'a b -> a', 'sum')",
    RuntimeError,
    "knows a fixed list of libraries; `einops.array_api` has the same function",
    x=TABLE.normal(3, 2),
)
TABLE.closed(
    "einops.repeat(x, 'a b -> a b 2')",
    RuntimeError,
    "knows a fixed list of libraries; `einops.array_api` has the same function",
    x=TABLE.normal(3, 2),
)
TABLE.closed(
    "einops.einsum(x, y, 'a b, b c -> a c')",
    RuntimeError,
    "knows a fixed list of libraries; `pb.einsum` has letters instead of words",
    x=TABLE.normal(3, 2),
    y=TABLE.normal(2, 3),
)
