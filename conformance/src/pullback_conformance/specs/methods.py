"""Operators, methods and attributes of arrays: each is an op in another spelling, and is checked like it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback_conformance.spec import ALL, NOTHING, Arg, Complex, Domain, Kind, OpSpec, case
from pullback_conformance.specs.base import row
from pullback_conformance.specs.elementwise import BITS, BOX, SIGNED, WIDE

POSITIVE = Domain(0.3, 2.0)


def spelled(
    name: str,
    function: Callable[..., Any],
    *domains: Domain,
    complex: Complex = "none",
    kind: Kind = "elementwise",
    **options: Any,
) -> OpSpec:
    """An operator or method, called as Python calls it."""
    args = [Arg(f"x{i}", domain) for i, domain in enumerate(domains)] or options.pop("args")
    return row(
        name,
        *args,
        over=lambda xp, *xs, **kw: function(*xs, **kw),
        kind=kind,
        complex=complex,
        module="array object",
        **options,
    )


ARITHMETIC: tuple[tuple[str, Any, Domain, Domain, Complex], ...] = (
    ("add", operator.add, WIDE, WIDE, "holomorphic"),
    ("sub", operator.sub, WIDE, WIDE, "holomorphic"),
    ("mul", operator.mul, WIDE, WIDE, "holomorphic"),
    ("truediv", operator.truediv, WIDE, BOX, "holomorphic"),
    ("floordiv", operator.floordiv, Domain(2.1, 2.9), Domain(0.92, 1.0), "none"),
    ("mod", operator.mod, Domain(2.1, 2.9), Domain(0.92, 1.0), "none"),
    ("pow", operator.pow, POSITIVE, WIDE, "none"),
)
BITWISE = tuple(
    (name, getattr(operator, f"{name}_" if name in ("and", "or") else name))
    for name in ("and", "or", "xor", "lshift", "rshift")
)
IN_PLACE: dict[str, Any] = {
    "add": operator.iadd,
    "sub": operator.isub,
    "mul": operator.imul,
    "truediv": operator.itruediv,
    "floordiv": operator.ifloordiv,
    "mod": operator.imod,
    "pow": operator.ipow,
    "matmul": operator.imatmul,
    "and": operator.iand,
    "or": operator.ior,
    "xor": operator.ixor,
    "lshift": operator.ilshift,
    "rshift": operator.irshift,
}


def _reflected(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """`2.0 op x` and, on Tensors, the method itself."""

    def call(x: Any, y: Any) -> Any:
        return getattr(x, f"__r{name}__")(y) if hasattr(x, "_node") and hasattr(y, "_node") else function(y, x)

    return call


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    """On a copy: the in-place operator of an intermediate."""

    def call(x: Any, y: Any) -> Any:
        out = x.copy() if isinstance(x, np.ndarray) else x.clone()
        return function(out, y)

    return call


_EQUAL = [case((2, 3), (2, 3)), case((2, 3), (3,)), case((2, 2), (2, 1)), case((0, 2), (2,)), case((2,), ())]
_SQUARE = [case((2, 2), (2, 2))]


def _powers(rng: np.random.Generator) -> list[tuple[str, tuple[Any, ...]]]:
    """Python numbers as exponents: integers have rules of their own, for every base."""
    whole, fractions = (-2, -1, 0, 1, 2, 3, 4, 5), (-1.5, 0.5, 2.5, 3.0)
    found = [(f"to the {n}", (np.asarray([-1.5, 0.5, 2.0]), n)) for n in whole]
    found += [(f"0 to the {n}", (np.asarray([0.0, 1.5]), n)) for n in whole if n >= 0]
    return found + [(f"to the {n}", (POSITIVE.draw(rng, (3,), "real"), n)) for n in fractions]


def _arithmetic() -> list[OpSpec]:
    specs = []
    for name, function, first, second, complex in ARITHMETIC:
        powers: dict[str, Any] = {"samples": _powers} if name == "pow" else {}
        specs.append(spelled(f"__{name}__", function, first, second, complex=complex, **powers))
        specs.append(spelled(f"__r{name}__", _reflected(function, name), second, first, complex=complex))
        specs.append(
            spelled(
                f"__i{name}__", _in_place(IN_PLACE[name]), first, second, complex=complex, kind="general", cases=_EQUAL
            )
        )
    matmul = operator.matmul
    specs.append(
        spelled(
            "__matmul__", matmul, WIDE, WIDE, kind="matrix", complex="general", cases=[case((2, 3), (3, 2)), *_SQUARE]
        )
    )
    specs.append(
        spelled(
            "__rmatmul__",
            _reflected(matmul, "matmul"),
            WIDE,
            WIDE,
            kind="matrix",
            cases=[case((2, 3), (3, 2))][:0] + _SQUARE,
        )
    )
    specs.append(spelled("__imatmul__", _in_place(IN_PLACE["matmul"]), WIDE, WIDE, kind="matrix", cases=_SQUARE))
    return specs


def _constants() -> list[OpSpec]:
    specs = []
    for name, function in BITWISE:
        for prefix, over in (("", function), ("r", _reflected(function, name)), ("i", _in_place(IN_PLACE[name]))):
            specs.append(
                spelled(f"__{prefix}{name}__", over, args=[BITS, BITS], kind="constant", cases=[case((2, 3), (2, 3))])
            )
    specs += [
        spelled(f"__{name}__", getattr(operator, name), args=[Arg("x1"), Arg("x2")], kind="constant")
        for name in ("eq", "ne", "lt", "le", "gt", "ge")
    ]
    specs.append(spelled("__invert__", operator.invert, args=[BITS], kind="constant"))
    return specs


_USUAL = (case((2, 3)), case(()))


def says(name: str, function: Callable[..., Any], *, cases: Any = _USUAL, dtype: Any = "floating") -> OpSpec:
    """What a method or attribute says, as an array to compare."""

    def over(xp: Any, x: Any) -> Any:
        return xp.asarray([float(value) for value in function(xp, x)], dtype=xp.float32, device=x.device)

    domain = Domain(1, 5, shape_of="bits") if dtype == "integer" else POSITIVE
    return row(
        name,
        Arg("x", domain, dtype),
        over=over,
        kind="creation",
        derivatives=NOTHING,
        cases=cases,
        reads=frozenset({"values"}) if cases is _ZERO else NOTHING,
        module="array object",
    )


_ZERO = (case(()),)


def _host(x: Any) -> Any:
    return x.detach() if hasattr(x, "detach") else x


SPECS = [
    *_arithmetic(),
    *_constants(),
    spelled("__abs__", operator.abs, SIGNED, complex="general"),
    spelled("__neg__", operator.neg, WIDE, complex="holomorphic"),
    spelled("__pos__", operator.pos, WIDE, complex="holomorphic"),
    row(
        "T",
        Arg("x"),
        over=lambda xp, x: x.T,
        kind="structural",
        complex="general",
        cases=[case((2, 3)), case((2, 2)), case((0, 2))],
        module="array object",
    ),
    row(
        "mT",
        Arg("x"),
        over=lambda xp, x: xp.matrix_transpose(x) if isinstance(x, np.ndarray) else x.mT,
        kind="structural",
        complex="general",
        cases=[case((2, 3)), case((2, 3, 2))],
        module="array object",
    ),
    row(
        "to_device",
        Arg("x"),
        over=lambda xp, x: x * 2 if isinstance(x, np.ndarray) else (x * 2).to_device(x.device),
        kind="linear",
        complex="general",
        cases=[case((2, 3)), case(())],
        module="array object",
        derivatives=ALL,
    ),
    says("shape", lambda xp, x: x.shape),
    says("ndim", lambda xp, x: [x.ndim]),
    says("size", lambda xp, x: [x.size]),
    says("dtype", lambda xp, x: [xp.isdtype(x.dtype, "real floating")]),
    says("device", lambda xp, x: [x.device == _host(x).device]),
    says("__array_namespace__", lambda xp, x: [hasattr(xp, "sin"), hasattr(xp, "linalg")]),
    says(
        "__array_namespace_info__",
        lambda xp, x: [1.0] if isinstance(x, np.ndarray) else [bool(xp.__array_namespace_info__().devices())],
    ),
    says("__bool__", lambda xp, x: [bool(_host(x))], cases=_ZERO),
    says("__float__", lambda xp, x: [float(_host(x))], cases=_ZERO),
    says("__complex__", lambda xp, x: [complex(_host(x)).real], cases=_ZERO),
    says("__int__", lambda xp, x: [int(_host(x))], cases=_ZERO, dtype="integer"),
    says("__index__", lambda xp, x: [operator.index(_host(x))], cases=_ZERO, dtype="integer"),
    says("__dlpack_device__", lambda xp, x: [len(x.__dlpack_device__())]),
    says(
        "__dlpack__",
        lambda xp, x: [1.0] if isinstance(x, np.ndarray) or x.device != "cpu" else [_host(x).__dlpack__() is not None],
    ),
    says(
        "capabilities",
        lambda xp, x: [1.0] if isinstance(x, np.ndarray) else ["boolean indexing" in _info(xp).capabilities()],
    ),
    says(
        "default_device", lambda xp, x: [1.0] if isinstance(x, np.ndarray) else [_info(xp).default_device() is not None]
    ),
    says(
        "default_dtypes",
        lambda xp, x: [1.0] if isinstance(x, np.ndarray) else ["real floating" in _info(xp).default_dtypes()],
    ),
    says("devices", lambda xp, x: [1.0] if isinstance(x, np.ndarray) else [x.device in _info(xp).devices()]),
    says(
        "dtypes",
        lambda xp, x: [1.0] if isinstance(x, np.ndarray) else [x.dtype in _info(xp).dtypes(device=x.device).values()],
    ),
    says("constants", lambda xp, x: [xp.e, xp.pi, xp.inf, xp.nan, xp.newaxis is None]),
]


def _info(xp: Any) -> Any:
    return xp.__array_namespace_info__()
