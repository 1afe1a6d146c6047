"""Fixtures of the plugin tests."""

from helpers.distributions import site as site
