"""What forward mode and vmap have in common: a transform is one more array library.

Its arrays wrap Tensors of the level below; its functions are pullback's own, run on Tensors of those arrays. So nothing
else needs to know about transforms, and they nest in any order.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import Any, TypeVar

from pullback import namespace
from pullback import primitive as primitives
from pullback.apply import apply, apply_elementwise
from pullback.aval import Aval
from pullback.backend import Backend, Capabilities
from pullback.devices import Device
from pullback.dtypes import DType
from pullback.errors import AutogradError
from pullback.ops.indexing_functions import raised
from pullback.primitive import Primitive, wrap

T = TypeVar("T", bound="TransformBackend")

_active: ContextVar[tuple[TransformBackend, ...]] = ContextVar("pullback_active_transforms", default=())


_idle: defaultdict[Any, list[Any]] = defaultdict(
    list
)  # backends that no transform uses now, with all they have learned


@contextmanager
def entered(kind: type[T]) -> Iterator[T]:
    """A transform that begins here: a backend of its own, one level above all that surround it."""
    outer = _active.get()
    idle = _idle[kind, len(outer) + 1]
    try:
        backend = idle.pop()
    except IndexError:
        backend = kind(len(outer) + 1)
    _active.set((*outer, backend))
    try:
        yield backend
    finally:
        _active.set(outer)
        backend.entry += 1  # the arrays of this call are not those of the next
        idle.append(backend)


def lifted(x: Any) -> Any:
    """`x` as a constant of the innermost transform, so that a leaf made of it is differentiated inside of it."""
    active = _active.get()
    if not active or x._aval.backend.level >= active[-1].level:
        return x
    return active[-1].lift(x)


def tracked(x: Any) -> bool:
    """Whether a derivative of any level flows through a Tensor."""
    return x._node is not None or (x._aval.backend.level > 0 and bool(x._aval.backend.tracks(x._array)))


class Wrapped:
    """Base of the arrays of a transform. Python's operators on it are those of Tensors."""

    __slots__ = ("__weakref__", "backend", "entry")
    __array_ufunc__ = None

    def __init__(self, backend: TransformBackend) -> None:
        self.backend = backend
        self.entry = backend.entry

    @property
    def below(self) -> Any:
        """The Tensor of the level below that holds the values. *Override.*"""
        raise NotImplementedError

    def moved(self, device: Device) -> Wrapped:
        """The same on another device. *Override.*"""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, as it looks from inside the transform."""
        return self.below.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> DType:
        """Data type."""
        return self.below.dtype  # type: ignore[no-any-return]

    @property
    def device(self) -> Device:
        """Device."""
        return self.below.device  # type: ignore[no-any-return]

    def __getitem__(self, key: Any) -> Any:
        return self.backend.unwrap(self.backend.tensor(self)[key])


def _operator(function: Callable[..., Any]) -> Any:
    def method(self: Any, *others: Any) -> Any:
        backend = self.backend
        return backend.unwrap(function(backend.tensor(self), *(backend.tensor(other) for other in others)))

    return method


def _reflected(function: Callable[..., Any]) -> Any:
    def method(self: Any, other: Any) -> Any:
        backend = self.backend
        return backend.unwrap(function(backend.tensor(other), backend.tensor(self)))

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"):
    _function = getattr(operator, f"{_name}_" if _name in ("and", "or") else _name)
    setattr(Wrapped, f"__{_name}__", _operator(_function))
    setattr(Wrapped, f"__r{_name}__", _reflected(_function))
for _name in ("neg", "pos", "abs", "invert", "eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Wrapped, f"__{_name}__", _operator(getattr(operator, _name)))


def call(primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
    """Run a primitive on Tensors of the level below."""
    if primitive.elementwise:
        return apply_elementwise(primitive, tuple(operands), params)
    if "key" in params:
        operands = [raised(operands[0], params["key"]), *operands[1:]]
    return apply(primitive, operands, params)


def _each(function: Callable[[Any], Any], value: Any) -> Any:
    """The function of each item of a list, tuple or named tuple; anything else as it is."""
    if not isinstance(value, (list, tuple)):
        return value
    items = map(function, value)
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


_ABOVE_KEPT = 1 << 12


class TransformBackend(Backend):
    """A backend over the Tensors of the level below. Subclasses say how to run a primitive."""

    plain_operators = False
    default_candidate = False

    def __init__(self, level: int) -> None:
        super().__init__()
        self.level = level
        self.entry = 0
        self._above: dict[Aval, Aval] = {}  # from what is inside of an array to what it looks like

    def owns(self, array: Any) -> bool:
        """Whether `array` is one of this transform, which still runs; else a constant to it."""
        if not isinstance(array, Wrapped) or array.backend is not self:
            return False
        if array.entry != self.entry:
            raise AutogradError(
                f"{self.name}: this Tensor was made inside a call of a transform that has ended, and has no values outside "
                f"of it. Return it from the function instead of storing it, and do not write to Tensors from outside"
            )
        return True

    def run(self, primitive: Primitive, operands: list[Any], params: dict[str, Any]) -> Any:
        """Run a primitive; operands are raw arrays of this level, or Tensors below it. *Override.*"""
        raise NotImplementedError

    def find_kernel(self, primitive: Primitive) -> Callable[..., Any]:
        def kernel(*operands: Any, **params: Any) -> Any:
            return self.run(primitive, list(operands[0] if primitive.variadic else operands), params)

        return kernel

    def tensor(self, value: Any) -> Any:
        """A raw array of this level as a Tensor; sequences item by item; anything else as it is."""
        if isinstance(value, Wrapped) and value.backend is self:
            return wrap(value, self.aval(value))
        return _each(self.tensor, value)

    def unwrap(self, value: Any) -> Any:
        """The raw array of a Tensor of this level; a Tensor below it stays one."""
        if isinstance(value, primitives.tensor_type):
            return value._array if value._aval.backend is self else value
        return _each(self.unwrap, value)

    def lift(self, x: Any) -> Any:
        """A Tensor below as a constant of this level."""
        return wrap(x, self.intern(x.shape, x.dtype, x.device))

    def aval(self, array: Any) -> Aval:
        if not isinstance(array, Wrapped):
            return self.intern(array.shape, array.dtype, array.device)
        below = array.below._aval
        aval = self._above.get(below)
        if aval is None:
            aval = self.intern(array.shape, array.dtype, array.device)
            if below.known:
                if len(self._above) >= _ABOVE_KEPT:
                    self._above.clear()
                self._above[below] = aval
        return aval

    @property
    def xp(self) -> ModuleType:
        return self._xp

    @property
    def _xp(self) -> ModuleType:
        xp = self.__dict__.get("xp_module")
        if xp is None:
            xp = self.__dict__["xp_module"] = self._lifted_module(namespace.tensors, f"pullback.xp.{self.name}")
            vars(xp)["refuse_if"] = self._refuse_if
        return xp

    def _lifted_module(self, module: ModuleType, name: str) -> ModuleType:
        """The functions of a namespace and of its extensions, on raw arrays of this level."""
        lifted = ModuleType(name)
        for key, value in vars(module).items():
            if isinstance(value, ModuleType):
                setattr(lifted, key, self._lifted_module(value, f"{name}.{key}"))
            else:
                setattr(lifted, key, self._lifted(value) if callable(value) and not isinstance(value, type) else value)
        return lifted

    def _lifted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def lifted(*args: Any, **options: Any) -> Any:
            return self.unwrap(function(*(self.tensor(arg) for arg in args), **options))

        return lifted

    def _refuse_if(self, x: Any, mask: Any, message: str) -> Any:
        """The values of all examples are looked at, not one by one."""
        below = mask.below if isinstance(mask, Wrapped) else mask
        checked = namespace.tensors.refuse_if(below, below, message)
        return x if checked is below else self._xp.where(namespace.tensors.any(checked), x, x)

    # what core asks of any backend, answered for arrays that are not raw

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(mutable=False, views=False)

    def native_dtype(self, dtype: DType) -> Any:
        return dtype

    def native(self, value: Any) -> Any:
        return value

    def dtype(self, native: Any) -> DType:
        return native  # type: ignore[no-any-return]

    def scalar(self, value: Any, aval: Aval) -> Any:
        base = aval.device.backend.intern((), aval.dtype, aval.device)
        return wrap(base.scalar(value), base)

    def tracks(self, array: Any) -> bool:
        """Whether a derivative flows through an array, at this level or below."""
        return tracked(array.below if isinstance(array, Wrapped) else array)

    def concrete(self, array: Any) -> bool:
        below = array.below if isinstance(array, Wrapped) else array
        return bool(below._aval.backend.concrete(below._array))

    def copy(self, array: Any) -> Any:
        return array

    def claim(self, array: Any) -> Any:
        return array  # arrays of a transform are never written

    def detached(self, array: Any) -> Any:
        """`array` without derivatives of any level. *Override* for arrays of its own; others are constants to it."""
        return primitives.detached(array) if isinstance(array, primitives.tensor_type) else array
