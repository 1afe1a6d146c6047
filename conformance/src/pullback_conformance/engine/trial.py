"""What a program of the battery is, and what programs assert with."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback_conformance.placing import host, place


@dataclass(frozen=True)
class Trial:
    """One program, its level, and what it shows in one sentence."""

    run: Callable[[str, str], None]
    meaning: str
    level: int = 1


BATTERY: dict[str, Trial] = {}


def trial(id: str, meaning: str, level: int = 1) -> Callable[[Any], Any]:
    """Add a program to the battery. It is given the name of a device, and `leaf(values)` makes leaves there."""

    def add(program: Callable[[Callable[..., Any], str], None]) -> Any:
        def run(device: str, dtype: str) -> None:
            def leaf(*values: float, grad: bool = True) -> Any:
                x = place(np.asarray(values[0] if len(values) == 1 else values, dtype=dtype), device)
                return x.requires_grad_() if grad else x

            program(leaf, device)

        BATTERY[id] = Trial(run, meaning, level)
        return program

    return add


def equal(found: Any, *expected: float, what: str = "gradient") -> None:
    """Assert that a Tensor holds these numbers, to single precision."""
    right = np.asarray(expected[0] if len(expected) == 1 else expected)
    assert found is not None, f"{what} is None, expected {right}"
    got = host(found)
    assert got.shape == right.shape, f"{what} has shape {got.shape}, expected {right.shape}"
    assert np.allclose(got, right, rtol=2e-6, atol=2e-6), f"{what} is {got}, expected {right}"


def refused(
    kind: type[BaseException] | tuple[type[BaseException], ...], call: Callable[[], Any], what: str
) -> BaseException:
    """Assert that a call raises."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{what} raised nothing, expected {kind}")


def in_thread(function: Callable[[], Any]) -> Any:
    """What a function returns in another thread; what it raises is raised here."""
    kept: list[Any] = []

    def run() -> None:
        try:
            kept.append((function(), None))
        except BaseException as error:  # noqa: BLE001  carried over
            kept.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    if not kept:
        raise AssertionError("a thread hangs")
    value, error = kept[0]
    if error is not None:
        raise error
    return value


def together(work: Callable[[int], Any], threads: int = 8) -> None:
    """Run `work(0)`, ... in as many threads, started at once and switched often; what one of them raises is raised here."""
    barrier = threading.Barrier(threads)
    wrong: list[BaseException] = []

    def run(k: int) -> None:
        try:
            barrier.wait(60)
            work(k)
        except BaseException as error:  # noqa: BLE001  carried over
            wrong.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        started = [threading.Thread(target=run, args=(k,), daemon=True) for k in range(threads)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join(60)
        hanging = sum(thread.is_alive() for thread in started)
    finally:
        sys.setswitchinterval(interval)
    if wrong:
        raise wrong[0]
    assert not hanging, f"{hanging} threads hang"
