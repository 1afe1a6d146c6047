"""A stand-in for CuPy and its driver, computing with NumPy: as many devices as a test wants.

It keeps CuPy's rules, read off CuPy 14.2: an array is made on the current device, and used on no other; the host sees it
through `get` alone; NumPy's arrays and operations do not mix with it; reading a value waits for the device. It writes
down what was asked of the driver, and refuses what a test forbids. It proves nothing about GPUs.
"""

from __future__ import annotations

import builtins
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np


class Driver:
    """How many devices there are and which is current; what was asked of them, in order; what is forbidden.

    `log` has entries such as ("to host", 0, 24, "pinned") and ("wait", 1): the device comes second.
    """

    def __init__(self, count: int, error: Exception | None = None, memory: int = 1 << 40) -> None:
        self.count = count
        self.error = error
        self.memory = memory
        self.current = 0
        self.used = [0] * max(count, 1)
        self.streams: dict[int, Stream] = {}
        self.log: list[tuple[Any, ...]] = []
        self.forbidden: tuple[str, ...] = ()

    def device_count(self) -> int:
        if self.error is not None:
            raise self.error
        return self.count

    def note(self, what: str, *details: Any) -> None:
        if what in self.forbidden:
            raise AssertionError(f"a hidden {what}")
        self.log.append((what, *details))

    def noted(self, what: str) -> list[tuple[Any, ...]]:
        return [entry for entry in self.log if entry[0] == what]

    @contextmanager
    def forbidding(self, *what: str) -> Iterator[None]:
        """Inside, these raise: "wait" (the host waits for a device), "to host", "to device"."""
        before, self.forbidden = self.forbidden, what
        try:
            yield
        finally:
            self.forbidden = before

    def allocate(self, array: ndarray) -> None:
        size = array.nbytes
        if self.used[self.current] + size > self.memory:
            raise OutOfMemoryError(size, self.used[self.current])
        self.used[self.current] += size
        weakref.finalize(array, self._release, self.current, size)

    def _release(self, device: int, size: int) -> None:
        self.used[device] -= size


driver: Driver


class OutOfMemoryError(MemoryError):
    """`cupy.cuda.memory.OutOfMemoryError`."""

    def __init__(self, size: int, total: int, limit: int = 0) -> None:
        super().__init__(f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes).")


class Device:
    """`cupy.cuda.Device`: entered to make it the current one."""

    def __init__(self, number: Any = None) -> None:
        self.id = driver.current if number is None else int(getattr(number, "id", number))

    def __enter__(self) -> Device:
        assert 0 <= self.id < driver.count
        self.before, driver.current = driver.current, self.id
        return self

    def __exit__(self, *exc_info: object) -> None:
        driver.current = self.before

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self) -> int:
        return self.id

    @property
    def mem_info(self) -> tuple[int, int]:
        return driver.memory - driver.used[self.id], driver.memory

    def synchronize(self) -> None:
        driver.note("wait", self.id)


class Event:
    """`cupy.cuda.Event`, of the device that is current when it is made."""

    def __init__(self, block: bool = False, disable_timing: bool = False) -> None:
        self.device = driver.current

    def record(self, stream: Stream) -> None:
        assert stream.device == self.device == driver.current, "an event is recorded on its own device"
        driver.note("record", stream.device, stream.name)


class Stream:
    """`cupy.cuda.Stream`: current, inside a `with`, for the device that was current when it was made."""

    def __init__(self, name: str = "a stream", device: int | None = None) -> None:
        self.name = name
        self.device = driver.current if device is None else device

    def __enter__(self) -> Stream:
        self.before, driver.streams[self.device] = driver.streams.get(self.device), self
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.before is None:
            del driver.streams[self.device]
        else:
            driver.streams[self.device] = self.before

    def synchronize(self) -> None:
        driver.note("wait", self.device, self.name)

    def wait_event(self, event: Event) -> None:
        driver.note("wait for", self.device, self.name, event.device)


def current_stream(device: int = -1) -> Stream:
    number = driver.current if device < 0 else device
    return driver.streams.get(number) or Stream("null", number)


class Pinned(np.ndarray):
    """Host memory that is page-locked."""


# --- arrays ----------------------------------------------------------------------------------------------------------


