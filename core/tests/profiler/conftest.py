"""Fixtures of the profiler tests."""

from helpers.distributions import site as site
