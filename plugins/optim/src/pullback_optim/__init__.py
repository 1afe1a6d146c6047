"""Optimisers and schedulers for pullback."""
