"""One test per cell. (Run where frost-pullback is installed.)"""

import pytest

pytest.importorskip("frost_pullback", reason="it is not installed: pip install -e examples/third_party/frost-pullback")

from pullback_conformance import parametrize

OPS = ["multiply", "take", "sum", "matmul", "linalg.solve", "where", "max"]


@parametrize(backend="frost", ops=OPS, level="L2", sample=8)
def test_conformance(cell):
    cell.run()
