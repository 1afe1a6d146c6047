"""Who computes the values: SciPy on NumPy's arrays, cupyx on CuPy's, and SciPy for every other library on the host.

`forward=library("erf")` is the kernel of an op. The result has the dtype and the device of the operands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final

from pullback.extend import NoDerivativeError, PullbackError

Kernel = Callable[..., Any]
_ON_HOST: Final = 1
"""What DLPack calls the memory of the CPU."""


class NoKernelError(PullbackError, NotImplementedError):
    """The library of the operands does not compute this function."""


def library(name: str, *, whole: int | None = None) -> Kernel:
    """The function of this name of `scipy.special`, or of its like in the library of the operands.

    `whole` is the position of an operand that SciPy wants as integers.
    """

    def forward(xp: Any, *operands: Any) -> Any:
        arrays = [operand for operand in operands if hasattr(operand, "dtype")]
        owner = type(arrays[0]).__module__.partition(".")[0]
        if owner == "numpy":
            return _by_scipy(name, whole, operands, arrays)
        if owner == "cupy":
            return _typed(_of_library("cupyx.scipy.special", name)(*operands), arrays)
        return _through_the_host(xp, name, whole, operands, arrays)

    return forward


@cache
def _of_library(module: str, name: str) -> Kernel:
    try:
        function: Kernel = getattr(import_module(module), name)
    except AttributeError:
        raise NoKernelError(f"{name}: {module} has no such function; write .to('cpu') on its arguments") from None
    return getattr(function, "__wrapped__", function)  # under SCIPY_ARRAY_API it first asks whose array it is given


def _by_scipy(name: str, whole: int | None, operands: Sequence[Any], arrays: Sequence[Any]) -> Any:
    if whole is not None and (operands[whole] % 1 == 0).all():
        operands = [operand.astype("int64") if i == whole else operand for i, operand in enumerate(operands)]
    return _typed(_of_library("scipy.special", name)(*operands), arrays)


def _typed(result: Any, arrays: Sequence[Any]) -> Any:
    """A few functions compute in double precision whatever they are given."""
    dtype = arrays[0].dtype
    if result.dtype == dtype:
        return result
    if len(arrays) > 1:
        dtype = max((array.dtype for array in arrays), key=lambda dtype: (dtype.kind, dtype.itemsize))
    return result.astype(dtype) if result.dtype.kind == dtype.kind and result.dtype != dtype else result


def _through_the_host(xp: Any, name: str, whole: int | None, operands: Sequence[Any], arrays: Sequence[Any]) -> Any:
    """For a library without such functions, whose arrays are in the memory of the host. Nothing crosses a bus."""
    import numpy as np  # noqa: PLC0415  not before the first array

    if arrays[0].__dlpack_device__()[0] != _ON_HOST:
        library = type(arrays[0]).__module__.partition(".")[0]
        raise NoKernelError(f"{name}: {library} has no such function, and nothing is moved silently; write .to('cpu')")
    mapped = [np.from_dlpack(operand) if hasattr(operand, "dtype") else operand for operand in operands]
    result = _by_scipy(name, whole, mapped, [array for array in mapped if hasattr(array, "dtype")])
    return xp.asarray(np.asarray(result), device=arrays[0].device)


def refuse(function: str, operand: str, why: str) -> Callable[[Any, Any], Any]:
    """The rule of an operand that the function has no derivative by: the values work, a gradient is an error."""

    def rule(xp: Any, t: Any) -> Any:  # noqa: ARG001  a rule has these parameters
        raise NoDerivativeError(
            f"{function}: there is no derivative with respect to {operand!r}: {why}. Where the gradient is not wanted, "
            f"write .detach() on that argument"
        )

    return rule
