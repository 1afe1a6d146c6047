"""Checkpoints: run a function again in the reverse pass instead of keeping what it saved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pullback import primitive as primitives
from pullback import random
from pullback import tree as trees
from pullback.errors import ArgumentError, CheckpointError
from pullback.grad_mode import enable_grad, observing, recording
from pullback.saving import Packing


class _Stop(BaseException):  # passes through whatever the function catches
    """Everything that was asked for has been computed again."""


class _Frame:
    """One call of a checkpointed function: how to run it again, and what it saved by number."""

    def __init__(self, run: Callable[[], Any], tensors: Sequence[Any], early_stop: bool, check: bool) -> None:
        self.run = run
        self.tensors = tensors
        self.versions = [tensor._version for tensor in tensors]
        self.early_stop = early_stop
        self.check = check
        self.avals: list[Any] = []
        self.values: dict[int, Any] = {}
        self.lock = threading.RLock()

    def pack(self, tensor: Any) -> int:
        """Keep a number in the place of a saved value."""
        self.avals.append(tensor._aval)
        return len(self.avals) - 1

    def unpack(self, number: int) -> Any:
        """The value again; each is kept until it is read once."""
        with self.lock:
            if number not in self.values:
                self.compute_again()
            try:
                return self.values.pop(number)
            except KeyError:
                raise self._mismatch(f"{len(self.values)} values", f"{len(self.avals)}") from None

    def compute_again(self) -> None:
        """Run the function as it ran before, and keep what it saves now."""
        for i, (tensor, version) in enumerate(zip(self.tensors, self.versions, strict=True)):
            if tensor._version != version:
                raise CheckpointError(
                    f"checkpoint: Tensor {i} among the arguments was written in place after the function ran, so that it "
                    f"cannot run again; hand it a .clone()"
                )
        count = 0

        def collect(tensor: Any) -> int:
            nonlocal count
            if count == len(self.avals):
                raise self._mismatch(f"more than {count} values", f"{count}")
            if self.check and tensor._aval is not self.avals[count]:
                raise self._mismatch(f"{tensor._aval} as value {count}", f"{self.avals[count]}")
            self.values[count] = tensor
            count += 1
            if self.early_stop and count == len(self.avals):
                raise _Stop
            return count

        with enable_grad(), observing(Packing(collect, _unreadable)):
            try:
                self.run()
            except _Stop:
                return
        if count < len(self.avals):
            raise self._mismatch(f"{count} values", f"{len(self.avals)}")

    def _mismatch(self, now: str, then: str) -> CheckpointError:
        self.values.clear()
        return CheckpointError(
            f"checkpoint: when it ran again, the function saved {now}, the first time {then}. It must do the same each "
            f"time: look for state that it changes, for conditions on it, and for random numbers of other libraries"
        )


def _unreadable(number: int) -> Any:
    raise CheckpointError(
        f"checkpoint: value {number} of a computation that ran again for its values alone was read; a backward() inside "
        f"a checkpointed function cannot run again"
    )


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool = False,
    preserve_rng_state: bool = True,
    determinism_check: str = "default",
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, keeping its inputs only: the reverse pass runs it again for what it saved.

    `function` must do the same each time. Its random numbers (`preserve_rng_state`) are the same, and with
    `determinism_check="default"` shapes, dtypes and devices of what it saves are compared; "none" turns that off. With
    `early_stop` the second run ends as soon as everything that was saved is there. PyTorch's re-entrant variant does not
    exist (`use_reentrant=True` raises `ArgumentError`). The reverse pass raises `CheckpointError` if the second run
    differs, or if a Tensor among the arguments was written in place since the first.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> y = pb.autograd.checkpoint(lambda x: pb.exp(pb.sin(x)), x)
    >>> y.sum().backward()
    >>> x.grad
    tensor([ 1.2534, -1.0331])
    """
    if use_reentrant:
        raise ArgumentError("checkpoint: use_reentrant=True does not exist here; leave it out")
    if determinism_check not in ("default", "none"):
        raise ArgumentError(f"checkpoint: determinism_check is 'default' or 'none', got {determinism_check!r}")
    if not recording():
        return function(*args, **kwargs)
    state = random.get_rng_state() if preserve_rng_state else None

    def again() -> None:
        with _random_state(state):
            function(*args, **kwargs)

    tensors = [leaf for leaf in trees.leaves((args, kwargs)) if isinstance(leaf, primitives.tensor_type)]
    frame = _Frame(again, tensors, early_stop, determinism_check == "default")
    with observing(Packing(frame.pack, frame.unpack)):
        return function(*args, **kwargs)


@contextmanager
def _random_state(state: Any) -> Iterator[None]:
    if state is None:
        yield
        return
    now = random.get_rng_state()
    random.set_rng_state(state)
    try:
        yield
    finally:
        random.set_rng_state(now)


def checkpoint_sequential(functions: Sequence[Callable[[Any], Any]], segments: int, input: Any, **options: Any) -> Any:
    """`functions` one after the other, in `segments` checkpoints of about equal length; the last keeps what it saves.

    Takes the options of `checkpoint`. Raises `ArgumentError` for a number of segments that is not from 1 to the number of
    functions.

    >>> import pullback as pb
    >>> x = pb.tensor(0.5, requires_grad=True)
    >>> pb.autograd.checkpoint_sequential([pb.sin, pb.exp, pb.tanh, pb.cos], 2, x).backward()
    >>> x.grad
    tensor(-0.1656)
    """
    functions = list(functions)
    if not 1 <= segments <= max(len(functions), 1):
        raise ArgumentError(f"checkpoint_sequential: {segments} segments of {len(functions)} functions")
    length = len(functions) // segments

    def segment(start: int, stop: int) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            for function in functions[start:stop]:
                x = function(x)
            return x

        return run

    for i in range(segments - 1):
        input = checkpoint(segment(i * length, (i + 1) * length), input, **options)
    return segment((segments - 1) * length, len(functions))(input)
