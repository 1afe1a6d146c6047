"""Rules: what they read, and what the reverse pass knows of a node beyond calling its pullback.

A rule is one line over `xp` that names what it reads: `lambda xp, t, x2: t * x2` reads the operand `x2`, so a node
keeps `x2` and nothing else. It may read operands, `out`, parameters of the op, and `shape`, `dtype` and `like` (the
aval) of the operand that it differentiates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pullback.graph import Node, X, Y, make_node

if TYPE_CHECKING:
    from pullback.aval import Aval
    from pullback.backend import Backend

Call = Callable[[Any, Any, Any], Any]


class Derivative(NamedTuple):
    """A rule for one operand, and the names that it reads after `xp` and the (co)tangent."""

    function: Callable[..., Any]
    reads: tuple[str, ...]


def derivative(function: Callable[..., Any]) -> Derivative:
    """Read off a rule what it reads.

    >>> derivative(lambda xp, t, out: t * out).reads
    ('out',)
    """
    code = function.__code__ if hasattr(function, "__code__") else None
    if code is None:
        import inspect  # noqa: PLC0415  8 ms that `import pullback` does not pay

        return Derivative(function, tuple(inspect.signature(function).parameters)[2:])
    return Derivative(function, code.co_varnames[2 : code.co_argcount])


class Mode(NamedTuple):
    """How a pass multiplies. `guard`: a zero cotangent stays zero in every product; `literal`: in none."""

    guard: bool = False
    literal: bool = False


class Rule:
    """The attribute `rule` of every pullback."""

    name: str
    """What `grad_fn` shows."""
    backend: Backend | None = None
    """Whose raw arrays the pullback computes on; None if it computes nothing, or on Tensors of its own."""
    guarded: Call | None = None
    """The pullback over raw arrays in the mode `guard`, if it is known already."""

    @property
    def rule(self) -> Rule:
        """Itself, for a rule that is a pullback as well. (An attribute would be a cycle.)"""
        return self

    def over(self, xp: Any, mode: Mode) -> Call:
        """The pullback over Tensors (`xp` pullback's namespace), or over raw arrays in another mode."""
        raise NotImplementedError

    def saved(self, node: Node) -> Iterable[tuple[str, Any, Any]]:
        """The name, array and owner of the memory of everything that the node saved."""
        return ()

    def as_tensors(self, node: Node, wrap: Callable[..., Any]) -> tuple[Any, Any]:
        """The `x` and `y` of the node with Tensors, at their places in the graph, for arrays."""
        return node[X], node[Y]

    def mapped(self, x: Any, y: Any, function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
        """The `x` and `y` of a node with `function(array, aval)` for each array; aval None if `backend` knows it."""
        return x, y


class Cotangents:
    """The cotangents of a node with several outputs, as far as they have arrived; they add up like arrays."""

    __slots__ = ("parts",)

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts

    def __add__(self, other: Cotangents) -> Cotangents:
        parts = dict(self.parts)
        for i, ct in other.parts.items():
            parts[i] = parts[i] + ct if i in parts else ct
        return Cotangents(parts)

    def expand(self, xp: Any, outs: Sequence[Aval], native: bool) -> tuple[Any, ...]:
        """One cotangent per output, zeros for those that nothing depends on."""

        def zeros(aval: Aval) -> Any:
            if not native:
                return xp.zeros(aval.shape, dtype=aval.dtype, device=aval.device)
            dtype, device = aval.backend.native_dtype(aval.dtype), aval.backend.native(aval.device)
            return xp.zeros(aval.shape, dtype=dtype, device=device)

        return tuple(self.parts[i] if i in self.parts else zeros(aval) for i, aval in enumerate(outs))


class Select(Rule):
    """The pullback of one output of a node with several: it labels the cotangent with the number of the output."""

    name = "SelectOutput"

    def __init__(self, index: int) -> None:
        self.index = index

    def __call__(self, ct: Any, x: Any, y: Any) -> Cotangents:
        return Cotangents({self.index: ct})

    def over(self, xp: Any, mode: Mode) -> Call:
        return self


@lru_cache(maxsize=1024)
def _select(index: int) -> Select:
    return Select(index)


def select(node: Node, index: int) -> Node:
    """The graph node of one output of `node`."""
    return make_node(_select(index), (node,), None, None)
