"""Grad modes: blocks, decorators, generators, coroutines, threads, tasks, exceptions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pullback as pb
import pytest


def enabled() -> bool:
    """What recording an operation says, which must be what the question says."""
    x = pb.ones(2, requires_grad=True)
    recorded = (x * 2).requires_grad
    assert recorded == pb.is_grad_enabled()
    return recorded


class TestBlocks:
    def test_enabled_at_first(self) -> None:
        assert enabled()
        assert not pb.is_inference_mode_enabled()

    def test_no_grad(self) -> None:
        with pb.no_grad():
            assert not enabled()
        assert enabled()

    def test_enable_grad_inside_no_grad(self) -> None:
        with pb.no_grad():
            with pb.enable_grad():
                assert enabled()
            assert not enabled()

    def test_set_grad_enabled(self) -> None:
        with pb.set_grad_enabled(False):
            assert not enabled()
            with pb.set_grad_enabled(True):
                assert enabled()
            assert not enabled()
        assert enabled()

    def test_set_grad_enabled_acts_at_once_as_a_function(self) -> None:
        pb.set_grad_enabled(False)
        assert not enabled()
        pb.set_grad_enabled(True)
        assert enabled()

    def test_one_object_nests_in_itself(self) -> None:
        mode = pb.no_grad()
        with mode:
            with pb.enable_grad():
                with mode:
                    assert not enabled()
                assert enabled()
            assert not enabled()
        assert enabled()

    @pytest.mark.parametrize("mode", [pb.no_grad, pb.inference_mode, lambda: pb.set_grad_enabled(False)])
    def test_an_exception_restores(self, mode: Callable[[], Any]) -> None:
        with pytest.raises(KeyError), mode():
            raise KeyError
        assert enabled()

    def test_leaves_made_without_recording_require_grad(self) -> None:
        with pb.no_grad():
            assert pb.ones(2, requires_grad=True).requires_grad
            assert pb.ones(2).requires_grad_().requires_grad

    def test_backward_runs_without_recording(self) -> None:
        x = pb.ones(2, requires_grad=True)
        y = (x * x).sum()
        with pb.no_grad():
            y.backward()
        assert x.grad.tolist() == [2.0, 2.0]

    def test_create_graph_records_without_recording_around_it(self) -> None:
        x = pb.tensor(3.0, requires_grad=True)
        y = x**3
        with pb.no_grad():
            (first,) = pb.autograd.grad(y, x, create_graph=True)
        assert float(pb.autograd.grad(first, x)[0]) == 18.0


class TestInferenceMode:
    def test_enable_grad_has_no_effect(self) -> None:
        with pb.inference_mode():
            assert pb.is_inference_mode_enabled()
            with pb.enable_grad():
                assert not enabled()
            with pb.set_grad_enabled(True):
                assert not enabled()
            pb.set_grad_enabled(True)
            assert not enabled()
        assert enabled()
        assert not pb.is_inference_mode_enabled()

    def test_switched_off(self) -> None:
        with pb.inference_mode(False):
            assert enabled()
            assert not pb.is_inference_mode_enabled()
        with pb.no_grad(), pb.inference_mode(mode=False):
            assert enabled()

    def test_nothing_switches_it_off_from_inside(self) -> None:
        with pb.inference_mode(), pb.inference_mode(False):
            assert not enabled()


MODES = [
    pytest.param(pb.no_grad(), id="no_grad()"),
    pytest.param(pb.no_grad, id="no_grad"),
    pytest.param(pb.set_grad_enabled, id="set_grad_enabled"),
    pytest.param(pb.inference_mode(), id="inference_mode()"),
    pytest.param(pb.inference_mode, id="inference_mode"),
]


def decorated(mode: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    return mode(False)(function) if mode is pb.set_grad_enabled else mode(function)


@pytest.mark.parametrize("mode", MODES)
class TestDecorators:
    def test_functions(self, mode: Any) -> None:
        def function(a: int, *, b: int = 2) -> tuple[int, bool]:
            """Its docstring."""
            return a + b, enabled()

        wrapped = decorated(mode, function)
        assert enabled()
        assert wrapped(1, b=3) == (4, False)
        assert wrapped.__name__ == "function"
        assert wrapped.__doc__ == "Its docstring."
        assert enabled()

    def test_methods(self, mode: Any) -> None:
        class Model:
            method = decorated(mode, lambda self, x: (self, x, enabled()))

        model = Model()
        assert model.method(1) == (model, 1, False)

    def test_recursion(self, mode: Any) -> None:
        def count(n: int) -> list[bool]:
            return [enabled(), *(wrapped(n - 1) if n else [])]

        wrapped = decorated(mode, count)
        assert wrapped(3) == [False] * 4
        assert enabled()

    def test_an_exception_restores(self, mode: Any) -> None:
        def function() -> None:
            raise KeyError

        with pytest.raises(KeyError):
            decorated(mode, function)()
        assert enabled()

    def test_generators_are_in_the_mode_only_while_they_run(self, mode: Any) -> None:
        def numbers() -> Iterator[Any]:
            sent = yield enabled()
            try:
                yield sent, enabled()
            except ValueError as error:
                yield str(error), enabled()
            return "done"

        generator: Any = decorated(mode, numbers)()
        assert enabled()
        assert next(generator) is False
        assert enabled()
        assert generator.send(5) == (5, False)
        assert enabled()
        assert generator.throw(ValueError("thrown")) == ("thrown", False)
        assert enabled()
        with pytest.raises(StopIteration) as stop:
            next(generator)
        assert stop.value.value == "done"
        assert enabled()

    def test_closing_a_generator_runs_its_finally_block(self, mode: Any) -> None:
        seen = []

        def numbers() -> Iterator[int]:
            try:
                yield 1
            finally:
                seen.append(enabled())

        generator: Any = decorated(mode, numbers)()
        next(generator)
        generator.close()
        assert seen == [False]
        assert enabled()

    def test_coroutines(self, mode: Any) -> None:
        async def work() -> tuple[bool, bool]:
            before = enabled()
            await asyncio.sleep(0)
            return before, enabled()

        async def main() -> None:
            assert await decorated(mode, work)() == (False, False)
            assert enabled()

        asyncio.run(main())

    def test_async_generators(self, mode: Any) -> None:
        async def numbers() -> AsyncIterator[Any]:
            sent = yield enabled()
            await asyncio.sleep(0)
            try:
                yield sent, enabled()
            except ValueError as error:
                yield str(error), enabled()

        async def main() -> None:
            generator: Any = decorated(mode, numbers)()
            assert await anext(generator) is False
            assert enabled()
            assert await generator.asend(5) == (5, False)
            assert enabled()
            assert await generator.athrow(ValueError("thrown")) == ("thrown", False)
            assert enabled()
            with pytest.raises(StopAsyncIteration):
                await anext(generator)
            assert [item async for item in decorated(mode, numbers)()] == [False, (None, False)]

        asyncio.run(main())


class TestConcurrency:
    def test_a_new_thread_starts_enabled(self) -> None:
        with pb.no_grad(), ThreadPoolExecutor(1) as pool:
            assert pool.submit(enabled).result()

    def test_a_thread_does_not_change_the_mode_of_another(self) -> None:
        inside, checked = threading.Event(), threading.Event()

        def hold() -> None:
            with pb.no_grad():
                inside.set()
                assert checked.wait(30)

        thread = threading.Thread(target=hold)
        thread.start()
        assert inside.wait(30)
        assert enabled()
        checked.set()
        thread.join()

    def test_a_block_does_not_leak_to_other_tasks(self) -> None:
        async def silent(inside: asyncio.Event, leave: asyncio.Event) -> bool:
            with pb.no_grad():
                inside.set()
                await leave.wait()
                return enabled()

        async def main() -> None:
            inside, leave = asyncio.Event(), asyncio.Event()
            task = asyncio.create_task(silent(inside, leave))
            await inside.wait()
            assert enabled()
            leave.set()
            assert await task is False
            assert enabled()

        asyncio.run(main())

    def test_a_task_inherits_the_mode(self) -> None:
        async def ask() -> bool:
            return enabled()

        async def main() -> None:
            with pb.no_grad():
                task = asyncio.create_task(ask())
            assert await task is False

        asyncio.run(main())
