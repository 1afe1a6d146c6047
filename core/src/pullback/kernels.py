"""Kernels: a faster form of an op for one backend, in the place of the generic form that runs on all of them.

A kernel is chosen by backend when an op first runs there, and by dtype at each call; an op without one pays nothing. The
generic form stays: the two are compared by tests, and `generic_kernels` goes back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from pullback.backend import Backend
    from pullback.dtypes import DType
    from pullback.primitive import Primitive

VARIABLE: Final = "PULLBACK_GENERIC_KERNELS"
"""The environment variable that leaves every kernel out."""

observers: Final[list[Callable[[Kernel], None]]] = []
"""Who wants to know which kernel ran, each time."""
_generic: ContextVar[bool] = ContextVar("pullback_generic_kernels", default=False)


class Kernel(NamedTuple):
    """A function of raw arrays of one backend. `dtypes` is empty if it takes all."""

    backend: str
    dtypes: frozenset[DType]
    function: Callable[..., Any]
    active: bool = True

    def __repr__(self) -> str:
        wanted = " ".join(sorted(dtype.name for dtype in self.dtypes)) or "any dtype"
        return f"<kernel {self.function.__name__} on {self.backend}, {wanted}{'' if self.active else ', switched off'}>"


@contextmanager
def generic_kernels() -> Iterator[None]:
    """A context in which ops run in their generic form, as if nobody had written a kernel for them.

    It holds for the current thread or task. The environment variable `PULLBACK_GENERIC_KERNELS=1` does the same for a
    whole program.

    >>> import pullback as pb
    >>> @pb.op.elementwise(x=lambda xp, t: 2 * t)
    ... def twice(xp, x):
    ...     return x + x
    >>> @twice.kernel("numpy")
    ... def twice_fused(x):
    ...     print("fused")
    ...     return 2 * x
    >>> twice(pb.tensor(1.0))
    fused
    tensor(2.)
    >>> with pb.extend.generic_kernels():
    ...     twice(pb.tensor(1.0))
    tensor(2.)
    """
    token = _generic.set(True)
    try:
        yield
    finally:
        _generic.reset(token)


def choose(primitive: Primitive, backend: Backend, generic: Callable[..., Any]) -> Callable[..., Any]:
    """What runs `primitive` on a backend: the first kernel that takes the dtypes of the operands, or the generic form."""
    kernels = [kernel for kernel in primitive.kernels if kernel.backend == backend.name and kernel.active]
    if not kernels:
        return generic
    natives = [tuple(n for n, dtype in backend.dtypes.items() if dtype in kernel.dtypes) for kernel in kernels]
    choices = tuple(zip(kernels, natives, [kernel.function for kernel in kernels], strict=True))
    to_array, settle, variadic = backend.to_array, backend.settle, primitive.variadic

    def chosen(*operands: Any, **params: Any) -> Any:
        if _generic.get():
            return generic(*operands, **params)
        arrays = [x if x.shape else to_array(x) for x in (operands[0] if variadic else operands)]
        for kernel, accepted, function in choices:
            if kernel.dtypes and not all(map(accepted.__contains__, [array.dtype for array in arrays])):
                continue
            try:
                out = function(arrays, **params) if variadic else function(*arrays, **params)
            except Exception as error:
                error.add_note(
                    f"in {kernel} of {primitive.name}; to run the generic form: {VARIABLE}=1, or "
                    f"`with pullback.extend.generic_kernels():`"
                )
                raise
            if out is not NotImplemented:
                for tell in observers:
                    tell(kernel)
                return tuple(map(settle, out)) if primitive.multiple else settle(out)
        return generic(*operands, **params)

    chosen.generic = generic  # type: ignore[attr-defined]  # for whoever asks what runs where no kernel does
    return chosen


def forget(primitive: Primitive, backends: Iterable[Backend]) -> None:
    """Have backends choose again how to run `primitive`: its kernels have changed."""
    for backend in backends:
        backend.kernels_of.pop(primitive, None)
        for aval in set(backend._avals.values()):
            stale = [key for key in aval.plans if key is primitive or (isinstance(key, tuple) and primitive in key)]
            for key in stale:
                del aval.plans[key]
            aval.own = [None if plan is None or plan.primitive is primitive else plan for plan in aval.own]
