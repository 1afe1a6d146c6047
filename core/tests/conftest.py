"""Fixtures of the whole suite."""

from __future__ import annotations

from collections.abc import Iterator

import pullback as pb
import pytest
from helpers.checks import DEVICES
from hypothesis import settings

settings.register_profile("deterministic", derandomize=True, deadline=None, database=None)
settings.load_profile("deterministic")


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs on NumPy, on array-api-strict, and on one of its other devices, each as the default device."""
    with pb.device(request.param):
        yield request.param
