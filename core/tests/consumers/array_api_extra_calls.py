"""Calls of array-api-extra."""

from __future__ import annotations

import array_api_extra as xpx
import numpy as np
import pullback as pb
from helpers.consumers import Table

TABLE = Table("array-api-extra", names={"xpx": xpx})

TABLE.works("xpx.cov(x)", x=TABLE.normal(3, 5))
TABLE.works("xpx.apply_where(x > 0, x, xp.log, fill_value=0.0)", x=TABLE.normal(5))
TABLE.works("xpx.kron(x, y)", x=TABLE.normal(2, 2), y=TABLE.normal(2))
TABLE.works("xpx.pad(x, 1)", x=TABLE.normal(4))
TABLE.works("xpx.sinc(x)", x=TABLE.normal(4))
TABLE.works("xpx.create_diagonal(x)", x=TABLE.normal(3))
TABLE.works("xpx.expand_dims(x, axis=(0, 2))", x=TABLE.normal(3))
TABLE.works("xpx.atleast_nd(x, ndim=2)", x=TABLE.normal(5))
TABLE.works("xpx.angle(x)", x=TABLE.normal(3) + 1j * TABLE.normal(3))
TABLE.works("xpx.partition(x, 1)", x=TABLE.normal(5))
TABLE.works("xpx.nan_to_num(x)", x=TABLE.normal(5))
TABLE.constant("xpx.one_hot(idx, 3)", "reads integers", idx=np.asarray([0, 2]))
TABLE.constant("xpx.nunique(x)", "a number of elements", x=TABLE.normal(3))
TABLE.constant("xpx.argpartition(x, 1)", "positions", x=TABLE.normal(5))
TABLE.constant("xpx.isclose(x, y)", "booleans", x=TABLE.normal(5), y=TABLE.normal(5))
TABLE.constant(
    "xpx.setdiff1d(x, y)",
    "elements are counted and compared, not computed with: `unique_values` of the standard has no gradient",
    x=TABLE.normal(5),
    y=TABLE.normal(5),
)
TABLE.constant(
    "xpx.union1d(x, y)", "`unique_values` of the standard has no gradient", x=TABLE.normal(3), y=TABLE.normal(2)
)
TABLE.constant("xpx.searchsorted(x, y)", "positions", x=np.sort(TABLE.normal(5)), y=TABLE.normal(2))
TABLE.closed(
    "xpx.at(x)[1].set(y)",
    pb.errors.AutogradError,
    "writes into the leaf itself; pass `copy=True`",
    x=TABLE.normal(4),
    y=TABLE.normal(),
)
TABLE.closed(
    "xpx.at(x)[idx].add(y)",
    pb.errors.AutogradError,
    "writes into the leaf itself; pass `copy=True`",
    x=TABLE.normal(4),
    y=TABLE.normal(2),
    idx=np.asarray([0, 2]),
)