class ndarray:  # noqa: N801  CuPy's name
    """An array on the device that was current when its memory was made."""

    __module__ = "cupy"
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, data: Any, number: int, base: ndarray | None = None) -> None:
        self._data = data
        self.number = number
        self.base = base

    shape = property(lambda self: self._data.shape)
    dtype = property(lambda self: self._data.dtype)
    ndim = property(lambda self: self._data.ndim)
    size = property(lambda self: self._data.size)
    nbytes = property(lambda self: self._data.nbytes)
    strides = property(lambda self: self._data.strides)
    flags = property(lambda self: self._data.flags)
    device = property(lambda self: Device(self.number))
    T = property(lambda self: _window(self, self._data.T))
    mT = property(lambda self: _window(self, self._data.mT))  # noqa: N815
    real = property(lambda self: _window(self, self._data.real))
    imag = property(lambda self: _window(self, self._data.imag))

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return launch(getattr(ufunc, method), *inputs, **options)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return launch(function, *args, **kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.number  # CUDA

    def __getitem__(self, key: Any) -> Any:
        return launch(lambda data, key: np.asarray(data[key]), self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        def assign(data: Any, key: Any, value: Any) -> None:
            data[key] = value

        launch(assign, self, key, value)

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> Any:
        driver.note("to host", self.number, self.nbytes, "pinned" if isinstance(out, Pinned) else "")
        if blocking:
            driver.note("wait", self.number)
        if out is None:
            return self._data.copy()
        assert out.shape == self.shape
        assert out.dtype == self.dtype
        np.copyto(out, self._data)
        return out

    def copy(self, order: str = "C") -> ndarray:
        """On the current device, also from another one: CuPy says so of `copy`, and of nothing else."""
        return _owned(self._data.copy(order))

    def view(self) -> ndarray:
        return _window(self, self._data)

    def tolist(self) -> Any:
        return self.get().tolist()

    def item(self) -> Any:
        return self.get().item()

    def __repr__(self) -> str:
        return repr(self.get())

    def scatter_add(self, key: Any, values: Any) -> None:
        launch(lambda data, key, values: np.add.at(data, key, values), self, key, values)


def _operator(name: str) -> Callable[..., Any]:
    return lambda self, *others, **options: launch(getattr(np.ndarray, name), self, *others, **options)


def _in_place(name: str) -> Callable[..., Any]:
    def method(self: ndarray, other: Any) -> ndarray:
        launch(getattr(np.ndarray, name), self, other)
        return self

    return method


_SYMBOLS = ["add", "and", "floordiv", "lshift", "matmul", "mod", "mul", "or", "pow", "rshift", "sub", "truediv", "xor"]
_OTHERS = ["abs", "eq", "ge", "gt", "invert", "le", "lt", "ne", "neg", "pos"]
_METHODS = [
    *("all", "any", "argmax", "argmin", "argsort", "astype", "clip", "conj", "cumsum", "dot", "fill", "max", "mean"),
    *("min", "nonzero", "prod", "ravel", "repeat", "reshape", "sort", "squeeze", "std", "sum", "swapaxes", "take"),
    *("transpose", "var"),
]
for _name in (*_SYMBOLS, *(f"r{name}" for name in _SYMBOLS), *_OTHERS):
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))
for _name in _SYMBOLS:
    setattr(ndarray, f"__i{_name}__", _in_place(f"__i{_name}__"))
for _name in _METHODS:
    setattr(ndarray, _name, _operator(_name))


def _conversion(kind: type) -> Callable[[ndarray], Any]:
    return lambda self: kind(self.get())


for _name in ("bool", "int", "float", "complex"):
    setattr(ndarray, f"__{_name}__", _conversion(getattr(builtins, _name)))


def _owned(data: Any) -> ndarray:
    made = ndarray(data, driver.current)
    driver.allocate(made)
    return made


def _window(source: ndarray, data: Any) -> ndarray:
    return ndarray(data, source.number, source if source.base is None else source.base)


def _arrays(value: Any) -> Iterator[ndarray]:
    if isinstance(value, ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _arrays(item)


def _raw(value: Any) -> Any:
    if isinstance(value, ndarray):
        return value._data
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    return type(value)(map(_raw, value)) if type(value) in (list, tuple) else value


def _wrapped(value: Any, sources: list[ndarray]) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        data = np.asarray(value)
        for source in sources:
            if data is source._data:
                return source
            if data.base is not None and np.may_share_memory(data, source._data):
                return _window(source, data)
        return _owned(data)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_wrapped(item, sources) for item in value))
    return type(value)(_wrapped(item, sources) for item in value) if isinstance(value, list | tuple) else value


