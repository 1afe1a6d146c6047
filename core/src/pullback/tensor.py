"""Tensor: an array and its place in the graph."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterator
from numbers import Number
from typing import TYPE_CHECKING, Any

from pullback import copying, dtypes, hooks, inplace
from pullback.autograd import passes
from pullback.aval import Aval
from pullback.devices import Device
from pullback.dtypes import DType
from pullback.errors import AutogradError, DTypeError, ShapeError
from pullback.grad_fn import GradFn
from pullback.graph import Leaf, is_node
from pullback.inplace import operator_in_place
from pullback.methods import Methods
from pullback.namespace import namespace
from pullback.operators import binary_operator, refuse_array
from pullback.ops import elementwise_functions as ew
from pullback.ops.creation_functions import asarray, zeros_like
from pullback.ops.indexing_functions import getitem
from pullback.ops.linear_algebra_functions import matmul
from pullback.ops.manipulation_functions import matrix_transpose, permute_dims, unstack
from pullback.primitive import Step, detached, register_tensor, view
from pullback.printing import format_scalar, format_tensor

DETACH = Step(get=detached, put=lambda base, value: value)
"""The step from a Tensor to its values without history."""


_NO_GRADIENT_IN_NUMPY = (
    "numpy.asarray: this Tensor requires grad, and a NumPy array would lose the gradient; write .detach() where that is "
    "meant. SciPy hands Tensors on as they are if SCIPY_ARRAY_API=1 is set in the environment before it is imported, "
    "scikit-learn if array_api_dispatch=True is set too; functions of scipy.special need a plugin: pip install "
    "pullback-special. Some functions always convert: docs/consumers.md lists which"
)


class Tensor(Methods):
    """An array of some backend, and where in the graph it came from.

    Made by `pb.tensor`, `pb.asarray` and the other creation functions, and by every operation on Tensors. It follows
    the array object of the Array API standard (2025.12), and has PyTorch's names for autograd. `Tensor(data)` is the
    old spelling of `pb.tensor(data, dtype=pb.float32)`.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = (
        "__weakref__",
        "_array",
        "_aval",
        "_extra",
        "_node",
        "_writes",
    )  # the last two are set when first needed

    __array_priority__ = 1000
    __array_ufunc__ = None  # so that NumPy's operators hand over to __radd__ and its like
    __hash__ = object.__hash__

    _array: Any
    _aval: Aval
    _node: Any

    def __init__(self, data: Any = ()) -> None:
        made = asarray(data, dtype=dtypes.float32)
        self._array, self._aval, self._node = made._array, made._aval, made._node

    # --- what it is --------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self._aval.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._aval.ndim

    @property
    def size(self) -> int:
        """Number of elements. (PyTorch's `size()` is `shape` here, as the standard has it.)"""
        return self._aval.size

    @property
    def dtype(self) -> DType:
        """Data type, one object for all backends."""
        return self._aval.dtype

    @property
    def device(self) -> Device:
        """Backend and device that hold the data."""
        return self._aval.device

    @property
    def T(self) -> Tensor:  # noqa: N802  the standard's name
        """The axes in reverse order."""
        return permute_dims(self, tuple(reversed(range(self.ndim))))

    @property
    def mT(self) -> Tensor:  # noqa: N802  the standard's name
        """The last two axes exchanged."""
        return matrix_transpose(self)

    @property
    def real(self) -> Tensor:
        """Real part."""
        return ew.real(self)

    @property
    def imag(self) -> Tensor:
        """Imaginary part; of real numbers, zeros."""
        return ew.imag(self) if self.dtype.is_complex else zeros_like(self)

    # --- its place in the graph --------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it. May be set on leaves."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Start or stop recording operations on this leaf; returns it."""
        if requires_grad:
            if not self._aval.differentiable:
                raise DTypeError(
                    f"requires_grad: only floating and complex Tensors can require gradients, this one is "
                    f"{self.dtype.name}; convert it with .astype(pb.float32)"
                )
            if self._node is None:
                self._array = self._aval.backend.hold(self._array, written=False)
                self._node = Leaf(self._aval)
                self._node.revived = True
                self._node.grad = getattr(self, "_extra", {}).pop("grad", None)
        elif is_node(self._node):
            raise AutogradError(
                "requires_grad can be switched off on leaves only; use .detach() for a Tensor without history"
            )
        elif self._node is not None:
            self._extras()["grad"] = self._node.grad
            self._node = None
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it has no history: made by the user, or not requiring grad."""
        return not is_node(self._node)

    @property
    def grad_fn(self) -> Any:
        """The node of the graph that computed it, or None."""
        return GradFn(self._node) if is_node(self._node) else None

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward passes have added up here, or None."""
        node = self._node
        if type(node) is Leaf:
            grad: Tensor | None = node.grad
            return grad
        if is_node(node) and not self.retains_grad:
            warnings.warn(
                "the .grad of a Tensor that is not a leaf is not kept; call .retain_grad() before the backward pass",
                UserWarning,
                stacklevel=2,
            )
            return None
        return self._extras().get("grad")

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: a Tensor or None is needed, got {type(value).__name__}")
            if value._aval is not self._aval and (value.shape, value.dtype, value.device) != (
                self.shape,
                self.dtype,
                self.device,
            ):
                raise AutogradError(f"grad: {value._aval} was assigned to a Tensor that is {self._aval}")
        node = self._node
        if type(node) is Leaf:
            node.grad = value
        else:
            self._extras()["grad"] = value

    @property
    def _version(self) -> int:
        """How often its memory was written in place, directly or through views."""
        try:
            return int(inplace.root_of(self)._writes)
        except AttributeError:
            return 0

    def _extras(self) -> dict[str, Any]:
        try:
            return self._extra
        except AttributeError:
            self._extra: dict[str, Any] = {}
            return self._extra

    def backward(
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
    ) -> None:
        """Add the gradient of this Tensor to the `.grad` of the leaves that it was computed from.

        `gradient`: the cotangent, of its shape and dtype; it may be left out for one real element. The rest is as in
        `pb.autograd.backward`.
        """
        passes.backward(self, gradient, retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        """Keep the gradient that passes here in `.grad`, also though this Tensor is no leaf.

        After `x *= 2` it is the gradient of the new `x`, also where this was called before. Raises `AutogradError` if it
        does not require grad. On a leaf it changes nothing.

        >>> import pullback as pb
        >>> y = pb.tensor(3.0, requires_grad=True) * 2
        >>> y.retain_grad()
        >>> (y * y).backward()
        >>> y.grad
        tensor(12.)
        """
        hooks.retain_grad(self)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this Tensor, which is no leaf."""
        return is_node(self._node) and "grad" in getattr(self, "_extra", ())

    def register_hook(self, hook: Any) -> hooks.Handle:
        """Call `hook(cotangent)` in each pass, when the gradient of this Tensor is known.

        A Tensor that the hook returns replaces it, and must be of the same shape, dtype and device
        (`CotangentError`). Returns a handle with `remove()`. Raises `AutogradError` if this Tensor does not require grad.

        A hook stays with the value that this Tensor has now: after `x *= 2` it is given the gradient of the old `x`, and
        one registered then that of the new `x`. (A write that is not recorded makes no new value.) This holds for views
        too, whose old value PyTorch passes by.

        >>> import pullback as pb
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = x.register_hook(lambda ct: -ct)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([-2., -4.])
        >>> handle.remove()
        """
        return hooks.register_tensor_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook: Any) -> hooks.Handle:
        """Call `hook(self)` each time after a pass has added to `.grad`. For leaves only (`AutogradError`).

        By then the pass is through: an error that the hook raises leaves the new `.grad` where it is.

        >>> import pullback as pb
        >>> x = pb.tensor(3.0, requires_grad=True)
        >>> def step(x):
        ...     with pb.no_grad():
        ...         x -= 0.5 * x.grad
        ...     x.grad = None
        >>> handle = x.register_post_accumulate_grad_hook(step)
        >>> (x * x).backward()
        >>> x
        tensor(0., requires_grad=True)
        """
        return hooks.register_post_accumulate(self, hook)

    def detach(self) -> Tensor:
        """The same values without history. Writing to either writes to both."""
        return view(self, detached(self), DETACH)

    def detach_(self) -> Tensor:
        """Forget the history of this Tensor, which is no view; returns it."""
        if inplace.is_view(self):
            raise AutogradError("detach_(): a view takes its history from the Tensor that it shows; write .detach()")
        self._node = None
        return self

    @property
    def data(self) -> Tensor:
        """The values without history, as `detach()`. Assigning replaces the values and keeps the Tensor a leaf."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        inplace.set_data(self, value)

    # --- operators ---------------------------------------------------------------------------------------------------

    if TYPE_CHECKING:  # made by binary_operator below, from the declarations of the primitives

        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __rand__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __ror__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __rxor__(self, other: Any) -> Tensor: ...
        def __lshift__(self, other: Any) -> Tensor: ...
        def __rlshift__(self, other: Any) -> Tensor: ...
        def __rshift__(self, other: Any) -> Tensor: ...
        def __rrshift__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __iadd__(self, other: Any) -> Tensor: ...
        def __isub__(self, other: Any) -> Tensor: ...
        def __imul__(self, other: Any) -> Tensor: ...
        def __itruediv__(self, other: Any) -> Tensor: ...
        def __ifloordiv__(self, other: Any) -> Tensor: ...
        def __imod__(self, other: Any) -> Tensor: ...
        def __ipow__(self, other: Any) -> Tensor: ...
        def __iand__(self, other: Any) -> Tensor: ...
        def __ior__(self, other: Any) -> Tensor: ...
        def __ixor__(self, other: Any) -> Tensor: ...
        def __ilshift__(self, other: Any) -> Tensor: ...
        def __irshift__(self, other: Any) -> Tensor: ...

    def __neg__(self) -> Tensor:
        return ew.negative(self)

    def __pos__(self) -> Tensor:
        return ew.positive(self)

    def __abs__(self) -> Tensor:
        return ew.abs(self)

    def __invert__(self) -> Tensor:
        return ew.bitwise_invert(self)

    def __pow__(self, other: Any) -> Any:
        if type(other) is int and other in ew.powers and self._aval.differentiable:
            return ew.powers[other](self)
        if as_operand(other) is not None:
            return ew.power(self, other)
        return refuse_array("pow", other)

    def __rpow__(self, other: Any) -> Any:
        if as_operand(other) is not None:
            return ew.pow(other, self)
        return refuse_array("pow", other)

    def __matmul__(self, other: Any) -> Tensor:
        return matmul(self, other) if isinstance(other, Tensor) else refuse_array("matmul", other)

    def __rmatmul__(self, other: Any) -> Any:
        return matmul(other, self) if isinstance(other, Tensor) else refuse_array("matmul", other)

    def __imatmul__(self, other: Any) -> Tensor:
        if not isinstance(other, Tensor):
            return NotImplemented
        return inplace.overwrite(self, "matmul in place", lambda: matmul(self, other))

    def __getitem__(self, key: Any) -> Tensor:
        return getitem(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        inplace.setitem(self, key, value)

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("a 0-d Tensor cannot be iterated over")
        return iter(unstack(self))

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("a 0-d Tensor has no length")
        return self.shape[0]

    # --- leaving the graph -------------------------------------------------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        made: Tensor = copying.deepcopy(self, memo)
        return made

    def __copy__(self) -> Tensor:
        made: Tensor = copying.shallow(self)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return copying.reduce(self)

    def item(self) -> Any:
        """The only element as a Python number."""
        if self._aval.size != 1:
            raise ShapeError(f"item: a Tensor of one element is needed, this one has shape {self.shape}")
        value = self._aval.backend.tolist(self._array)
        while isinstance(value, list):
            value = value[0]
        return value

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(f"the truth value of a Tensor of shape {self.shape} is ambiguous; use .any() or .all()")
        return bool(self.item())

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __complex__(self) -> complex:
        return complex(self._number())

    def _number(self) -> Any:
        """The element, for whoever asks for a Python number without saying so, as `math.sin` does."""
        if self._node is not None:
            warnings.warn(
                "a Tensor that requires grad was converted to a Python number, and its gradient ends there; write "
                ".item() or .detach() where that is meant",
                UserWarning,
                stacklevel=3,
            )
        return self.item()

    def __index__(self) -> int:
        if self.dtype.kind not in ("signed integer", "unsigned integer"):
            raise TypeError(f"only integer Tensors can be used as an index, this one is {self.dtype.name}")
        return int(self.item())

    def tolist(self) -> Any:
        """The values as nested Python lists, or a Python number if 0-d."""
        return self._aval.backend.tolist(self._array)

    def numpy(self) -> Any:
        """The values as a NumPy array: of a Tensor on the host a read-only window on its memory, else an error.

        Raises `AutogradError` if it requires grad: write `.detach().numpy()`. To bring it to the host: `.to("cpu")`.
        """
        if self._node is not None:
            raise AutogradError("numpy(): this Tensor requires grad; write .detach().numpy() for its values")
        backend = self._aval.backend
        if "cpu" not in backend.device_types:
            raise AutogradError(
                f"numpy(): this Tensor is on {self.device}; nothing is moved silently, write .to('cpu').numpy()"
            )
        return backend.window(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self._node is not None:
            raise AutogradError(_NO_GRADIENT_IN_NUMPY)
        out = self.numpy()
        if dtype is not None and out.dtype != dtype:
            if copy is False:
                raise ValueError(f"__array__: {self.dtype.name} to {dtype} takes a copy, and copy=False was asked for")
            return out.astype(dtype)
        return out.copy() if copy else out

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        return namespace(self._aval.device.backend, api_version)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        if self._node is not None:
            raise BufferError("a Tensor that requires grad cannot be exported; write .detach()")
        options = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        given = {name: value for name, value in options.items() if value is not None}
        return self._aval.backend.to_array(self._array).__dlpack__(**given)

    def __dlpack_device__(self) -> Any:
        return self._aval.backend.to_array(self._array).__dlpack_device__()

    def __repr__(self) -> str:
        return format_tensor(self)

    def __format__(self, spec: str) -> str:
        if self.ndim == 0:
            return format(self.item(), spec) if spec else format_scalar(self)
        return object.__format__(self, spec)


def as_operand(value: Any) -> Any:
    """A foreign operand that is a number (also a NumPy scalar) as a Python number, else None."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Number):
        return value.item() if hasattr(value, "item") else value
    if hasattr(value, "dtype") and hasattr(value, "item") and not hasattr(value, "__setitem__"):
        return value.item()  # NumPy's own bool, which Python does not call a number
    return None


register_tensor(Tensor, as_operand)

_ARITHMETIC = {
    "add": (ew.add, "+", operator.iadd),
    "sub": (ew.subtract, "-", operator.isub),
    "mul": (ew.multiply, "*", operator.imul),
    "truediv": (ew.divide, "/", operator.itruediv),
    "floordiv": (ew.floor_divide, "//", operator.ifloordiv),
    "mod": (ew.remainder, "%", operator.imod),
}
_DISCRETE = {
    "and": (ew.bitwise_and, operator.iand),
    "or": (ew.bitwise_or, operator.ior),
    "xor": (ew.bitwise_xor, operator.ixor),
    "lshift": (ew.bitwise_left_shift, operator.ilshift),
    "rshift": (ew.bitwise_right_shift, operator.irshift),
    "eq": (ew.equal, None),
    "ne": (ew.not_equal, None),
    "lt": (ew.less, None),
    "le": (ew.less_equal, None),
    "gt": (ew.greater, None),
    "ge": (ew.greater_equal, None),
}


def _method(function: Any) -> Any:
    def method(self: Tensor, other: Any) -> Any:
        if isinstance(other, (Tensor, float, int)) or as_operand(other) is not None:
            return function(self, other)
        return refuse_array(function.primitive.name, other)

    return method


def _reflected(function: Any) -> Any:
    def method(self: Tensor, other: Any) -> Any:
        if as_operand(other) is not None:
            return function(other, self)
        return refuse_array(function.primitive.name, other)

    return method


def _add_operators() -> None:
    for number, (name, (function, symbol, raw)) in enumerate(_ARITHMETIC.items()):
        method, reflected = binary_operator(function.primitive, symbol, number)
        setattr(Tensor, f"__{name}__", method)
        setattr(Tensor, f"__r{name}__", reflected)
        setattr(Tensor, f"__i{name}__", operator_in_place(function, raw, function.primitive.operator))
    for name, (function, in_place) in _DISCRETE.items():
        setattr(Tensor, f"__{name}__", _method(function))
        if in_place is not None:
            setattr(Tensor, f"__r{name}__", _reflected(function))
            setattr(Tensor, f"__i{name}__", operator_in_place(function, in_place, function.primitive.operator))
    Tensor.__ipow__ = operator_in_place(ew.power, operator.ipow, operator.pow)  # type: ignore[method-assign]


_add_operators()
