"""One test per cell. (Run where acme-ops is installed.)"""

import pytest

pytest.importorskip("acme_ops", reason="acme-ops is not installed: pip install -e examples/third_party/acme-ops")

from pullback_conformance import parametrize


@parametrize(plugins=["acme_ops.conformance"], level="L3")
def test_conformance(cell):
    cell.run()
