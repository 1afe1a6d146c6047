"""A pytest plugin: Python's global random numbers are the same for a test in every run.

The suite takes single examples from Hypothesis outside of its tests of properties, which `derandomize` does not reach.
"""

from __future__ import annotations

import random

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Called before the body of each test, in the process that runs it."""
    random.seed(item.nodeid)
