"""The devices on which the tests run."""

from __future__ import annotations

from collections.abc import Iterator

import pullback as pb
import pytest
from helpers.checks import DEVICES


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs on NumPy, on array-api-strict, and on one of its other devices, each as the default device."""
    with pb.device(request.param):
        yield request.param
