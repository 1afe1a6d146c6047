"""Threads and asyncio: gradients add up exactly, one graph serves several passes at once, modes stay where they are."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor

THREADS = 8


@pytest.fixture(autouse=True)
def _many_switches() -> Iterator[None]:
    """Let the interpreter switch threads as often as it can, so that races show."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def together(work: Callable[[int], Any]) -> list[Any]:
    """Run `work(0)`, ... in as many threads, started as nearly at once as can be; errors come through."""
    start = threading.Barrier(THREADS)

    def run(number: int) -> Any:
        start.wait(10)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_eight_threads_on_shared_leaves_lose_nothing(device: str) -> None:
    x = pb.ones(3, requires_grad=True)
    rounds = 60 if device == "cpu" else 10

    def work(number: int) -> None:
        with pb.device(device):
            for i in range(rounds):
                (x * float(number * rounds + i)).sum().backward()

    together(work)
    count = THREADS * rounds
    assert x.grad.tolist() == [count * (count - 1) / 2] * 3


def test_eight_threads_with_hooks_and_second_order_lose_nothing() -> None:
    x = tensor([2.0], requires_grad=True)
    x.register_hook(lambda ct: 2 * ct)

    def work(number: int) -> None:
        for _ in range(20):
            (x * x).sum().backward()  # 2 * 4
            (first,) = pb.autograd.grad((x * x * x).sum(), x, create_graph=True)
            assert first.tolist() == [24.0]

    together(work)
    assert x.grad.tolist() == [THREADS * 20 * 8.0]


def test_one_graph_serves_passes_of_eight_threads_at_once() -> None:
    x = tensor(np.linspace(0.1, 1, 200), requires_grad=True)
    y = x
    for _ in range(50):
        y = pb.sin(y * x) + x
    loss = y.sum()
    (expected,) = pb.autograd.grad(loss, x, retain_graph=True)
    for found in together(lambda _: [pb.autograd.grad(loss, x, retain_graph=True)[0] for _ in range(5)]):
        for gradient in found:
            np.testing.assert_array_equal(host(gradient), host(expected))


def test_a_graph_that_is_used_up_by_several_threads_is_used_once_or_refused() -> None:
    x = tensor([2.0], requires_grad=True)
    for _ in range(30):
        x.grad = None
        y = pb.exp(x) * x

        def work(number: int, y: Any = y) -> bool:
            try:
                y.sum().backward()
            except RuntimeError:
                return False
            return True

        passed = sum(together(work))
        assert passed >= 1
        np.testing.assert_allclose(x.grad.tolist(), [passed * 3 * np.exp(2.0)], rtol=1e-15)


def test_the_first_call_of_every_op_may_come_from_several_threads() -> None:
    def work(number: int) -> list[float]:
        x = pb.full((number + 3,), 0.5, dtype=pb.float64, requires_grad=True)  # a shape that nobody has seen yet
        y = pb.linalg.vector_norm(pb.concat([pb.tanh(x), pb.cos(x) ** 2])) * pb.max(x)
        y.backward()
        return list(x.grad.tolist())

    apart = [work(number) for number in range(THREADS)]
    assert together(work) == apart


def test_a_mode_stays_in_its_thread() -> None:
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with pb.no_grad(), pb.autograd.ieee_products():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait(10)
    try:
        x = pb.zeros(1, requires_grad=True)
        assert pb.is_grad_enabled()
        pb.where(x > 0, pb.sqrt(x), 0.0).sum().backward()
        assert x.grad.tolist() == [0.0]
    finally:
        leave.set()
        thread.join()


def test_observers_and_inspectors_stay_in_their_thread() -> None:
    packed: list[Any] = []
    with pb.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        together(lambda _: pb.exp(pb.ones(2, requires_grad=True)))
    assert packed == []


def test_a_mode_stays_in_its_task() -> None:
    x = pb.ones(1, requires_grad=True)

    async def without() -> list[bool]:
        seen = []
        with pb.no_grad():
            for _ in range(5):
                await asyncio.sleep(0)
                seen.append((x * 2).requires_grad)
        return seen

    async def plain() -> list[bool]:
        seen = []
        for _ in range(5):
            await asyncio.sleep(0)
            seen.append((x * 2).requires_grad)
        return seen

    async def both() -> list[list[bool]]:
        return list(await asyncio.gather(without(), plain(), without()))

    assert asyncio.run(both()) == [[False] * 5, [True] * 5, [False] * 5]


def test_devices_by_context_stay_in_their_thread_and_task() -> None:
    async def on(device: str) -> str:
        with pb.device(device):
            await asyncio.sleep(0)
            return str(pb.zeros(1).device)

    async def both() -> list[str]:
        return list(await asyncio.gather(on("strict"), on("cpu"), on("strict:device1")))

    assert asyncio.run(both()) == ["strict", "cpu", "strict:device1"]


@pytest.mark.parametrize("create_graph", [False, True])
def test_ten_thousand_steps_of_training_need_no_more_memory(create_graph: bool) -> None:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        x, w = pb.ones(4), pb.zeros(4, requires_grad=True)

        def train(steps: int) -> None:
            nonlocal w
            for _ in range(steps):
                loss = ((x * w - 1) ** 2).sum()
                if create_graph:
                    (first,) = pb.autograd.grad(loss, w, create_graph=True)
                    loss = loss + (first * first).sum() * 0.01
                loss.backward()
                with pb.no_grad():
                    w -= 0.1 * w.grad
                w.grad = None

        train(200)
        before = tracemalloc.get_traced_memory()[0]
        train(10_000 if not create_graph else 2_000)
        assert tracemalloc.get_traced_memory()[0] - before < 4096
    finally:
        tracemalloc.stop()
        gc.enable()
