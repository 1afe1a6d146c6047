"""Memory: figures, giving it back, page-locked transfers, and what is left when there is none left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pullback_cupy
import pytest
from pullback_cupy import GpuMemoryError

Install = Callable[..., Any]


def test_figures(install: Install) -> None:
    driver = install(2, memory=1 << 20)
    x = pb.zeros(1024, device="cuda:1")
    info = pullback_cupy.memory_info("cuda:1")
    assert info == (4096, 4608, (1 << 20) - 4096, 1 << 20)
    assert pullback_cupy.memory_info("cuda").used == 0
    assert driver.current == 0
    del x
    assert pullback_cupy.memory_info("cuda:1").used == 0
    assert "arrays hold 0.00 GiB, CuPy's pool holds 0.00 GiB" in str(info)
    with pytest.raises(ValueError, match="'cpu' is no GPU"):
        pullback_cupy.memory_info("cpu")


def test_giving_back(install: Install) -> None:
    driver = install(2)
    pullback_cupy.free_memory()
    assert driver.log == [("free", 0), ("free", 1), ("free pinned",)]


def test_large_arrays_reach_the_host_through_pinned_memory(install: Install) -> None:
    driver = install(1)
    small, large = pb.ones(4, device="cuda"), pb.ones(200, 200, device="cuda")
    driver.log.clear()
    assert small.to("cpu").shape == (4,)
    assert large.to("cpu").sum().item() == 40_000
    assert driver.noted("to host") == [("to host", 0, 16, ""), ("to host", 0, 160_000, "pinned")]


def test_a_host_that_can_lock_no_memory_is_served_all_the_same(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = install(1)
    import cupyx

    def refuse(*args: Any) -> Any:
        raise MemoryError

    x = pb.ones(200, 200, device="cuda")
    monkeypatch.setattr(cupyx, "empty_pinned", refuse)
    driver.log.clear()
    assert x.to("cpu").shape == (200, 200)
    assert driver.noted("to host") == [("to host", 0, 160_000, "")]


def test_nothing_is_sent_for_a_number(install: Install) -> None:
    """The constants of a program are filled in on the device."""
    driver = install(1)
    x = pb.ones(3, device="cuda", requires_grad=True)
    with driver.forbidding("to device", "to host", "wait"):
        (2.5 * x + 1 - x / 3).sum().backward()
    assert x.grad.tolist() == pytest.approx([2.5 - 1 / 3] * 3)


# --- no memory left --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "call"),
    [
        ("sin", pb.sin),
        ("multiply", lambda x: x * x),
        ("matmul", lambda x: x @ x),
        ("repeat", lambda x: pb.repeat(x, 9, axis=0)),
    ],
)
def test_the_error_says_what_where_and_how_much(install: Install, op: str, call: Callable[[Any], Any]) -> None:
    driver = install(2)
    x = pb.ones(100, 100, device="cuda:1", requires_grad=True)
    driver.memory = 50_000
    with pytest.raises(GpuMemoryError, match=f"^{op}: no memory left on cuda:1. Out of memory allocating") as caught:
        call(x)
    assert isinstance(caught.value, MemoryError)
    assert "arrays hold" in str(caught.value)
    assert "checkpoint" in str(caught.value)
    assert driver.current == 0


def test_after_a_forward_op_without_memory_the_graph_is_as_it_was(install: Install) -> None:
    driver = install(1)
    x = pb.ones(100, 100, device="cuda", requires_grad=True)
    y = (x * x).sum()
    driver.memory, enough = driver.used[0] + 10_000, driver.memory
    with pytest.raises(GpuMemoryError):
        pb.sin(x)
    assert x.grad is None
    driver.memory = enough
    y.backward()
    assert x.grad[0, 0].item() == 2.0


def test_after_a_pass_without_memory_no_grad_has_changed_and_it_can_be_made_again(install: Install) -> None:
    driver = install(1)
    x = pb.ones(100, 100, device="cuda", requires_grad=True)
    w = pb.ones(100, 100, device="cuda", requires_grad=True)
    (x * w).sum().backward()
    before = [x.grad[0, 0].item(), w.grad[0, 0].item()]
    loss = pb.sin(pb.exp(x) * w).sum()
    used = driver.used[0]
    enough, driver.memory = driver.memory, used + 60_000  # for one array, and no more
    with pytest.raises(GpuMemoryError, match=r"Backward0: no memory left on cuda:0"):
        loss.backward(retain_graph=True)
    assert [x.grad[0, 0].item(), w.grad[0, 0].item()] == before
    driver.memory = enough
    assert driver.used[0] == used, "what the pass had made is gone"
    loss.backward()
    assert x.grad[0, 0].item() == pytest.approx(before[0] + np.cos(np.e) * np.e, rel=1e-5)


def test_an_error_without_figures_is_still_the_error(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = install(1)
    import cupy

    x = pb.ones(100, 100, device="cuda")
    driver.memory = 0
    monkeypatch.setattr(cupy, "get_default_memory_pool", lambda: 1 / 0)
    with pytest.raises(GpuMemoryError, match="no memory left on cuda:0"):
        pb.cos(x)
