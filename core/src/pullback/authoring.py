"""`pb.op`: how an op is written, in a script as in a package.

An op is a function over a namespace `xp` and arrays. As it stands it is a composite: it differentiates by itself. With a
rule of one of the four kinds it is a primitive (see `declare.py`), and may have faster kernels (see `kernels.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, overload

from pullback import declare, dtypes, kernels
from pullback import primitive as primitives
from pullback.errors import ArgumentError
from pullback.plugins import backends, discovery
from pullback.rules import derivative

if TYPE_CHECKING:
    from inspect import Signature

    from pullback.dtypes import DType
    from pullback.primitive import Primitive

Function = Callable[..., Any]

_DESCRIPTIVE: Final = frozenset({"out", "shape", "dtype", "like"})
"""What a rule may read besides operands and parameters."""


class Op(Protocol):
    """An op that `pb.op` made: call it with Tensors and Python numbers, and its parameters by keyword."""

    __name__: str
    definition: Definition
    primitive: Primitive | None
    kernel: Callable[..., Callable[[Function], Function]]

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Run the op."""


Maker = Callable[[Function], Op]
"""A decorator that makes an op."""


class Definition:
    """What the author of an op wrote: the function over `xp`, and how it may be called."""

    def __init__(self, function: Function, name: str) -> None:
        if not hasattr(function, "__code__"):
            raise ArgumentError(f"op: a function `f(xp, ...)` is needed, got {function!r}")
        code = function.__code__
        first = function.__name__
        if code.co_argcount == 0 or code.co_varnames[0] != "xp":
            raise ArgumentError(
                f"op {first}: its first parameter must be `xp`, the namespace to compute with: def {first}(xp, ...)"
            )
        positional = code.co_varnames[1 : code.co_argcount]
        keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        self.function = function
        self.operands = tuple(positional)
        self.params = tuple(keywords)
        self.defaults: dict[str, Any] = dict(function.__kwdefaults__ or {})
        self.starred = bool(code.co_flags & 0x0C)  # *args or **kwargs
        self.named = bool(name)
        self.name = name or f"{(function.__module__ or '').partition('.')[0].strip('_')}::{first}"

    @property
    def __signature__(self) -> Signature:
        """The signature of the op: that of the function, without `xp`."""
        import inspect  # noqa: PLC0415  8 ms that `import pullback` does not pay

        signature = inspect.signature(self.function)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    def check_params(self, params: dict[str, Any]) -> dict[str, Any]:
        """Parameters with defaults for those that are not given; `TypeError` and `ArgumentError` for wrong ones."""
        given = {**self.defaults, **params}
        strange = [name for name in given if name not in self.params]
        absent = [name for name in self.params if name not in given]
        if strange or absent:
            problem = f"no parameter {strange[0]!r}" if strange else f"parameter {absent[0]!r} is missing"
            raise TypeError(f"{self.name}: {problem}; its parameters are ({', '.join(self.params) or 'none'})")
        for name, value in params.items():
            if isinstance(value, primitives.tensor_type):
                raise ArgumentError(
                    f"{self.name}: parameter {name!r} is a Tensor, and a parameter is not differentiated; pass a Python "
                    f"value, or declare {name!r} as an operand: before the * of the function"
                )
        return given


