"""Running functions of CuPy where their arrays are.

CuPy computes on the current device of the thread, whatever its arrays are on, and refuses arrays of another one. So with
several GPUs every op is run on the device of its operands; with one there is nothing to ask. Streams are left as they
are: CuPy keeps a current stream per device, and all work goes there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import Any

from pullback_cupy.memory import explained


class Placing:
    """The devices of one CuPy, and what runs there."""

    def __init__(self, cupy: Any) -> None:
        self.cupy = cupy
        self.on: Any = cupy.cuda.Device
        self.current: Callable[[], int] = cupy.cuda.runtime.getDevice
        self.several = cupy.cuda.runtime.getDeviceCount() > 1
        self._exhausted = cupy.cuda.memory.OutOfMemoryError

    def running(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """`function` on the device of its arrays; afterwards the current device is as before."""
        run = self._explaining(function, name)
        if not self.several:
            return run

        def there(*operands: Any, **params: Any) -> Any:
            number = self.number(operands)
            if number is None or number == self.current():
                return run(*operands, **params)
            with self.on(number):
                return run(*operands, **params)

        return there

    def moving(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """The same, but the device stays the current one: what is done with the results, the caller does there too."""
        run = self._explaining(function, name)
        if not self.several:
            return run

        def there(*operands: Any) -> Any:
            number = self.number(operands)
            if number is not None and number != self.current():
                self.cupy.cuda.runtime.setDevice(number)
            return run(*operands)

        return there

    @contextmanager
    def kept(self) -> Any:
        """A context after which the current device is as before."""
        number = self.current()
        try:
            yield
        finally:
            if self.current() != number:
                self.cupy.cuda.runtime.setDevice(number)

    def number(self, operands: Iterable[Any]) -> int | None:
        """The device of the first array among some operands, in lists and among cotangents too; None without one."""
        ndarray = self.cupy.ndarray
        for operand in operands:
            if isinstance(operand, ndarray):
                return int(operand.device.id)
            if isinstance(operand, list | tuple):
                found = self.number(operand)
            elif hasattr(operand, "parts"):  # the cotangents of an op with several results
                found = self.number(operand.parts.values())
            else:
                continue
            if found is not None:
                return found
        return None

    def _explaining(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def run(*operands: Any, **params: Any) -> Any:
            try:
                return function(*operands, **params)
            except self._exhausted as error:
                raise explained(self.cupy, name, error) from error

        return run
