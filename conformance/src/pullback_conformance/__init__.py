"""Checks that prove a backend or an op package of pullback right."""
