"""Fixtures of the tests of the command line."""

from helpers.distributions import site as site
