"""Finite differences of a function of Tensors, as Python numbers: what `gradcheck` compares with.

Of 4th order, and computed in double precision, whatever the dtype of the inputs. A complex element counts as two real
ones.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from pullback import dtypes, namespace
from pullback import primitive as primitives
from pullback.errors import BackendUnavailableError
from pullback.grad_mode import no_grad
from pullback.random import Generator

STEP = 1e-3  # the error of the 4th order is about h**4 = 1e-12, that of rounding 1e-16 / h = 1e-13
WEIGHTS = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))  # Fornberg, Math. Comp. 51 (1988) 699, table 1


class Entry(NamedTuple):
    """One real component of several Tensors: which Tensor, where in it, and 1 or 1j."""

    tensor: int
    at: tuple[int, ...]
    part: complex

    def position(self, tensors: Sequence[Any]) -> int:
        """Its place among the elements of its Tensor in row-major order."""
        position = 0
        for i, n in zip(self.at, tensors[self.tensor].shape, strict=True):
            position = position * n + i
        return position


def entries(tensors: Sequence[Any]) -> Iterator[Entry]:
    """All real components."""
    for i, x in enumerate(tensors):
        for at in itertools.product(*map(range, x.shape)):
            yield Entry(i, at, 1)
            if x.dtype.is_complex:
                yield Entry(i, at, 1j)


def numbers_of(x: Any) -> list[complex]:
    """The elements of a Tensor in row-major order."""
    return list(namespace.tensors.reshape(x.detach(), (-1,)).tolist())


def tensor_of(numbers: Sequence[complex], like: Any, dtype: Any = None) -> Any:
    """A Tensor of these elements, of the shape and device of `like`."""
    dtype = dtype or like.dtype
    values = list(numbers) if dtype.is_complex else [complex(number).real for number in numbers]
    flat = namespace.tensors.asarray(values, dtype=dtype, device=like.device)
    return namespace.tensors.reshape(flat, like.shape)


def one_hot(entry: Entry, tensors: Sequence[Any]) -> Any:
    """The Tensor of an entry, with zeros everywhere else."""
    numbers: list[complex] = [0.0] * tensors[entry.tensor].size
    numbers[entry.position(tensors)] = entry.part
    return tensor_of(numbers, tensors[entry.tensor])


def zeros_of(like: Any) -> Any:
    """Zeros of its shape, dtype and device, and of no history."""
    return namespace.tensors.zeros(like.shape, dtype=like.dtype, device=like.device)


def random_of(like: Any, seed: int) -> Any:
    """Gaussian numbers of its shape, dtype and device; Python's, where the backend has no random numbers."""
    try:
        return Generator(seed).draw("normal", like.shape, like.dtype, like.device)
    except BackendUnavailableError:
        draw = random.Random(seed).gauss
        return tensor_of([complex(draw(0, 1), draw(0, 1)) for _ in range(like.size)], like)


def inner(x: Sequence[complex], y: Sequence[complex]) -> float:
    """The real inner product: the sum of the products of real parts, and of imaginary parts."""
    return math.fsum((complex(a).conjugate() * b).real for a, b in zip(x, y, strict=True))


def floating(outputs: Any) -> list[Any]:
    """The floating and complex Tensors among the results of a function."""
    several = outputs if isinstance(outputs, (tuple, list)) else [outputs]
    return [out for out in several if isinstance(out, primitives.tensor_type) and out.dtype.differentiable]


class Differences:
    """The derivatives of `call(points)`, a function from a list of Tensors to one, at some points."""

    def __init__(self, call: Callable[[Sequence[Any]], list[Any]], points: Sequence[Any], eps: float) -> None:
        self.call = call
        self.points = points
        self.eps = eps
        self._columns: dict[Entry, list[list[complex]]] = {}

    def at(self, moved: dict[int, list[complex]]) -> list[list[complex]]:
        """The values, in double precision, with some points replaced."""
        wide = [
            tensor_of(moved.get(i, numbers_of(x)), x, dtypes.complex128 if x.dtype.is_complex else dtypes.float64)
            for i, x in enumerate(self.points)
        ]
        with no_grad():
            return [numbers_of(out) for out in self.call(wide)]

    def _shifted(self, entry: Entry, step: float) -> list[list[complex]]:
        numbers = numbers_of(self.points[entry.tensor])
        numbers[entry.position(self.points)] += step * entry.part
        return self.at({entry.tensor: numbers})

    def _step(self, entry: Entry) -> float:
        return self.eps * max(1.0, abs(numbers_of(self.points[entry.tensor])[entry.position(self.points)]))

    def column(self, entry: Entry) -> list[list[complex]]:
        """The derivative in the direction of one entry, of 4th order."""
        if entry not in self._columns:
            h = self._step(entry)
            self._columns[entry] = _combined([(w / h, self._shifted(entry, k * h)) for k, w in WEIGHTS])
        return self._columns[entry]

    def one_sided(self, entry: Entry, sign: int) -> list[list[complex]]:
        """The derivative to one side, of 2nd order, with a short step."""
        h = sign * self._step(entry) * 1e-2
        return _combined([(w / h, self._shifted(entry, k * h)) for k, w in ((0, -3 / 2), (1, 2.0), (2, -1 / 2))])

    def along(self, tangents: Sequence[list[complex]]) -> list[list[complex]]:
        """The derivative in the direction of a tangent for each point, of 4th order."""
        base = [numbers_of(x) for x in self.points]

        def moved(k: int) -> dict[int, list[complex]]:
            pairs = enumerate(zip(base, tangents, strict=True))
            return {i: [a + k * self.eps * b for a, b in zip(x, t, strict=True)] for i, (x, t) in pairs}

        return _combined([(w / self.eps, self.at(moved(k))) for k, w in WEIGHTS])


def _combined(samples: list[tuple[float, list[list[complex]]]]) -> list[list[complex]]:
    """The weighted sum of the values of several outputs."""
    return [
        [sum(w * values[o][j] for w, values in samples) for j in range(len(output))]
        for o, output in enumerate(samples[0][1])
    ]
