"""Fingerprints: notice writes to saved values that went past pullback, through memory that it shares with the user.

Tensors hand out windows that cannot be written, where the library can make some. What the user shared before
(`from_numpy`, `asarray(copy=False)`, DLPack), and what a library hands out writable, is for this debug mode to guard.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pullback.errors import OverwrittenError
from pullback.grad_mode import observing
from pullback.graph import PULLBACK, Node, X, Y, backend_of
from pullback.rules import Call, Mode
from pullback.standin import StandIn


def _fingerprint(array: Any, backend: Any) -> int | None:
    """A number that changes with the values; None where they are not there to be read."""
    if hasattr(array, "_aval"):
        array, backend = array._array, array._aval.backend
    if backend.level or backend.capabilities.lazy or not isinstance(array, backend.array_types):
        return None
    return zlib.crc32(backend.to_host(array).tobytes())


class Fingerprinted(StandIn):
    """The pullback of a node that knows what it saved."""

    def __init__(self, pullback: Any, node: Node) -> None:
        super().__init__(pullback)
        self.near = backend_of(node)
        self.prints = [_fingerprint(array, self.near) for _, array, _ in self._read(node[X], node[Y])]

    def _read(self, x: Any, y: Any) -> Iterable[tuple[str, Any, Any]]:
        return self.inner.rule.saved([0, self.inner, None, None, x, y])  # type: ignore[no-any-return]

    def check(self, x: Any, y: Any) -> None:
        """Refuse to go on with values that are not those that were saved."""
        for (name, array, _), known in zip(self._read(x, y), self.prints, strict=True):
            if known is not None and _fingerprint(array, self.near) != known:
                raise OverwrittenError(
                    f"{self.name}: {'its result' if name == 'out' else name}, of shape {tuple(array.shape)}, is needed for "
                    f"the gradient, but its memory was written after the op ran, and not through a Tensor: through an array "
                    f"that shares it. Hand pullback a copy, or write to a copy"
                )

    def __call__(self, ct: Any, x: Any, y: Any) -> Any:
        self.check(x, y)
        return self.inner(ct, x, y)

    def over(self, xp: Any, mode: Mode) -> Call:
        call: Call = self.inner.rule.over(xp, mode)
        if self.backend is None or xp is not self.backend.xp:
            return call  # as_tensors has checked

        def checked(ct: Any, x: Any, y: Any) -> Any:
            self.check(x, y)
            return call(ct, x, y)

        return checked

    def as_tensors(self, node: Node, wrap: Callable[..., Any]) -> tuple[Any, Any]:
        self.check(node[X], node[Y])
        return super().as_tensors(node, wrap)


class _Printing:
    """The observer inside `fingerprints`."""

    def recorded(self, node: Node, result: Any) -> None:
        """Remember what a node saved."""
        if node[X] is not None:
            node[PULLBACK] = Fingerprinted(node[PULLBACK], node)


@contextmanager
def fingerprints() -> Iterator[None]:
    """For debugging: inside, every saved value is remembered by a checksum, which a pass, wherever it runs, compares.

    So a write through an array that shares memory with a Tensor raises `OverwrittenError` instead of giving the gradient
    of something else. It reads every saved array twice, on a GPU over the bus; lazy arrays are left
    out.

    >>> import numpy as np, pullback as pb
    >>> memory = np.ones(2, dtype=np.float32)
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> with pb.autograd.graph.fingerprints():
    ...     y = (pb.from_numpy(memory) * x).sum()
    >>> memory *= 5
    >>> y.backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    pullback.errors.OverwrittenError: MulBackward0: x1, of shape (2,), is needed for the gradient, but its memory was ...
    """
    with observing(_Printing()):
        yield