class OpDecorator:
    """Make an op of a function `f(xp, *operands, *, params)` over any Array API namespace.

    As it is, `@pb.op` makes a composite: it needs no rule, since what it calls has rules. `@pb.op.elementwise`, `linear`,
    `explicit` and `nondifferentiable` make a primitive with the rules that are given, one per operand; see
    `pullback.extend`. A decorated op has `.kernel(backend, dtypes=...)`, which adds a faster form for one backend.

    Raises `ArgumentError` for a function that does not take `xp` first, and for a rule of something that is no operand
    or that reads something which is not there.

    >>> import pullback as pb
    >>> @pb.op
    ... def swish(xp, x):
    ...     return x / (1 + xp.exp(-x))
    >>> pb.func.grad(swish)(pb.tensor(0.0))
    tensor(0.5000)
    """

    @overload
    def __call__(self, function: Function, /, *, name: str = "") -> Op: ...
    @overload
    def __call__(self, function: None = None, /, *, name: str = "") -> Maker: ...
    def __call__(self, function: Function | None = None, /, *, name: str = "") -> Any:
        """Make a composite: `@op` or `@op(name="acme::swish")`."""
        return _composite(function, name) if function is not None else lambda function: _composite(function, name)

    @overload
    def elementwise(self, function: Function, /, *, name: str = "", **rules: Any) -> Op: ...
    @overload
    def elementwise(self, function: None = None, /, *, name: str = "", **rules: Any) -> Maker: ...
    def elementwise(self, function: Function | None = None, /, *, name: str = "", **rules: Any) -> Any:
        """Make an op on each element: per operand a tangent map `(xp, t, ...)`, linear in `t`."""
        return _primitive(declare.elementwise, function, name, rules)

    @overload
    def linear(self, function: Function, /, *, name: str = "", **rules: Any) -> Op: ...
    @overload
    def linear(self, function: None = None, /, *, name: str = "", **rules: Any) -> Maker: ...
    def linear(self, function: Function | None = None, /, *, name: str = "", **rules: Any) -> Any:
        """Make an op that is linear in each operand that has a rule: its transpose `(xp, ct, ...)`."""
        return _primitive(declare.linear, function, name, rules)

    @overload
    def explicit(self, function: Function, /, *, vjp: Any, jvp: Any, name: str = "", **traits: Any) -> Op: ...
    @overload
    def explicit(self, function: None = None, /, *, vjp: Any, jvp: Any, name: str = "", **traits: Any) -> Maker: ...
    def explicit(
        self, function: Function | None = None, /, *, vjp: Any, jvp: Any, name: str = "", **traits: Any
    ) -> Any:
        """Make an op with both rules: `vjp` and `jvp` map operands to `(xp, ct, ...)` and `(xp, t, ...)`."""
        if set(vjp) != set(jvp):
            raise ArgumentError(f"op: rules for both modes are needed: vjp has {sorted(vjp)}, jvp has {sorted(jvp)}")
        return _primitive(declare.explicit, function, name, {**traits, **vjp}, jvp=jvp)

    @overload
    def nondifferentiable(self, function: Function, /, *, name: str = "", **traits: Any) -> Op: ...
    @overload
    def nondifferentiable(self, function: None = None, /, *, name: str = "", **traits: Any) -> Maker: ...
    def nondifferentiable(self, function: Function | None = None, /, *, name: str = "", **traits: Any) -> Any:
        """Make an op whose results never require grad."""
        return _primitive(declare.nondifferentiable, function, name, traits)

    def __repr__(self) -> str:
        return "<decorator pullback.op>"


op: Final = OpDecorator()


def _composite(function: Function, name: str) -> Op:
    definition = Definition(function, name)

    def run(*operands: Any, **params: Any) -> Any:
        if operands and isinstance(operands[0], primitives.tensor_type):  # the same as below, most of the time
            return function(operands[0].__array_namespace__(), *operands, **params)
        return function(_namespace(definition, (*operands, *params.values())), *operands, **params)

    def kernel(*_: Any, **__: Any) -> Any:
        raise ArgumentError(
            f"{definition.name} is a composite, and a kernel would hide from it what it differentiates: give it a rule, "
            f"with @op.elementwise, @op.linear or @op.explicit, and then the kernel"
        )

    return _published(run, definition, None, kernel)