def launch(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Run a function of NumPy on the current device: all arrays must be there."""
    sources = [*_arrays(args), *_arrays(list(options.values()))]
    for source in sources:
        if source.number != driver.current:
            raise ValueError(
                f"Array device must be same as the current device: array device = {source.number} while current = "
                f"{driver.current}"
            )
    if "like" in options:
        raise TypeError("like= is not taken here")
    out = options.get("out")
    raw = {name: _raw(value) for name, value in options.items()}
    with np.errstate(all="ignore"):
        result = function(*map(_raw, args), **raw)
    driver.note("launch", driver.current, current_stream().name)
    if out is not None:
        return out[0] if isinstance(out, tuple) else out
    return _wrapped(result, sources)


def array(value: Any, dtype: Any = None, copy: bool | None = True, **options: Any) -> ndarray:
    """`cupy.array`: from the host through a pinned buffer, in the order of the current stream; from anywhere, copied."""
    if isinstance(value, ndarray):
        if value.number != driver.current:
            driver.note("between", value.number, driver.current, current_stream().name)
            return _owned(value._data.astype(dtype or value.dtype))
        if not copy and dtype in (None, value.dtype):
            return value
        return launch(lambda data: data.astype(dtype or data.dtype), value)
    if any(True for _ in _arrays(value)):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")
    made = _owned(np.array(value, dtype=dtype))
    driver.note("to device", driver.current, made.nbytes, current_stream().name)
    return made


def asarray(value: Any, dtype: Any = None, **options: Any) -> ndarray:
    return array(value, dtype, copy=None)


def asnumpy(value: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True) -> Any:
    return value.get(stream, order, out, blocking)


def _creating(name: str) -> Callable[..., Any]:
    original = getattr(np, name)

    def made(*args: Any, **options: Any) -> ndarray:
        return launch(lambda *a, **o: original(*a, **o), *args, **options)

    return made


# --- random numbers, memory, pinned memory ---------------------------------------------------------------------------


class Philox4x3210:
    """`cupy.random.Philox4x3210`: its state lives on the device that was current when it was made."""

    def __init__(self, seed: Any = None, *, size: int = -1) -> None:
        sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
        number = int(sequence.generate_state(1, np.uint32)[0])  # 32 bits are all that CuPy takes of a seed
        self.device, self.source, self.size = driver.current, np.random.default_rng(number), size
        driver.note("seed", driver.current, number)


class Generator:
    """`cupy.random.Generator`."""

    def __init__(self, bits: Philox4x3210) -> None:
        self.bits = bits

    def _draw(self, name: str, *args: Any, **options: Any) -> ndarray:
        if self.bits.device != driver.current:
            raise RuntimeError("This Generator state is allocated in a different device")
        return launch(lambda: np.asarray(getattr(self.bits.source, name)(*args, **options)))

    def standard_normal(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> ndarray:
        return self._draw("standard_normal", size, dtype)

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> ndarray:
        return self._draw("random", size, dtype)

    def integers(self, low: int, high: int, size: Any = None, dtype: Any = np.int64) -> ndarray:
        return self._draw("integers", low, high, size, dtype)


def _empty_pinned(shape: Any, dtype: Any = float, order: str = "C") -> Any:
    return np.empty(shape, dtype, order).view(Pinned)


def build(made: Driver) -> dict[str, ModuleType]:
    """The modules to put into `sys.modules`."""
    global driver
    driver = made
    cupy = ModuleType("cupy")
    vars(cupy).update({name: getattr(np, name) for name in dir(np) if not name.startswith("_")})
    vars(cupy).update(
        {name: _creating(name) for name in ("zeros", "ones", "empty", "full", "arange", "linspace", "eye")}
    )
    runtime = SimpleNamespace(
        CUDARuntimeError=RuntimeError,
        getDeviceCount=driver.device_count,
        getDevice=lambda: driver.current,
        setDevice=lambda number: setattr(driver, "current", number),
    )
    memory = SimpleNamespace(OutOfMemoryError=OutOfMemoryError)
    cuda = ModuleType("cupy.cuda")
    vars(cuda).update(runtime=runtime, memory=memory, Device=Device, Event=Event, Stream=Stream, __path__=[])
    vars(cuda).update(get_current_stream=current_stream)
    device = ModuleType("cupy.cuda.device")
    vars(device).update(Device=Device)
    random = ModuleType("cupy.random")
    vars(random).update(Generator=Generator, Philox4x3210=Philox4x3210)
    pool = SimpleNamespace(
        used_bytes=lambda: driver.used[driver.current],
        total_bytes=lambda: driver.used[driver.current] + 512,
        free_all_blocks=lambda: driver.note("free", driver.current),
    )
    pinned = SimpleNamespace(free_all_blocks=lambda: driver.note("free pinned"))
    vars(cupy).update(ndarray=ndarray, array=array, asarray=asarray, asnumpy=asnumpy, cuda=cuda, random=random)
    vars(cupy).update(get_default_memory_pool=lambda: pool, get_default_pinned_memory_pool=lambda: pinned, __path__=[])
    cupyx = ModuleType("cupyx")
    vars(cupyx).update(empty_pinned=_empty_pinned, scatter_add=lambda a, key, values: a.scatter_add(key, values))
    modules = {
        "cupy": cupy,
        "cupyx": cupyx,
        "cupy.cuda": cuda,
        "cupy.cuda.device": device,
        "cupy.random": random,
        "cupy.linalg": np.linalg,
        "cupy.fft": np.fft,
    }
    for name, module in modules.items():
        if module.__name__ == name:
            module.__spec__ = ModuleSpec(name, None)
    return modules
