"""How long things live and who sees them: memory, modes, threads, tasks, devices."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
from pullback.extend import elementwise

from pullback_conformance.engine.trial import equal, in_thread, refused, together, trial
from pullback_conformance.placing import host, place

DEEP = 20_000


@trial("E08.leak", "A graph dies with its last reference, without the collector.", 4)
def _(leaf: Any, device: str) -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = x
        for _ in range(10):
            y = pb.sin(y) * y
        loss = pb.sum(y)
        kept = weakref.ref(loss)
        loss.backward()
        middle = weakref.ref(y)
        del y, loss
        assert kept() is None, "the loss outlives its last reference: there is a cycle"
        assert middle() is None, "a result outlives its last reference: there is a cycle"
    finally:
        gc.enable()


@trial("E09.growth", "Fifty steps of a program leave no objects behind.", 4)
def _(leaf: Any, device: str) -> None:
    def step() -> None:
        x = leaf(1.0, 2.0)
        pb.sum(pb.sin(x) * pb.exp(x)).backward()

    lazy = pb.device(device).backend.capabilities.lazy
    for _ in range(100 if lazy else 5):  # what builds graphs fills caches of its own, of a bounded size
        step()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(50):
        step()
    gc.collect()
    grown = len(gc.get_objects()) - before
    assert grown < 25, f"{grown} objects more after fifty steps"


@trial("E10.mode", "no_grad ends with its block, also after an exception, and is not seen by other threads.")
def _(leaf: Any, device: str) -> None:
    try:
        with pb.no_grad():
            assert not (leaf(1.0) * 2).requires_grad, "no_grad records"
            assert in_thread(lambda: (leaf(1.0) * 2).requires_grad), "no_grad reaches another thread"
            raise KeyError
    except KeyError:
        pass
    assert pb.is_grad_enabled(), "no_grad survives an exception"
    assert (leaf(1.0) * 2).requires_grad, "nothing is recorded after an exception in no_grad"


@trial("E16.deep", "A chain of 20,000 operations differentiates and dies without recursion.", 2)
def _(leaf: Any, device: str) -> None:
    x = leaf(1.0)
    y = x
    for _ in range(DEEP):
        y = y + 1
    y.backward()
    equal(x.grad, 1.0)
    del y


@trial("E17.freed", "A second pass over a freed graph is an error; with retain_graph it is not.")
def _(leaf: Any, device: str) -> None:
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    equal(x.grad, 8.0)
    refused(pb.errors.GraphFreedError, y.backward, "a second pass")
    equal(x.grad, 8.0)


@trial("E20.parallel", "Threads on graphs of their own, over shared leaves, do not disturb each other.", 4)
def _(leaf: Any, device: str) -> None:
    shared = leaf(1.0, 2.0)
    t = np.asarray([1.0, 2.0])

    def work(k: int) -> None:
        for _ in range(10):
            (found,) = pb.autograd.grad(pb.sum(pb.sin(shared * k) * shared), shared)
            right = np.sin(k * t) + k * t * np.cos(k * t)
            assert np.allclose(host(found), right, rtol=1e-5, atol=1e-5), f"thread {k} has {host(found)}"

    together(work)


@trial("E28.concurrent", "One graph serves the passes of eight threads at once, and .grad loses none of them.", 4)
def _(leaf: Any, device: str) -> None:
    x = leaf(0.5, 1.5)
    y = x
    for _ in range(20):
        y = pb.sin(y) + x
    loss = pb.sum(y * y)
    (right,) = pb.autograd.grad(loss, x, retain_graph=True)

    def work(k: int) -> None:
        for _ in range(3):
            (found,) = pb.autograd.grad(loss, x, retain_graph=True)
            assert np.array_equal(host(found), host(right)), f"thread {k} has {host(found)}, alone it was {host(right)}"
            loss.backward(retain_graph=True)

    together(work)
    equal(x.grad, *(24 * host(right)).tolist())


@trial("E29.used", "A graph that several threads use up is used once, or refused; nothing is added by halves.", 4)
def _(leaf: Any, device: str) -> None:
    for _ in range(5):
        x = leaf(2.0)
        loss = pb.exp(x) * x
        passed: list[int] = []

        def work(k: int, loss: Any = loss, passed: list[int] = passed) -> None:
            try:
                loss.backward()
            except pb.errors.GraphFreedError:
                return
            passed.append(k)

        together(work)
        assert passed, "every thread was refused"
        equal(x.grad, len(passed) * 3 * float(np.exp(2.0)))


@trial("E30.first", "The first call of an op may come from several threads.", 4)
def _(leaf: Any, device: str) -> None:
    fresh = elementwise("conformance::fresh", forward=lambda xp, x: x * x, x=lambda xp, t, x: t * (x + x))

    def work(k: int) -> None:
        x = leaf(*range(1, k + 3))  # a shape that nobody has seen yet
        pb.sum(fresh(x)).backward()
        equal(x.grad, *(2.0 * n for n in range(1, k + 3)))

    together(work)


class _Box:
    """Holds one saved Tensor; whether it is alive says whether the graph still does."""

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor


def _boxed(program: Callable[[], Any]) -> tuple[Any, Callable[[], int]]:
    """What a program returns, and how many of the values that its graph saved are alive."""
    boxes: list[weakref.ref[_Box]] = []

    def pack(tensor: Any) -> _Box:
        box = _Box(tensor)
        boxes.append(weakref.ref(box))
        return box

    with pb.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor):
        out = program()
    assert any(box() is not None for box in boxes), "nothing was saved"
    return out, lambda: sum(box() is not None for box in boxes)


@trial("E31.saved", "What a graph saved is let go when it has been used up, though its result lives.", 4)
def _(leaf: Any, device: str) -> None:
    x = leaf(1.0, 2.0)
    loss, alive = _boxed(lambda: pb.sum(pb.exp(x) * x))
    loss.backward()
    assert not alive(), f"{alive()} saved values outlive the pass that used them up"


@trial("E32.pinned", "A rule that raises keeps no graph alive.", 4)
def _(leaf: Any, device: str) -> None:
    def fails(*_: Any) -> Any:
        raise ZeroDivisionError("a rule that fails")

    bad = elementwise("conformance::fails", forward=lambda xp, x: x + 0, x=lambda xp, t: fails())
    x = leaf(1.0, 2.0)
    gc.collect()
    gc.disable()
    try:
        loss, alive = _boxed(lambda: pb.sum(bad(pb.exp(x))))
        refused(ZeroDivisionError, loss.backward, "a failing rule")
        del loss
        assert not alive(), f"{alive()} saved values outlive the pass that failed"
    finally:
        gc.enable()


@trial("E33.process", "Another process, with another hash seed, gives the same bits.", 4)
def _(leaf: Any, device: str) -> None:
    other = os.environ | {"PYTHONHASHSEED": "271" if os.environ.get("PYTHONHASHSEED") != "271" else "314"}
    here = bits(device)
    code = f"from pullback_conformance.engine.lives import bits; print(bits({device!r}))"
    there = subprocess.run(
        [sys.executable, "-c", code], env=other, capture_output=True, text=True, check=False, timeout=300
    )
    assert there.stdout.strip() == here, f"here {here}, there {there.stdout.strip() or there.stderr[-300:]}"


def bits(device: str) -> str:
    """The gradient of a small model on a device, to the last bit."""
    rng = np.random.default_rng(7)
    x, w = (place(rng.standard_normal((3, 3)).astype("float32"), device).requires_grad_() for _ in range(2))
    pb.sum(pb.tanh(pb.matmul(x, w)) * pb.exp(-x * x) / (1 + pb.sum(w * w))).backward()
    return (host(x.grad).tobytes() + host(w.grad).tobytes()).hex()


@trial("E21.async", "Grad mode belongs to its task.")
def _(leaf: Any, device: str) -> None:
    async def quiet(ready: asyncio.Event, done: asyncio.Event) -> None:
        with pb.no_grad():
            ready.set()
            await done.wait()

    async def program() -> bool:
        ready, done = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(quiet(ready, done))
        await ready.wait()
        records = bool((leaf(1.0) * 2).requires_grad)
        done.set()
        await task
        return records

    assert in_thread(lambda: asyncio.run(program())), "no_grad of one task is seen by another"


@trial("E25.mixing", "Operands on different devices are refused before anything runs.")
def _(leaf: Any, device: str) -> None:
    names = [str(d) for d in map(pb.device(device).backend.device, pb.device(device).backend.native_devices())]
    elsewhere = next((name for name in names if name != device), "strict" if "strict" in pb.backends() else None)
    if elsewhere is None or elsewhere == device:
        elsewhere = "cpu"
    x = leaf(1.0)
    if elsewhere != device:
        y = place(np.asarray(1.0, dtype="float32"), elsewhere)
        refused(pb.errors.BackendMismatchError, lambda: x + y, "adding across devices")
    assert str(x.to("cpu").device) == "cpu", "a Tensor does not move"
    (x.to("cpu") * 3).backward()
    equal(x.grad, 3.0)
    assert str(x.grad.device) == device, f"the gradient is on {x.grad.device}"
