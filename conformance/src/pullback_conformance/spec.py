"""What a row of the suite says: how an op is called, where it is smooth, which derivatives it claims.

Four fields are needed: `op`, `call`, `args`, `derivatives`. Everything else adds an oracle or a sample. A row knows
nothing of checks; the checks find out from its fields whether they apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Family = Literal["real", "complex"]
Kind = Literal["elementwise", "reduction", "linear", "structural", "matrix", "general", "constant", "creation"]
Complex = Literal["none", "holomorphic", "general", "only"]

ALL = frozenset({"vjp", "jvp", "double"})
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Domain:
    """Where values of an argument may be drawn: smooth there, and far enough from every kink.

    >>> Domain.real(0.5, 2.0).draw(np.random.default_rng(0), (2,), "real").shape
    (2,)
    """

    low: float
    high: float
    imaginary: tuple[float, float] = (-1.2, 1.2)
    real_part: tuple[float, float] | None = None
    shape_of: Literal["any", "distinct", "regular", "signed", "bits"] = "any"

    @classmethod
    def real(cls, low: float, high: float, **options: Any) -> Domain:
        """Real numbers of an interval; for complex samples the real part, unless `real_part` says another one."""
        return cls(low, high, **options)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], family: Family) -> np.ndarray:
        """Values of a shape, in float64 or complex128."""
        if self.shape_of == "bits":
            return np.asarray(rng.integers(int(self.low), int(self.high) + 1, shape))
        if self.shape_of == "distinct":  # no two closer than half of a step
            size = int(np.prod(shape, dtype=int))
            grid = np.linspace(self.low, self.high, max(size, 2) + 1)[:size]
            step = (self.high - self.low) / (max(size, 2) + 1)
            values = rng.permutation(grid + rng.uniform(0.1, 0.4, size) * step).reshape(shape)
        else:
            low, high = self.real_part if family == "complex" and self.real_part else (self.low, self.high)
            values = rng.uniform(low, high, shape)
        if self.shape_of == "signed":
            values = values * rng.choice([-1.0, 1.0], shape)
        if family == "complex":
            values = values + 1j * rng.uniform(*self.imaginary, shape)
        values = np.asarray(values)
        if self.shape_of == "regular" and values.ndim >= 2:
            values = values + 3 * np.eye(values.shape[-2], values.shape[-1])
        return values


@dataclass(frozen=True)
class Arg:
    """An array argument: its name, where its values are drawn, and what it holds."""

    name: str
    domain: Domain = Domain(-2.0, 2.0)
    dtype: Literal["floating", "integer", "bool", "real"] = "floating"


@dataclass(frozen=True)
class Case:
    """One structure of a call: a tuple in `args` is the shape of an array to draw, an array is taken as it is."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def case(*args: Any, **kwargs: Any) -> Case:
    """A `Case`, written like the call itself.

    >>> case((2, 3), axis=0)
    Case(args=((2, 3),), kwargs={'axis': 0})
    """
    return Case(args, kwargs)


@dataclass(frozen=True)
class Kink:
    """A point without a derivative, and the gradients that the published table chooses there, per argument."""

    at: tuple[Any, ...]
    grads: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    contained: bool = True
    """Whether the choice must lie between the one-sided slopes (a limit such as infinity does not)."""


@dataclass(frozen=True)
class Fails:
    """A call that must be refused, and how."""

    args: tuple[Any, ...]
    exc: type[BaseException] | tuple[type[BaseException], ...]
    match: str = ""
    kwargs: dict[str, Any] = field(default_factory=dict)
    mode: Literal["values", "vjp", "jvp", "double"] = "values"
    """What must be refused: the call, or only one of its derivatives."""


@dataclass(frozen=True)
class Sample:
    """One call: NumPy arrays in float64, complex128, integers or booleans, Python numbers, and keyword arguments."""

    id: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    layout: str = "C"
    tag: Literal["smooth", "kink", "special", "refused", "integer"] = "smooth"
    expect: Any = None


@dataclass(frozen=True)
class OpSpec:
    """One row: an op and everything that is claimed of it.

    `call(*tensors, **kwargs)` runs it on Tensors. `reference(np, *arrays, **kwargs)` gives the same values over NumPy in
    double precision, independently; `exact` is the function over mpmath numbers. `derivatives` is what is claimed:
    whatever is missing is tested to raise `NotImplementedError`. `tol` loosens a gate, in eps of the dtype; the report
    lists it.
    """

    op: str
    call: Callable[..., Any]
    args: Sequence[Arg]
    derivatives: Iterable[str]
    kind: Kind = "general"
    complex: Complex = "none"
    dtypes: frozenset[str] = frozenset({"float32", "float64", "complex64", "complex128"})
    reference: Callable[..., Any] | None = None
    exact: Callable[..., Any] | None = None
    kwargs: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    cases: Sequence[Case] = ()
    kinks: Sequence[Kink] = ()
    specials: Sequence[tuple[Any, ...]] = ()
    samples: Callable[..., Iterable[Any]] | None = None
    errors: Sequence[Fails] = ()
    tol: Mapping[str, float] = field(default_factory=dict)
    nondeterministic: Mapping[str, float] = field(default_factory=dict)
    """How far two runs of one call may be apart, in eps of the dtype and of each value; 0 where nothing is said."""
    reads: frozenset[str] = NOTHING
    """What takes values to the host: "values" of results, "gradient", or nothing, as a lazy library needs it."""
    module: str = ""

    @property
    def claims(self) -> frozenset[str]:
        """The claimed derivatives."""
        return frozenset(self.derivatives)

    def families(self) -> tuple[Family, ...]:
        """The kinds of numbers that it takes."""
        if self.complex == "only":
            return ("complex",)
        return ("real",) if self.complex == "none" else ("real", "complex")
