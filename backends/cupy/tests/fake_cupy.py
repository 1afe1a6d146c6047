"""A stand-in for CuPy and its driver, computing with NumPy: as many devices as a test wants, and no way to the host but
`get`. It proves nothing about GPUs; it shows what the backend asks of CuPy.
"""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np


class Driver:
    """How many devices there are, which one is current, and the error that every question is answered with."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count = count
        self.error = error
        self.current = 0
        self.synchronized: list[int] = []

    def device_count(self) -> int:
        if self.error is not None:
            raise self.error
        return self.count


class Device:
    """`cupy.cuda.Device`: entered to make it the current one."""

    driver: Driver

    def __init__(self, number: int | None = None) -> None:
        self.id = self.driver.current if number is None else int(number)

    def __enter__(self) -> Device:
        assert 0 <= self.id < self.driver.count
        self.before, self.driver.current = self.driver.current, self.id
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.driver.current = self.before


class ndarray(np.ndarray):  # noqa: N801  CuPy's name
    """An array on the device that was current when its memory was made."""

    def __array_finalize__(self, source: Any) -> None:
        self.number = getattr(source, "number", None) if self.base is not None else None
        if self.number is None:
            self.number = Device.driver.current

    @property
    def device(self) -> Device:
        return Device(self.number)

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array is not allowed")

    def get(self) -> Any:
        return np.ndarray.view(self, np.ndarray).copy()


def _array(value: Any, dtype: Any = None, copy: bool = True, **options: Any) -> Any:
    source = np.ndarray.view(value, np.ndarray) if isinstance(value, np.ndarray) else value
    made = np.array(source, dtype=dtype, copy=True).view(ndarray)
    made.number = Device.driver.current
    return made


def _wrapped(name: str) -> Any:
    original = getattr(np, name)
    return lambda *args, **options: _array(original(*args, **options))


def build(driver: Driver) -> dict[str, ModuleType]:
    """The modules to put into `sys.modules`."""
    Device.driver = driver
    cupy = ModuleType("cupy")
    vars(cupy).update({name: getattr(np, name) for name in dir(np) if not name.startswith("_")})
    vars(cupy).update(
        {name: _wrapped(name) for name in ("zeros", "ones", "empty", "full", "arange", "linspace", "eye")}
    )
    runtime = SimpleNamespace(getDeviceCount=driver.device_count, getDevice=lambda: driver.current)
    stream = SimpleNamespace(synchronize=lambda: driver.synchronized.append(driver.current))
    cuda = ModuleType("cupy.cuda")
    vars(cuda).update(runtime=runtime, Device=Device, get_current_stream=lambda: stream, __path__=[])
    device = ModuleType("cupy.cuda.device")
    vars(device).update(Device=Device)
    vars(cupy).update(
        ndarray=ndarray,
        array=_array,
        asarray=lambda value, dtype=None, **options: (
            value if type(value) is ndarray and dtype is None else _array(value, dtype)
        ),
        asnumpy=lambda value: value.get(),
        cuda=cuda,
        __path__=[],
    )
    modules = {
        "cupy": cupy,
        "cupy.cuda": cuda,
        "cupy.cuda.device": device,
        "cupy.linalg": np.linalg,
        "cupy.fft": np.fft,
    }
    for name, module in modules.items():
        if module.__name__ == name:
            module.__spec__ = ModuleSpec(name, None)
    return modules
