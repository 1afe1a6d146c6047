"""A kernel is chosen by backend and dtype, gives what the generic form gives, and can be left out."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host
from pullback.autograd import gradcheck
from pullback.errors import PluginError
from pullback.extend import generic_kernels


def make() -> tuple[Any, list[Any]]:
    """An op with a kernel for NumPy in single precision, and a list of the operands that reach the kernel."""
    seen: list[Any] = []

    @pb.op.elementwise(x=lambda xp, t, y: t * y, y=lambda xp, t, x: t * x)
    def times(xp: Any, x: Any, y: Any) -> Any:
        return x * y

    @times.kernel("numpy", dtypes=[pb.float32])
    def fused(x: Any, y: Any) -> Any:
        seen.append((x, y))
        return np.multiply(x, y)

    return times, seen


@pytest.mark.parametrize(
    ("device", "dtype", "chosen"),
    [
        ("cpu", pb.float32, True),
        ("cpu", pb.float64, False),
        ("strict", pb.float32, False),
        ("strict:device1", pb.float64, False),
    ],
)
def test_it_is_chosen_by_backend_and_dtype(device: str, dtype: Any, chosen: bool) -> None:
    times, seen = make()
    x = pb.tensor([1.0, 2.0], device=device, dtype=dtype)
    assert host(times(x, x)).tolist() == [1.0, 4.0]
    assert bool(seen) is chosen


def test_generic_kernels_leaves_it_out_and_nests() -> None:
    times, seen = make()
    x = pb.tensor([1.5, -2.0])
    fast = times(x, x)
    assert len(seen) == 1
    with generic_kernels():
        with generic_kernels():
            pass
        assert times(x, x).tolist() == fast.tolist()
    assert len(seen) == 1
    times(x, x)
    assert len(seen) == 2


def test_generic_kernels_ends_with_an_exception() -> None:
    times, seen = make()
    with pytest.raises(ZeroDivisionError), generic_kernels():
        raise ZeroDivisionError
    times(pb.tensor(1.0), pb.tensor(1.0))
    assert seen


def test_generic_kernels_holds_in_its_own_task_only() -> None:
    times, seen = make()
    x = pb.tensor(2.0)

    async def without() -> None:
        with generic_kernels():
            await asyncio.sleep(0)
            times(x, x)

    async def both() -> None:
        await asyncio.gather(without(), asyncio.to_thread(times, x, x))

    asyncio.run(both())
    assert len(seen) == 1


def test_it_gets_arrays_and_its_result_is_one() -> None:
    times, seen = make()
    out = times(pb.tensor(2.0), pb.tensor(3.0))
    assert all(type(operand) is np.ndarray for operand in seen[0])
    assert out.item() == 6.0
    assert (out + 1).item() == 7.0


def test_derivatives_go_through_it_in_both_modes_and_under_vmap() -> None:
    times, seen = make()
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    assert gradcheck(times, (x, pb.tensor([0.5, 3.0], requires_grad=True)), check_forward_ad=True)
    before = len(seen)
    assert pb.func.vmap(lambda v: times(v, v))(x.detach()).tolist() == [1.0, 4.0]
    assert len(seen) > before


def test_not_implemented_leaves_it_to_the_next_and_then_to_the_generic_form() -> None:
    order = []

    @pb.op.elementwise(x=lambda xp, t: -t)
    def minus(xp: Any, x: Any) -> Any:
        order.append("generic")
        return -x

    @minus.kernel("numpy")
    def first(x: Any) -> Any:
        order.append("first")
        return NotImplemented

    @minus.kernel("numpy")
    def second(x: Any) -> Any:
        order.append("second")
        return NotImplemented if x.size > 1 else -x

    assert minus(pb.tensor([1.0])).tolist() == [-1.0]
    assert minus(pb.tensor([1.0, 2.0])).tolist() == [-1.0, -2.0]
    assert order == ["first", "second", "first", "second", "generic"]
    assert "<kernel first on numpy, any dtype>" in repr(minus.primitive.kernels)


def test_one_that_comes_late_is_used_from_then_on() -> None:
    @pb.op.linear(x=lambda xp, ct: 2 * ct)
    def twice(xp: Any, x: Any) -> Any:
        return x + x

    @pb.op.elementwise(x=lambda xp, t: 3 * t)
    def thrice(xp: Any, x: Any) -> Any:
        return 3 * x

    x = pb.tensor([1.0, 2.0])
    for op in (twice, thrice):
        before = op(x).tolist()
        op(x)
        calls: list[Any] = []
        op.kernel("numpy")(lambda raw, calls=calls, op=op: calls.append(raw) or NotImplemented)
        assert op(x).tolist() == before
        assert len(calls) == 1


def test_an_error_in_it_says_how_to_go_on_without() -> None:
    @pb.op.elementwise(x=lambda xp, t: -t)
    def minus(xp: Any, x: Any) -> Any:
        return -x

    @minus.kernel("numpy")
    def broken(x: Any) -> Any:
        raise OSError("libfoo.so")

    with pytest.raises(OSError, match="libfoo") as caught:
        minus(pb.tensor(1.0))
    (note,) = caught.value.__notes__
    assert "<kernel broken on numpy" in note
    assert "::minus" in note
    assert "PULLBACK_GENERIC_KERNELS=1" in note


def test_several_results_and_sequences() -> None:
    @pb.op.explicit(vjp={"x": lambda xp, cts: cts[0] + 2 * cts[1]}, jvp={"x": lambda xp, t: (t, 2 * t)}, multiple=True)
    def both(xp: Any, x: Any) -> Any:
        return x, 2 * x

    @both.kernel("numpy")
    def fused(x: Any) -> Any:
        return x.copy(), x + x

    one, two = both(pb.tensor(1.0))
    assert (one.item(), two.item()) == (1.0, 2.0)


@pytest.mark.parametrize("value", ["1", "yes"])
def test_the_environment_leaves_it_out(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PULLBACK_GENERIC_KERNELS", value)
    times, seen = make()
    times(pb.tensor(1.0), pb.tensor(1.0))
    assert not seen
    assert "switched off" in repr(times.primitive.kernels)


def test_nonsense_in_the_environment_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULLBACK_GENERIC_KERNELS", "perhaps")
    with pytest.raises(PluginError, match="PULLBACK_GENERIC_KERNELS='perhaps'"):
        make()
