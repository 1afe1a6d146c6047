"""Backend: the one small class that an array library needs in order to be differentiated.

A subclass must say where the library is (`import_namespace`), which types are its arrays (`array_types`) and how its
arrays reach the host (`to_host`, `from_host`). Everything else has a default written in the standard alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial
from operator import attrgetter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullback import extras
from pullback.aval import Aval
from pullback.devices import Device
from pullback.dtypes import DTYPES, DType
from pullback.errors import BackendNotFoundError, BackendUnavailableError, DTypeError, NoDerivativeError
from pullback.kernels import choose

if TYPE_CHECKING:
    from pullback.primitive import Primitive

API = (1, 0)
"""Generation and revision of this interface. A backend of another generation is refused before it is used."""

_INTERNED_LIMIT = 1 << 16
_NOTHING: AbstractContextManager[Any] = nullcontext()
surroundings: Final[list[Callable[[], AbstractContextManager[Any]]]] = []
"""Contexts for every reverse pass, see `Backend.surround_passes`."""


class Capabilities(NamedTuple):
    """What a backend can do. Checks are skipped, and errors worded, by these and nothing else."""

    mutable: bool = True
    views: bool = True
    lazy: bool = False
    boolean_indexing: bool = True
    data_dependent_shapes: bool = True
    float64: bool = True
    complex: bool = True
    linalg: bool = True
    fft: bool = True
    dlpack: bool = True
    random: bool = True
    max_dimensions: int | None = None


class Availability(NamedTuple):
    """Whether a backend can run here; if not, why (the driver's own words) and what to do."""

    ok: bool = True
    reason: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        return "usable" if self.ok else f"{self.reason}. {self.remedy}".removesuffix(". ")


class Backend:
    """Base class of every backend. Methods marked *override* have no default that fits every library.

    >>> import pullback as pb
    >>> [b for b in pb.backends() if b == "numpy"]
    ['numpy']
    """

    name: str = ""
    api: tuple[int, int] = API
    extra: str = ""
    """The extra of `pullback` that installs the library, for error messages."""
    device_types: tuple[str, ...] = ()
    """What its device strings start with, besides the backend's own name: `("cpu",)`, `("cuda",)`."""
    default_candidate: bool = True
    """Whether it may become the default device when nobody chose one (a test rig may not)."""
    plain_operators: bool = True
    """Whether `a * b` on two raw arrays of one dtype and device is all that multiplying them takes."""
    level: int = 0
    """0 for array libraries. A transform (forward mode, vmap) is a backend one level above what it transforms."""

    def __init__(self) -> None:
        self._avals: dict[Any, Aval] = {}
        self._devices: dict[Any, Device] = {}
        self.kernels_of: dict[Any, Callable[..., Any]] = {}  # primitive -> what `kernel` found

    # --- what a backend must say -------------------------------------------------------------------------------------

    def import_namespace(self) -> ModuleType:
        """Import the library and return its Array API namespace. *Override.*"""
        raise NotImplementedError

    @property
    def array_types(self) -> tuple[type, ...]:
        """The types of its raw arrays. *Override.*"""
        raise NotImplementedError

    def to_host(self, array: Any) -> Any:
        """`array` as a NumPy array that shares no memory with it. *Override.*"""
        raise NotImplementedError

    def from_host(self, array: Any, device: Any) -> Any:
        """A NumPy array (or anything with a buffer) as a raw array on the native `device`, sharing no memory."""
        return self.namespace.asarray(array, device=device, copy=True)

    def owns(self, module: str) -> bool:
        """Whether arrays of a type from this top-level module may be its own: asked before the library is imported."""
        return module == self.name

    # --- what it may say better --------------------------------------------------------------------------------------

    def available(self) -> Availability:
        """Whether it can run here. Must not raise, and must not need the library to be importable."""
        try:
            self.namespace  # noqa: B018  the import is the question
        except Exception as error:  # noqa: BLE001  native libraries fail to import in every way there is
            remedy = f"pip install 'pullback[{self.extra}]'" if self.extra else "install its array library"
            return Availability(False, f"{type(error).__name__}: {error}", remedy)
        return Availability()

    @property
    def capabilities(self) -> Capabilities:
        """What it can do on this machine."""
        return Capabilities()

    def kernels(self) -> dict[str, Any]:
        """Replacements for functions of the namespace, by name: same signature, same result, faster or corrected."""
        return {}

    def native_dtype(self, dtype: DType) -> Any:
        """The library's own object for `dtype`."""
        try:
            return getattr(self.namespace, dtype.name)
        except AttributeError:
            raise DTypeError(f"backend {self.name!r} has no dtype {dtype.name}") from None

    def native(self, value: Any) -> Any:
        """A parameter of an op as the library takes it: dtypes and devices become its own objects."""
        if isinstance(value, DType):
            return self.native_dtype(value)
        return value.native if isinstance(value, Device) else value

    def native_device(self, array: Any) -> Any:
        """The library's own object for the device that `array` is on."""
        return array.device

    def default_native_device(self) -> Any:
        """The library's own default device."""
        return self.namespace.__array_namespace_info__().default_device()

    def native_devices(self) -> Sequence[Any]:
        """The library's own objects for all its devices."""
        return tuple(d for d in self.namespace.__array_namespace_info__().devices() if d is not None)

    def device_name(self, native: Any) -> str:
        """What a user types for the native device; `parse_device` must read it back."""
        return self.name if native == self.default_native_device() else f"{self.name}:{native}"

    def parse_device(self, text: str) -> Any:
        """The native device that a user means by `text`; `BackendNotFoundError` if there is none."""
        if text == self.name or text in self.device_types:
            return self.default_native_device()
        names = []
        for native in self.native_devices():
            names.append(self.device_name(native))
            if text in (names[-1], f"{self.name}:{native}"):
                return native
        raise BackendNotFoundError(f"backend {self.name!r} has no device {text!r}; it has {', '.join(names)}")

    def scalar(self, value: Any, aval: Aval) -> Any:
        """A Python number as a raw 0-d array of the dtype and device of `aval`."""
        return self.namespace.asarray(value, dtype=self.native_dtype(aval.dtype), device=aval.device.native)

    def copy(self, array: Any) -> Any:
        """A copy of `array` that shares no memory with it."""
        return self.namespace.asarray(array, copy=True)

    def adopt(self, array: Any, *, copy: bool) -> Any:
        """An array of the user's, to be held by a Tensor."""
        return self.copy(array) if copy else array

    def settle(self, array: Any) -> Any:
        """A new array in the form in which this backend computes fastest."""
        return array

    def move(self, array: Any, device: Any) -> Any:
        """`array` on another native device of this backend."""
        return array.to_device(device)

    def claim(self, array: Any) -> Any:
        """`array` as one that nobody else can see or write: itself where that is certain, else a copy.

        The caller holds it in one container and one local variable.
        """
        return self.copy(array)

    def unshared(self, array: Any, holders: int = 1) -> bool:
        """Whether it is certain that so many Tensors (or containers) and one variable of the caller hold `array`."""
        return False

    def hold(self, array: Any, *, written: bool) -> Any:
        """The new value of a parameter: a leaf that requires grad was written, or else made, in a step of some loop.

        Here, and nowhere else unasked, a lazy backend may compute: what it has built would grow with every step.
        """
        return array

    def storage(self, array: Any) -> Any:
        """The object that owns the memory of `array`."""
        return array

    def alias(self, array: Any) -> Any:
        """`array`, or a window on its memory, such that `writable` says no to it."""
        return array

    def writable(self, array: Any) -> bool:
        """Whether the memory of `array` may be written directly: the library allows it, and nobody else owns it.

        Such an array is its own `storage`.
        """
        return False

    def window(self, array: Any) -> Any:
        """A NumPy array that shows `array` and cannot be written. For backends whose device is "cpu"."""
        return self.to_host(array)

    def write(self, array: Any, key: Any, value: Any) -> Any:
        """`array[key] = value`, in its memory if the library can; returns the array that now holds the result."""
        out = array if self.capabilities.mutable else self.copy(array)
        out[key] = value
        return out

    def to_array(self, array: Any) -> Any:
        """What leaves pullback: always an array of the library, never a scalar type."""
        return array

    def tolist(self, array: Any) -> Any:
        """The values as nested Python lists, or as a Python number if 0-d."""
        return self.to_host(array).tolist()

    def concrete(self, array: Any) -> bool:
        """Whether `array` has one value per element; the batches of vmap have many."""
        return True

    def generator(self, seed: int | None) -> Any:
        """A random generator with `normal(shape, native_dtype, native_device)`, `uniform` and `integers`."""
        raise BackendUnavailableError(
            f"backend {self.name!r} has no random generator; draw elsewhere and move: "
            f"pb.randn(..., device='cpu').to({self.name!r})"
        )

    def quiet(self) -> AbstractContextManager[Any]:
        """A context in which arithmetic does not warn: rules multiply and divide where forward did not."""
        return _NOTHING

    def synchronize(self, device: Any) -> None:
        """Wait until everything queued on the native `device` has run."""

    def describe(self, array: Any) -> str:
        """What a Tensor prints where printing values would compute or move something."""
        return f"<{self.name} array>"

    def default_dtype(self, device: Any = None, kind: str = "real floating") -> DType:
        """The dtype of Python numbers of a kind in the namespace of this backend, on a native device.

        The kinds are the standard's: "real floating", "complex floating", "integral", and "indexing" for positions.
        """
        return self.dtype(self._default_native(kind, device))

    def _default_native(self, kind: str, device: Any) -> Any:
        where = self.default_native_device() if device is None else device
        return self.namespace.__array_namespace_info__().default_dtypes(device=where)[kind]

    def supports(self, dtype: DType, device: Any) -> bool:
        """Whether arrays on the native device can have this dtype."""
        return dtype.name in self.namespace.__array_namespace_info__().dtypes(device=device)

    def materialize(self, *arrays: Any) -> tuple[Any, ...]:
        """Lazy arrays with their values computed, all in one go: what `pb.compute` calls where `capabilities.lazy`.

        As many arrays of this backend as it was given, in their order, each of the same shape, dtype and device. The
        default is for libraries that compute at once.
        """
        return arrays

    # --- what core builds on it --------------------------------------------------------------------------------------

    @cached_property
    def namespace(self) -> ModuleType:
        """The library's namespace, imported on first use."""
        return self.import_namespace()

    @cached_property
    def xp(self) -> ModuleType:
        """What rules compute with: the library's namespace, this backend's kernels, and the functions of `extras`."""
        xp = ModuleType(f"pullback.xp.{self.name}")
        namespace = self.namespace
        for name in {*dir(namespace), "fft", "linalg"}:  # the extensions may be loaded on demand
            if not name.startswith("_") and hasattr(namespace, name):
                setattr(xp, name, getattr(namespace, name))
        vars(xp).update(extras.bind(xp, writable=self.capabilities.mutable))
        if self.capabilities.lazy:
            xp.refuse_if = _unasked  # type: ignore[attr-defined]
        vars(xp).update(self.kernels())
        xp.call = self._call  # type: ignore[attr-defined]
        xp.device = self.native_device  # type: ignore[attr-defined]
        return xp

    def _call(self, op: Any, *operands: Any, **params: Any) -> Any:
        """`xp.call`: an op of a plugin on what a rule computes with, here raw arrays."""
        return self.kernel(op.primitive)(*operands, **params)

    def kernel(self, primitive: Primitive) -> Callable[..., Any]:
        """The function that computes `primitive` on raw arrays."""
        kernel = self.kernels_of.get(primitive)
        if kernel is None:
            kernel = self.kernels_of[primitive] = self.find_kernel(primitive)
        return kernel

    def find_kernel(self, primitive: Primitive) -> Callable[..., Any]:
        """Look up what `kernel` remembers: the primitive's own forward, or a function of the namespace."""
        if callable(primitive.forward):
            return choose(primitive, self, partial(primitive.forward, self.xp))
        try:
            function: Callable[..., Any] = attrgetter(primitive.forward or primitive.name)(self.xp)
        except AttributeError:
            raise NoDerivativeError(f"{primitive.name}: backend {self.name!r} has no such function") from None
        return function

    def placed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """`function`, the pullback called `name` over raw arrays, as this library needs it run: where its arrays are."""
        return function

    def surround_passes(self, context: Callable[[], AbstractContextManager[Any]]) -> None:
        """Enter `context()` around every reverse pass from now on: for pullbacks that change something of the thread."""
        surroundings.append(context)

    def fitted(self, name: str, *avals: Aval) -> Callable[..., Any]:
        """The function `name` of `xp` for arrays of these avals alone: what depends on them may be decided here."""
        function: Callable[..., Any] = getattr(self.xp, name)
        return function

    @cached_property
    def dtypes(self) -> dict[Any, DType]:
        """pullback's object for each native dtype."""
        found: dict[Any, DType] = {}
        for dtype in DTYPES.values():
            try:
                found[self.native_dtype(dtype)] = dtype
            except DTypeError:
                continue
        return found

    def dtype(self, native: Any) -> DType:
        """pullback's object for a native dtype."""
        try:
            return self.dtypes[native]
        except KeyError:
            raise DTypeError(f"backend {self.name!r}: arrays of dtype {native} are not supported") from None

    def device(self, native: Any) -> Device:
        """pullback's object for a native device."""
        device = self._devices.get(native)
        if device is None:
            device = self._devices[native] = Device(self, native, self.device_name(native))
        return device

    def aval(self, array: Any) -> Aval:
        """The aval of a raw array."""
        native = self.native_device(array)
        key = (array.shape, array.dtype, native)
        aval = self._avals.get(key)
        if aval is None:
            aval = self.intern(tuple(array.shape), self.dtype(array.dtype), self.device(native))
            if aval.known:
                self._avals[key] = aval
        return aval

    def intern(self, shape: tuple[int, ...], dtype: DType, device: Device) -> Aval:
        """The one aval of this shape, dtype and device."""
        key = (shape, dtype, device)
        aval = self._avals.get(key)
        if aval is None:
            if len(self._avals) >= _INTERNED_LIMIT:
                self._avals.clear()  # avals that are still in use stay right; only `is` between old and new is lost
            aval = Aval(shape, dtype, device, self)
            if aval.known:
                self._avals[key] = aval
        return aval

    def __repr__(self) -> str:
        return f"<backend {self.name}>"


def _unasked(x: Any, _mask: Any, _message: str) -> Any:
    """`xp.refuse_if` of a lazy backend without a kernel for it: it does not know the values of the mask."""
    return x


def known_device_names(backends: Iterable[Backend]) -> list[str]:
    """Every device that the given backends offer, as a user would type it."""
    return [b.device_name(native) for b in backends for native in b.native_devices()]
