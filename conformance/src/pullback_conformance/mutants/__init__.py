"""Faults, put in on purpose: what proves that the suite has teeth."""

from __future__ import annotations
