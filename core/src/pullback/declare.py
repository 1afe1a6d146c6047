"""The four kinds of primitive. A declaration gives the rules and returns the function that runs the op.

====================  ===========================================  ====================================================
kind                  the author gives                             pullback derives
====================  ===========================================  ====================================================
`elementwise`         per operand the tangent map, linear in `t`   jvp = the map; vjp = conj o map o conj, un-broadcast
`linear`              per operand the transpose                    jvp = the op itself on the tangent
`explicit`            per operand a vjp and a jvp                  nothing
`nondifferentiable`   nothing                                      outputs that never require grad
====================  ===========================================  ====================================================

A rule is a function of `xp`, of the tangent `t` or cotangent `ct`, and of whatever it names: operands, `out`, `shape`,
parameters (see `rules.py`). A composite needs no declaration: it is an ordinary function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from pullback.apply import apply_elementwise
from pullback.examples import described
from pullback.flat import general_function
from pullback.operators import binary_function, unary_function
from pullback.primitive import TRAITS, Primitive
from pullback.rules import derivative

if TYPE_CHECKING:
    from inspect import Signature

    from pullback.tensor import Tensor

Rule = Callable[..., Any]


class Operation(Protocol):
    """The function that runs a primitive on Tensors.

    >>> import pullback as pb
    >>> pb.sin.primitive
    <primitive sin>
    """

    primitive: Primitive
    __name__: str

    def __call__(self, *operands: Any, **params: Any) -> Tensor:
        """Run the op. (One with several results returns a tuple.)"""


_OPTIONS = frozenset(TRAITS) | {"forward", "label"}


def elementwise(name: str, summary: str = "", *, operands: tuple[str, ...] = (), **options: Any) -> Operation:
    """Declare an op on each element. Keyword arguments named after operands are their tangent maps.

    `operands` lists all operands where some have no map. Other options: the traits of `Primitive`; `label` for
    `grad_fn`; `forward(xp, *operands)` for an op that the namespace lacks, or the name under which it has it.

    >>> import pullback as pb
    >>> from pullback.extend import elementwise
    >>> cube = elementwise("demo_cube", x=lambda xp, t, x: t * (3 * x * x), forward=lambda xp, x: x**3)
    >>> x = pb.tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    tensor(12.)
    """
    traits, rules = _split(options)
    derivatives = {operand: derivative(rule) for operand, rule in rules.items()}
    operands = operands or tuple(rules)
    traits.setdefault("product", any(rule.reads for rule in derivatives.values()))
    primitive = Primitive(name, operands, vjp=derivatives, jvp=derivatives, elementwise=True, **traits)
    reads = {name for rule in derivatives.values() for name in rule.reads}
    if len(operands) <= 2 and reads <= {*operands, "out"} and not _has_params(primitive):
        made = unary_function(primitive) if len(operands) == 1 else binary_function(primitive)
        return _publish(made, primitive, summary)

    def function(*arguments: Any, **params: Any) -> Any:
        if len(arguments) != len(operands):
            raise TypeError(
                f"{name} takes {len(operands)} positional arguments ({', '.join(operands)}), got {len(arguments)}"
            )
        return apply_elementwise(primitive, arguments, params)

    return _publish(function, primitive, summary)


def linear(name: str, summary: str = "", *, operands: tuple[str, ...] = (), **options: Any) -> Operation:
    """Declare an op that is linear in every operand that has a rule. Keyword arguments are the transposes.

    A transpose takes the cotangent of the result to that of its operand. With `joint=True` the op is linear in all its
    operands together (`concat`), otherwise in each while the others stay (`matmul`).

    >>> import pullback as pb
    >>> from pullback.extend import linear
    >>> twice = linear("demo_twice", x=lambda xp, ct: 2 * ct, forward=lambda xp, x: x + x)
    >>> pb.func.jvp(twice, (pb.tensor(1.0),), (pb.tensor(3.0),))
    (tensor(2.), tensor(6.))
    """
    traits, rules = _split(options)
    vjp = {operand: derivative(rule) for operand, rule in rules.items()}
    primitive = Primitive(name, operands or tuple(rules), vjp=vjp, linear=True, **traits)
    return _publish(general_function(primitive), primitive, summary)


def explicit(
    name: str, summary: str = "", *, jvp: Mapping[str, Rule], operands: tuple[str, ...] = (), **options: Any
) -> Operation:
    """Declare an op by both rules: keyword arguments named after operands are the vjps, `jvp` maps operands to theirs.

    A jvp gives what its operand's tangent contributes to the tangent of the result.

    >>> import pullback as pb
    >>> from pullback.extend import explicit
    >>> norm2 = explicit(
    ...     "demo_norm2",
    ...     forward=lambda xp, x: xp.sum(x * x),
    ...     x=lambda xp, ct, x: ct * (2 * x),
    ...     jvp={"x": lambda xp, t, x: 2 * xp.sum(t * x)},
    ... )
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> norm2(x).backward()
    >>> x.grad
    tensor([2., 4.])
    """
    traits, rules = _split(options)
    vjp = {operand: derivative(rule) for operand, rule in rules.items()}
    pushforwards = {operand: derivative(rule) for operand, rule in jvp.items()}
    primitive = Primitive(name, operands or tuple(rules), vjp=vjp, jvp=pushforwards, **traits)
    return _publish(general_function(primitive), primitive, summary)


def nondifferentiable(name: str, summary: str = "", *, operands: tuple[str, ...] = ("x",), **traits: Any) -> Operation:
    """Declare an op whose results never require grad: comparisons, indices, counts.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> pb.less(x, 1.5).requires_grad
    False
    """
    primitive = Primitive(name, operands, **traits)
    if primitive.elementwise and len(operands) <= 2 and not _has_params(primitive):
        return _publish(
            unary_function(primitive) if len(operands) == 1 else binary_function(primitive), primitive, summary
        )
    return _publish(general_function(primitive), primitive, summary)


def _has_params(primitive: Primitive) -> bool:
    """Whether the op has parameters, as far as its own forward says so."""
    code = getattr(primitive.forward, "__code__", None)
    return code is not None and code.co_kwonlyargcount > 0


def rules_of(options: Mapping[str, Any]) -> dict[str, Rule]:
    """Of the options of a declaration, the rules: what is not the name of a trait is the name of an operand."""
    return _split(dict(options))[1]


def _split(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Rule]]:
    """Traits and rules: what is not the name of a trait is the name of an operand."""
    traits = {name: value for name, value in options.items() if name in _OPTIONS}
    return traits, {name: rule for name, rule in options.items() if name not in _OPTIONS}


class _Signature:
    """Stands where `inspect.signature` looks for the signature of a function, and makes it when it is asked for."""

    def __init__(self, operands: tuple[str, ...]) -> None:
        self.operands = operands

    @property
    def __signature__(self) -> Signature:
        import inspect  # noqa: PLC0415  8 ms that `import pullback` does not pay

        kind = inspect.Parameter.POSITIONAL_ONLY
        return inspect.Signature([inspect.Parameter(operand, kind) for operand in self.operands])


def _publish(function: Any, primitive: Primitive, summary: str) -> Operation:
    """Give the function of an op its name, signature and docstring."""
    function.primitive = primitive
    function.__name__ = function.__qualname__ = primitive.name.split("::")[-1].split(".")[-1]
    function.__module__ = "pullback"
    function.__wrapped__ = _Signature(primitive.operands)
    function.__doc__ = described(primitive.name, summary)
    return function  # type: ignore[no-any-return]
