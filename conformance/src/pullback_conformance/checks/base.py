"""What a check is, what it returns, and the texts of failures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pullback_conformance.oracles.compare import agree, likely_cause
from pullback_conformance.problem import Problem
from pullback_conformance.spec import OpSpec, Sample

Applies = Callable[[OpSpec, Sample, str], bool]


class Measure(NamedTuple):
    """How far off the worst entry was, and how far it may be, both in eps of the dtype."""

    error: float = 0.0
    gate: float = 0.0


class Mismatch(Exception):  # noqa: N818  what is found, not what goes wrong
    """The op is wrong: what was found, what was expected, and what it looks like."""

    def __init__(self, message: str, measure: Measure = Measure(), cause: str = "") -> None:  # noqa: B008  immutable
        super().__init__(message)
        self.measure = measure
        self.cause = cause


class Undecided(Exception):  # noqa: N818  likewise
    """The oracle cannot say: its own error is larger than the gate."""


@dataclass(frozen=True)
class Check:
    """A check: its id, what it means in one sentence, the level it belongs to, and when it applies."""

    id: str
    meaning: str
    level: int
    run: Callable[[Problem], Measure]
    applies: Applies
    oracle: str = ""

    @property
    def number(self) -> str:
        """The id without its name: `V05` of `V05.fd`."""
        return self.id.partition(".")[0]


# --- when a check applies ---------------------------------------------------------------------------------------------


def differentiable(sample: Sample, dtype: str) -> bool:
    """Whether the sample has an array that can require grad."""
    return any(isinstance(x, np.ndarray) and x.dtype.kind in "fc" for x in sample.args)


def smooth(*claims: str, double: bool | None = None) -> Applies:
    """Smooth samples of ops that claim all this; in double precision only (True), in single only (False), or in all."""

    def applies(spec: OpSpec, sample: Sample, dtype: str) -> bool:
        if (
            sample.tag != "smooth"
            or not set(claims) <= spec.claims
            or not (not claims or differentiable(sample, dtype))
        ):
            return False
        return double is None or double == (dtype in ("float64", "complex128"))

    return applies


def tagged(tag: str, *claims: str) -> Applies:
    """Samples of another kind."""
    return lambda spec, sample, dtype: sample.tag == tag and set(claims) <= spec.claims


def both(first: Applies, second: Applies) -> Applies:
    """Where both apply."""
    return lambda spec, sample, dtype: first(spec, sample, dtype) and second(spec, sample, dtype)


# --- comparing --------------------------------------------------------------------------------------------------------


def largest(x: Any) -> float:
    """The largest finite absolute value; 0 of nothing."""
    x = np.abs(np.asarray(x, dtype=complex if np.iscomplexobj(x) else float))
    return float(np.max(np.where(np.isfinite(x), x, 0.0), initial=0.0))


def require(problem: Problem, what: str, found: Any, expected: Any, gate: Any, oracle: str = "expected") -> Measure:
    """`Mismatch` unless `found` agrees with `expected` within the absolute `gate`."""
    agreement = agree(found, expected, gate)
    measure = Measure(agreement.error / problem.eps, agreement.gate / problem.eps)
    if agreement.ok:
        return measure
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        raise Mismatch(
            f"{what} has shape {found.shape}, {oracle} says {expected.shape}", measure, likely_cause(found, expected)
        )
    place = agreement.place
    raise Mismatch(
        f"{what} at {place}: got {found[place]!s}, {oracle} says {expected[place]!s}: an error of {measure.error:.3g} eps, "
        f"the gate is {measure.gate:.3g} eps",
        measure,
        likely_cause(found, expected),
    )


def repeats(problem: Problem, what: str, again: Any, first: Any, named: str) -> Measure:
    """`Mismatch` unless a second run gives what the first one gave: the same bits, but for what the row declares."""
    loose = problem.spec.nondeterministic.get(problem.dtype, 0.0)
    return require(problem, what, again, first, loose * problem.eps * largest(first), named)


def worst(measures: list[Measure]) -> Measure:
    """The one nearest to its gate."""
    return max(measures, key=lambda m: m.error / m.gate if m.gate else (1.0 if m.error else 0.0), default=Measure())
