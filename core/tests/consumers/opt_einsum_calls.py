"""Calls of opt_einsum."""

from __future__ import annotations

import opt_einsum
from helpers.consumers import Table

TABLE = Table("opt_einsum", names={"opt_einsum": opt_einsum})

TABLE.works(
    "opt_einsum.contract('ab,bc,cd->ad', x, y, z)", x=TABLE.normal(2, 3), y=TABLE.normal(3, 2), z=TABLE.normal(2, 2)
)
TABLE.works("opt_einsum.contract('aab,b->a', x, y)", x=TABLE.normal(2, 2, 3), y=TABLE.normal(3))
TABLE.works("opt_einsum.contract('ab->ba', x)", x=TABLE.normal(2, 3))
TABLE.works("opt_einsum.contract('abc,bad->cd', x, y)", x=TABLE.normal(2, 3, 2), y=TABLE.normal(3, 2, 2))
TABLE.works("opt_einsum.contract('ab,ab->', x, y)", x=TABLE.normal(2, 3), y=TABLE.normal(2, 3))
