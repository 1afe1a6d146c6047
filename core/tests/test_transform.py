"""Levels of transforms: they end in order, in every thread, and their Tensors end with them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.batching import BatchedBackend
from pullback.errors import AutogradError
from pullback.forward import DualBackend
from pullback.func import grad, jvp, vmap
from pullback.transform import entered, lifted, tracked

ENDED = "a call of a transform that has ended"


def test_levels_count_what_surrounds_them() -> None:
    with entered(DualBackend) as first:
        with entered(BatchedBackend) as second:
            assert (first.level, second.level) == (1, 2)
        with entered(DualBackend) as again:
            assert again.level == 2
    with entered(DualBackend) as later:
        assert later is first  # and knows what it learned


def test_levels_end_after_errors() -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            vmap(lambda x: x / (1 // 0))(pb.ones(2))
        with entered(DualBackend) as backend:
            assert backend.level == 1


@pytest.mark.parametrize(
    "run",
    [
        lambda keep, x: vmap(lambda row: keep(row) or row)(x),
        lambda keep, x: jvp(lambda y: keep(y) or y, (x,), (x,)),
        lambda keep, x: vmap(grad(lambda y: keep(y) or y * y))(x),
    ],
    ids=["vmap", "jvp", "vmap of grad"],
)
def test_a_tensor_that_left_its_transform_says_so(run: Any) -> None:
    x, kept = tensor([1.0, 2.0]), []
    run(kept.append, x)
    (stray,) = kept
    for use in (
        lambda: stray + 1,
        lambda: pb.sum(stray),
        lambda: stray[..., None],
        lambda: vmap(lambda row: row * stray)(x),
        lambda: jvp(lambda y: y * stray, (x,), (x,)),
        lambda: vmap(lambda row: stray)(x),
    ):
        with pytest.raises(AutogradError, match=ENDED):
            use()
    assert "array>" in repr(stray)


def test_a_tensor_from_outside_that_was_written_inside_says_so() -> None:
    total = pb.zeros((), dtype=pb.float64)

    def function(x: Any) -> Any:
        nonlocal total
        total += x
        return x

    vmap(function)(tensor([1.0, 2.0]))
    with pytest.raises(AutogradError, match="do not write to Tensors from outside"):
        total + 1


def test_an_op_that_fails_leaves_nothing_behind() -> None:
    """Not even a plan: the same op on arrays that look the same from inside then runs as if it were the first."""
    x, shape = pb.ones(2, 7), (7,)

    def broken(row: Any) -> Any:
        with entered(BatchedBackend) as backend:
            assert row.shape == shape
            return pb.add(backend.make(pb.ones(3, 7)), backend.make(pb.ones(4, 7)))

    with pytest.raises(ValueError, match="broadcast"):
        vmap(broken)(x)
    with pytest.raises(ValueError, match="broadcast"):
        vmap(broken)(x)
    assert vmap(lambda row: vmap(pb.add)(pb.stack([row, row]), pb.stack([row, row])))(x).shape == (2, 2, 7)


def test_lifted_makes_a_constant_of_the_innermost_level() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    assert lifted(x) is x
    with entered(DualBackend) as backend:
        inside = lifted(x)
        assert inside._aval.backend is backend
        assert lifted(inside) is inside
        assert not inside.requires_grad
        assert tracked(inside)  # its derivative is that of x, one level down


def test_a_batch_refuses_to_be_read_at_any_depth() -> None:
    with pytest.raises(AutogradError, match="reads the values of a batch"):
        vmap(lambda x: jvp(lambda y: y if y > 0 else -y, (x,), (x,))[1])(tensor([1.0, 2.0]))


def test_threads_do_not_share_levels() -> None:
    results: dict[int, Any] = {}
    ready = threading.Barrier(4, timeout=20)

    def work(n: int) -> None:
        def slow(x: Any) -> Any:
            ready.wait()
            for _ in range(30):
                x = x + n * 0.5
            return pb.sum(x * x)

        results[n] = host(vmap(grad(slow))(tensor(np.full((3, 2), float(n)))))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: out.tolist() for n, out in results.items()} == {n: [[2 * n + 30.0 * n] * 2] * 3 for n in range(4)}


def test_tasks_do_not_share_levels() -> None:
    async def slope(n: float) -> float:
        with entered(DualBackend) as backend:
            x = backend.make(tensor(n), tensor(1.0))
            for _ in range(3):
                await asyncio.sleep(0)
                x = x * x
            return float(backend.parts(x)[1])

    async def both() -> list[float]:
        return await asyncio.gather(slope(1.0), slope(2.0))

    assert asyncio.run(both()) == [8.0, 8 * 2.0**7]


def test_devices_are_crossed_inside(device: str) -> None:
    x = tensor([[1.0, 2.0], [3.0, 4.0]])

    def there_and_back(row: Any) -> Any:
        return pb.sum((row.to(device) ** 2).to("cpu"))

    assert vmap(there_and_back)(x).tolist() == [5.0, 25.0]
    assert vmap(grad(there_and_back))(x).tolist() == [[2.0, 4.0], [6.0, 8.0]]
    assert jvp(there_and_back, (x,), (x,))[1].item() == 60.0
