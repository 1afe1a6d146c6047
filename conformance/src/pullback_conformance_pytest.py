"""Options for `pytest --pyargs pullback_conformance`: they say what the tests in `test_conformance.py` check.

pytest loads this module wherever the suite is installed, so it stands outside of the package, whose import takes NumPy
with it.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, named as on the command line."""
    group = parser.getgroup("pullback")
    group.addoption("--pullback-backend", default="numpy", help="the backend to check")
    group.addoption("--pullback-device", action="append", default=[], help="only this device of it")
    group.addoption("--pullback-plugin", action="append", default=[], help="check the ops of this plugin")
    group.addoption("--pullback-level", default="L2", help="L0 to L4")
    group.addoption("--pullback-op", action="append", default=[], help="only this op")
    group.addoption("--pullback-sample", type=int, default=1, help="only every n-th sample of an op")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `pullback_cell` to the tests that ask for it."""
    if "pullback_cell" not in metafunc.fixturenames:
        return
    from pullback_conformance.testing import entries  # noqa: PLC0415  not for every pytest in the world

    option = metafunc.config.getoption
    found = entries(
        backend=option("--pullback-backend"),
        devices=option("--pullback-device"),
        plugins=option("--pullback-plugin"),
        level=option("--pullback-level"),
        ops=option("--pullback-op"),
        sample=option("--pullback-sample"),
    )
    metafunc.parametrize("pullback_cell", found, ids=[entry.cell.id for entry in found])
