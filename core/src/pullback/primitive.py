"""Primitive: an operation with rules. `apply.py` runs it.

What primitives must know of Tensors is registered here by those who know: which class to wrap results in, which class a
view is of, and how to read a foreign operand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullback.aval import Aval
from pullback.errors import NoDerivativeError
from pullback.rules import Derivative

if TYPE_CHECKING:
    from pullback.kernels import Kernel
    from pullback.tensor import Tensor

new: Final = object.__new__
tensor_type: type[Any] = object  # `tensor.py` and `views.py` register their classes here, so that this module need
view_type: type[Any] = object  # not know them
convert: Callable[[Any], Any]  # a foreign operand as a Tensor or a Python number, or None; registered with the class


def register_tensor(cls: type, converter: Callable[[Any], Any]) -> None:
    """Tell this module which class to wrap results in, and how to read a foreign operand."""
    global tensor_type, convert  # noqa: PLW0603  the knot between primitive.py and tensor.py, untied here
    tensor_type = cls
    convert = converter


def register_view(cls: type) -> None:
    """Tell this module which class a view is of."""
    global view_type  # noqa: PLW0603  the same knot
    view_type = cls


def wrap(array: Any, aval: Aval, node: Any = None) -> Tensor:
    """A Tensor over a raw array."""
    out: Tensor = new(tensor_type)
    out._array = array
    out._aval = aval
    out._node = node
    return out


def detached(x: Any) -> Tensor:
    """The same values without history, at any level of transforms; the memory is shared."""
    aval = x._aval
    return wrap(aval.backend.detached(x._array) if aval.backend.level else x._array, aval)


class Primitive:
    """An operation, the names of its operands and parameters, and a rule per operand and mode.

    The traits say what kind of operation it is; `declare.py` sets them.
    """

    elementwise = False
    """Its rules are tangent maps; shapes broadcast and dtypes promote."""
    linear = False
    """Linear in every operand that has a rule: the jvp is the op itself with the tangent in its place."""
    joint = False
    """Linear in all operands together, not in each while the others stay."""
    singular = False
    """The derivative can be infinite at finite input, so that a zero cotangent needs a guard to stay zero."""
    product = False
    """The rule multiplies by a saved value, which may be non-finite."""
    bilinear = False
    """The cotangent of each operand is `ct` times the other one: an inner product where the operand is 0-d."""
    hides = False
    """Some input values do not reach the output: their cotangents are zero."""
    floating = False
    """Integers are converted to the default dtype first."""
    integral = False
    """For integers and bool only."""
    variadic = False
    """Takes one sequence of arrays."""
    multiple = False
    """Returns several arrays."""
    trusted = False
    """The shapes of its cotangents need no check."""
    typed = False
    """Has a dtype among its parameters, which the library wants as its own object."""
    untyped: tuple[str, ...] = ()
    """Operands outside dtype promotion: a condition, an index."""
    fused: FunctionType | None = None
    """The pullback for all operands, where they are real and of one shape and dtype: `fused(ct, x, y)`."""
    operator: Callable[..., Any] | None = None
    """Python's operator for it, where there is one."""

    def __init__(
        self,
        name: str,
        operands: tuple[str, ...],
        *,
        forward: Callable[..., Any] | str | None = None,
        vjp: Mapping[str, Derivative] | None = None,
        jvp: Mapping[str, Derivative] | None = None,
        label: str = "",
        **traits: Any,
    ) -> None:
        self.name = name
        self.operands = operands
        self.forward = forward
        self.vjp = dict(vjp or {})
        self.jvp = dict(jvp or {})
        self.label = label or _camel(name)
        for trait in TRAITS:  # on the instance, where reading them is fastest
            setattr(self, trait, traits.pop(trait, getattr(type(self), trait)))
        if traits:
            raise TypeError(f"primitive {name}: unknown traits {', '.join(traits)}")
        self.pullbacks: dict[Any, Any] = {}
        self.kernels: tuple[Kernel, ...] = ()  # faster forms for one backend each, see kernels.py

    def vjp_of(self, operand: int) -> Derivative:
        """The reverse rule for the operand at this position."""
        return self._rule(self.vjp, "reverse", operand)

    def jvp_of(self, operand: int) -> Derivative:
        """The forward rule for the operand at this position."""
        return self._rule(self.jvp, "forward", operand)

    def _rule(self, rules: dict[str, Derivative], mode: str, operand: int) -> Derivative:
        name = self.operands[0 if self.variadic else operand]
        try:
            return rules[name]
        except KeyError:
            raise NoDerivativeError(f"{self.name}: there is no {mode}-mode rule for operand {name!r}") from None

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


TRAITS: Final = tuple(
    name for name in vars(Primitive) if not name.startswith("_") and not callable(vars(Primitive)[name])
)
"""The names of the traits."""


def _camel(name: str) -> str:
    return "".join(
        part[:1].upper() + part[1:] for part in name.rsplit("::", maxsplit=1)[-1].replace(".", "_").split("_")
    )


class Step(NamedTuple):
    """How a view came from its base: `get(base)` makes it; `put(base, value)` is the base after writing to it."""

    get: Callable[[Any], Any]
    put: Callable[[Any, Any], Any]


def view(base: Any, out: Any, step: Step) -> Tensor:
    """Make `out`, which is `step.get(base)`, a view of `base`."""
    made: Tensor = view_type(base, out, step)
    return made
