"""How long things live and who sees them: memory, modes, threads, tasks, devices."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import Any

import numpy as np
import pullback as pb

from pullback_conformance.engine.trial import equal, in_thread, refused, trial
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
    barrier = threading.Barrier(8)
    wrong: list[str] = []

    def work(k: int) -> None:
        try:
            barrier.wait(30)
            for _ in range(10):
                (found,) = pb.autograd.grad(pb.sum(pb.sin(shared * k) * shared), shared)
                t = np.asarray([1.0, 2.0])
                if not np.allclose(host(found), np.sin(k * t) + k * t * np.cos(k * t), rtol=1e-5, atol=1e-5):
                    wrong.append(f"thread {k} has {host(found)}")
        except BaseException as error:  # noqa: BLE001  carried over
            wrong.append(repr(error))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong, wrong[0]


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
