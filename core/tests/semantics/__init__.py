"""Autograd semantics, row by row: what PyTorch does, what pullback does, and why where they differ. One table a chapter."""

from semantics import checking, complex_numbers, errors, functions, hooks, modes, names, printing, rules, silent
from semantics.row import Row as Row
from semantics.row import outcome as outcome

CHAPTERS = (errors, rules, modes, functions, hooks, complex_numbers, silent, printing, names, checking)
