"""What `pytest --pyargs pullback_conformance` runs: one test per cell."""

from pullback_conformance.testing import Entry


def test_cell(pullback_cell: Entry) -> None:
    """Every cell ends as claimed."""
    pullback_cell.run()
