"""A naive engine to compare with: the Jacobian of any value with respect to any other, by the chain rule, anew each time.

No reverse pass, no rules, nothing saved or freed: a `Value` knows what it was computed from, and how rows of derivatives
become rows of its own. A view is a list of positions in the memory that it shows, so that writing through views needs no
thought either. Hooks that multiply gradients at a value are factors of the rows that come through it. Second derivatives
come by the complex step: the imaginary parts of all numbers are `STEP` times their derivative along one direction, so
that those of a first derivative are too. Slow, and too short to be wrong in the same way as the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

STEP = 1e-30
Push = Callable[[np.ndarray], np.ndarray]


class Value:
    """What a Tensor was at one time. `factors`: what the hooks there multiply a gradient by."""

    def __init__(self, shape: tuple[int, ...], operands: Sequence[tuple[Value, Push]] = ()) -> None:
        self.shape, self.operands = shape, operands
        self.factors: dict[Any, float] = {}


def jacobian(of: Value, by: Sequence[Value], known: dict[Value, Any] | None = None) -> np.ndarray:
    """The rows: shape of `of` + (number of elements of all `by`,). At `by`, hooks have not been called yet."""
    known = {} if known is None else known
    if of not in known:
        starts = np.cumsum([0, *(np.prod(x.shape, dtype=int) for x in by)])
        rows = np.zeros((*of.shape, starts[-1]), dtype=complex)
        for operand, push in of.operands:
            rows += push(jacobian(operand, by, known))
        rows *= np.prod(list(of.factors.values()))
        for x, start, end in zip(by, starts, starts[1:], strict=False):
            if x is of:
                rows[..., start:end] += np.eye(end - start).reshape(*of.shape, -1)
        known[of] = rows
    return known[of]


class Memory:
    """The elements of a Tensor and all its views, and the value that they are in the graph."""

    def __init__(self, numbers: np.ndarray, value: Value, *, tracked: bool, leaf: bool) -> None:
        self.numbers, self.value, self.tracked, self.leaf = numbers, value, tracked, leaf


class Ref:
    """`places` in a memory, in the shape of this Tensor; `base`: the Ref that it shows `part` of.

    `detached`: a `detach()` lies between it and the memory; `silent`: a view that was made under `no_grad` does;
    `repeated`: a view that shows an element several times does.
    """

    def __init__(self, memory: Memory, places: np.ndarray, base: Ref | None = None, part: Any = None) -> None:
        self.memory, self.places, self.base, self.part = memory, places, base, part
        self.detached, self.silent = (base.detached, base.silent) if base is not None else (False, False)
        self.repeated = (base is not None and base.repeated) or np.unique(places).size < places.size
        self.seen: tuple[Value, Value] | None = None  # a value of the base, and what this Tensor was then

    @property
    def numbers(self) -> np.ndarray:
        """The numbers, with derivatives as imaginary parts."""
        numbers = self.memory.numbers[self.places]
        return np.asarray(numbers if self.tracked else numbers.real + 0j)

    @property
    def values(self) -> np.ndarray:
        """The numbers."""
        return self.numbers.real

    @property
    def tracked(self) -> bool:
        """Whether it requires grad."""
        return self.memory.tracked and not (self.detached or self.silent)

    @property
    def value(self) -> Value:
        """What it is in the graph: something new when its base is."""
        if not self.tracked:
            return Value(self.places.shape)
        if self.base is None:
            return self.memory.value
        above = self.base.value
        if self.seen is None or self.seen[0] is not above:
            self.seen = above, Value(self.places.shape, [(above, lambda r: _flat(r)[self.part])])
        return self.seen[1]

    def view(self, step: Push, *, recorded: bool) -> Ref:
        """The part that `step` takes of an array of this shape."""
        part = np.asarray(step(np.arange(self.places.size).reshape(self.places.shape)))
        made = Ref(self.memory, self.places.reshape(-1)[part], self, part)
        made.silent |= not recorded
        return made

    def detach(self) -> Ref:
        """The same memory without history."""
        made = self.view(lambda places: places, recorded=True)
        made.detached = True
        return made

    def refuses(self, new: Ref, *, recorded: bool) -> bool:
        """Whether it may not be written: repeated elements, a leaf, a view without history of what has or gets one."""
        silent = self.silent and (self.memory.tracked or new.tracked)
        return self.repeated or (recorded and not self.detached and (self.memory.leaf or silent))

    def write(self, new: Ref, *, recorded: bool) -> None:
        """New numbers in the memory; their history too where it is recorded and a `detach()` does not stop it."""
        numbers = self.memory.numbers
        if recorded and not self.detached:
            numbers[self.places] = new.numbers
            self._become(new.value)
            self.memory.tracked |= new.tracked
        else:
            numbers[self.places] = new.values + 1j * numbers[self.places].imag

    def _become(self, new: Value) -> None:
        """This value, and with it one of each Tensor that it is a part of."""
        if self.base is None:
            self.memory.value = new
            return
        others = np.isin(np.arange(self.base.places.size), self.part, invert=True).reshape(self.base.places.shape)

        def put(rows: np.ndarray) -> np.ndarray:
            out = np.zeros((self.base.places.size, rows.shape[-1]), dtype=complex)
            out[self.part] = rows
            return out.reshape(*self.base.places.shape, -1)

        kept = (self.base.value, lambda r: r * others[..., None])
        self.base._become(Value(self.base.places.shape, [kept, (new, put)]))


def new(numbers: Any, operands: Sequence[tuple[Value, Push]] = (), *, tracked: bool = False, leaf: bool = False) -> Ref:
    """A Tensor with memory of its own."""
    numbers = np.array(numbers, dtype=complex)
    value = Value(numbers.shape, operands if tracked else ())
    places = np.arange(numbers.size).reshape(numbers.shape)
    return Ref(Memory(numbers.reshape(-1), value, tracked=tracked, leaf=leaf), places)


def leaf(values: np.ndarray, direction: np.ndarray) -> Ref:
    """A leaf; second derivatives are taken along `direction`."""
    return new(values + 1j * STEP * direction, tracked=True, leaf=True)


def apply(values: Any, terms: Sequence[tuple[Ref, Push]], *, recorded: bool) -> Ref:
    """The result of an operation: its real values, and for each operand how rows of it become rows of the result."""
    shape = np.shape(values)

    def onto(push: Push) -> Push:
        return lambda rows: np.broadcast_to(push(rows), (*shape, rows.shape[-1]))

    tracked = recorded and any(operand.tracked for operand, _ in terms)
    along = sum(onto(push)(operand.numbers.imag[..., None]).real[..., 0] for operand, push in terms)
    numbers = values + 1j * along * tracked
    return new(numbers, [(operand.value, onto(push)) for operand, push in terms], tracked=tracked)


def _flat(rows: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, rows.shape[-1])