def _namespace(definition: Definition, values: Iterable[Any]) -> Any:
    """The namespace of the Tensors among the operands of a composite."""
    tensor, seen = None, []
    for value in values:
        for item in value if isinstance(value, (list, tuple)) else (value,):
            seen.append(item)
            if tensor is None and isinstance(item, primitives.tensor_type):
                tensor = item
    if tensor is None:
        kinds = ", ".join(f"{type(item).__module__}.{type(item).__qualname__}" for item in seen) or "nothing"
        raise ArgumentError(
            f"{definition.name}: at least one operand must be a Tensor, got {kinds}; write pb.asarray(...) around an array"
        )
    return tensor.__array_namespace__()


def _primitive(make: Any, function: Function | None, name: str, options: dict[str, Any], **fixed: Any) -> Any:
    if function is None:
        return lambda function: _primitive(make, function, name, options, **fixed)
    definition = Definition(function, name)
    if definition.starred or function.__defaults__:
        raise ArgumentError(
            f"op {definition.name}: an op with a rule has a fixed number of operands, none with a default: write parameters "
            f"after a *, as in def {function.__name__}(xp, x, *, alpha=1.0)"
        )
    _check_rules(definition, declare.rules_of(options), fixed.get("jvp", {}))
    made = make(definition.name, operands=definition.operands, forward=function, **options, **fixed)
    primitive: Primitive = made.primitive
    run = made
    if definition.params:

        def run(*operands: Any, **params: Any) -> Any:
            return made(*operands, **definition.check_params(params))

    def kernel(backend: str, *, dtypes: Iterable[DType] = ()) -> Callable[[Function], Function]:
        return lambda function: _add_kernel(definition, primitive, backend, dtypes, function)

    return _published(run, definition, primitive, kernel)


def _check_rules(definition: Definition, rules: Mapping[str, Any], jvp: Mapping[str, Any]) -> None:
    """`ArgumentError` if a rule is for something that is no operand, or reads something that is not there."""
    known = {*definition.operands, *definition.params, *_DESCRIPTIVE}
    for operand, rule in (*rules.items(), *jvp.items()):
        if operand not in definition.operands:
            raise ArgumentError(
                f"op {definition.name}: there is a rule for {operand!r}, but its operands are "
                f"({', '.join(definition.operands)})"
            )
        if not callable(rule):
            raise ArgumentError(f"op {definition.name}: the rule for {operand!r} must be a function, got {rule!r}")
        unknown = [name for name in derivative(rule).reads if name not in known]
        if unknown:
            raise ArgumentError(
                f"op {definition.name}: the rule for {operand!r} reads {unknown[0]!r}; after xp and the (co)tangent it may "
                f"name operands ({', '.join(definition.operands)}), parameters ({', '.join(definition.params) or 'none'}), "
                f"out, shape, dtype and like"
            )


def _add_kernel(
    definition: Definition, primitive: Primitive, backend: str, wanted: Iterable[DType], function: Function
) -> Function:
    if not isinstance(backend, str) or not callable(function):
        raise ArgumentError(
            f'{definition.name}: write @{definition.function.__name__}.kernel("numpy") above the kernel'
        )
    kinds = frozenset(wanted)
    strange = [kind for kind in kinds if not isinstance(kind, dtypes.DType)]
    if strange:
        raise ArgumentError(f"{definition.name}: the dtypes of a kernel are pb.float32 and so on, got {strange[0]!r}")
    active = not discovery.flag(kernels.VARIABLE)
    primitive.kernels = (*primitive.kernels, kernels.Kernel(backend, kinds, function, active))
    kernels.forget(primitive, backends.loaded())
    return function


def _published(run: Any, definition: Definition, primitive: Primitive | None, kernel: Any) -> Op:
    """Give the function of an op what its author's function has: name, module, docstring, signature."""
    function = definition.function
    run.__name__ = function.__name__
    run.__qualname__ = function.__qualname__
    run.__module__ = function.__module__
    run.__doc__ = function.__doc__
    run.__wrapped__ = definition
    run.definition = definition
    run.primitive = primitive
    run.kernel = kernel
    return run  # type: ignore[no-any-return]  # a function, with the attributes of an Op
