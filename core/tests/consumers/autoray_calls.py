"""Calls of autoray, which looks functions up in the module of an array's type."""

from __future__ import annotations

import autoray
from helpers.consumers import Table

TABLE = Table("autoray", names={"autoray": autoray})

TABLE.works("autoray.do('sin', x)", x=TABLE.normal(3))
TABLE.works("autoray.do('linalg.svd', x)[1]", x=TABLE.normal(3, 3))
TABLE.works("autoray.do('tensordot', x, y, 1)", x=TABLE.normal(3, 2), y=TABLE.normal(2, 3))
TABLE.works("autoray.do('einsum', 'ab,bc->ac', x, y)", x=TABLE.normal(3, 2), y=TABLE.normal(2, 3))
TABLE.works("autoray.do('transpose', x, (1, 0))", x=TABLE.normal(3, 2))
TABLE.works("autoray.do('concatenate', (x, y))", x=TABLE.normal(3, 2), y=TABLE.normal(2, 2))
TABLE.works("autoray.do('reshape', x, (2, 3))", x=TABLE.normal(3, 2))
TABLE.works("autoray.do('linalg.qr', x)[1]", x=TABLE.normal(3, 2))
TABLE.works("autoray.do('stack', (x, y))", x=TABLE.normal(3), y=TABLE.normal(3))
TABLE.works("autoray.do('linalg.solve', x, y)", x=TABLE.normal(3, 3), y=TABLE.normal(3, 1))
TABLE.works("autoray.do('clip', x, -0.5, 0.5)", x=TABLE.normal(3))
TABLE.closed(
    "autoray.do('linalg.norm', x)", ImportError, "a function that is not in the standard", x=TABLE.normal(3, 2)
)
TABLE.closed("autoray.do('diag', x)", ImportError, "a function that is not in the standard", x=TABLE.normal(3))
TABLE.closed(
    "autoray.do('linalg.expm', x)", ImportError, "a function that is not in the standard", x=TABLE.normal(3, 3)
)
TABLE.closed("autoray.do('trace', x)", ImportError, "a function that is not in the standard", x=TABLE.normal(3, 3))
TABLE.closed(
    "autoray.do('kron', x, y)",
    ImportError,
    "a function that is not in the standard",
    x=TABLE.normal(3, 3),
    y=TABLE.normal(3, 1),
)
TABLE.closed(
    "autoray.do('pad', x, ((1, 1),))", ImportError, "a function that is not in the standard", x=TABLE.normal(3)
)
