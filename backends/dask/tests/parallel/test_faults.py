"""Workers die, come and go, blocks fail once, the scheduler starts anew: the numbers are the same, or the error is clear."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pullback as pb
import pytest
from distributed import Client, Future
from pullback_dask.parallel import BlockError, ClusterError, fit, value_and_grad

RNG = np.random.default_rng(3)
X = RNG.standard_normal((80, 3))
W = pb.asarray(np.array([0.5, -1.0, 2.0]))
BLOCKS = 8

Pids = Callable[[Client], list[int]]
Until = Callable[[Callable[[], object]], None]


def block(number: int) -> Any:
    return X[number * 10 : number * 10 + 10]


def blocks() -> list[Any]:
    by_value = dask.delayed(lambda rows: rows, pure=False)
    return [by_value(block(number)) for number in range(BLOCKS)]


def slow(folder: Path | None = None, seconds: float = 0.1) -> Callable[..., Any]:
    """A loss that takes its time, and leaves a file in a folder when it begins."""

    def function(w, x):
        if folder is not None:
            (folder / f"{os.getpid()}-{time.time_ns()}").touch()
        time.sleep(seconds)
        return pb.tanh(x @ w).square().mean()

    return function


def bits(result: Any) -> list[Any]:
    return [leaf.tolist() for leaf in pb.tree.leaves(result)]


@pytest.fixture(scope="module")
def expected(mortal: Client) -> list[Any]:
    """The bits that an undisturbed cluster computes."""
    return bits(value_and_grad(slow(seconds=0.0), client=mortal)(W, blocks()))


def killed_in_mid_step(victims: list[int], folder: Path, until: Until) -> threading.Thread:
    """Kills these processes as soon as two blocks have begun."""

    def kill() -> None:
        until(lambda: len(list(folder.iterdir())) >= 2)
        for victim in victims:
            os.kill(victim, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


@pytest.mark.parametrize(("how_many", "persist"), [(1, False), (2, True)])
def test_a_kill_in_mid_step_changes_no_bit(
    mortal: Client, expected: list[Any], pids: Pids, until: Until, tmp_path: Path, how_many: int, persist: bool
):
    """When both workers are gone, so are all copies of the parameters, and what they had computed."""
    victims = pids(mortal)[:how_many]
    step = value_and_grad(slow(tmp_path), client=mortal, persist=persist)
    killer = killed_in_mid_step(victims, tmp_path, until)
    found = step(W, blocks())
    killer.join()
    assert bits(found) == expected
    assert not set(victims) & set(pids(mortal))


def test_workers_that_join_and_leave_change_no_bit(mortal: Client, expected: list[Any], pids: Pids, until: Until):
    pids(mortal)
    step = value_and_grad(slow(), client=mortal)

    def workers() -> int:
        return len(mortal.scheduler_info()["workers"])

    mortal.cluster.scale(3)
    until(lambda: workers() == 3)
    assert bits(step(W, blocks())) == expected
    leaver = threading.Timer(0.3, mortal.cluster.scale, [2])
    leaver.start()
    assert bits(step(W, blocks())) == expected
    leaver.join()
    until(lambda: workers() == 2)


@pytest.mark.parametrize("where", ["function", "data"])
def test_a_block_that_raises_once_is_tried_again(mortal: Client, expected: list[Any], tmp_path: Path, where: str):
    def once(number):
        try:
            (tmp_path / f"{where}-{number}").touch(exist_ok=False)
        except FileExistsError:
            return
        raise RuntimeError("the first time")

    def function(w, x):
        if where == "function":
            once(x[0, 0].item())
        return pb.tanh(x @ w).square().mean()

    def made(number, rows):
        if where == "data":
            once(number)
        return rows

    def data():
        return [dask.delayed(made)(number, block(number)) for number in range(BLOCKS)]

    assert bits(value_and_grad(function, client=mortal)(W, data())) == expected
    assert len(list(tmp_path.iterdir())) == BLOCKS
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(BlockError, match="RuntimeError: the first time"):
        value_and_grad(function, retries=0, client=mortal)(W, data())


def test_a_block_that_kills_its_worker_is_named(mortal: Client, pids: Pids):
    pids(mortal)
    third = block(3)[0, 0].item()

    def fatal(w, x):
        if x[0, 0].item() == third:
            os.kill(os.getpid(), signal.SIGKILL)
        return (x @ w).mean()

    def allow(failures: int) -> None:
        mortal.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", failures))

    allow(0)
    try:
        with pytest.raises(
            ClusterError, match=r"lost a step, 1 times in a row.* (block \d) ran on 1 workers that died.*tcp"
        ):
            value_and_grad(fatal, attempts=1, client=mortal)(W, blocks())
    finally:
        allow(3)


def test_training_through_kills_ends_with_the_same_bits(mortal: Client, pids: Pids):
    """The workers die at random moments; `benchmarks/dask_faults.py` does it thirty times."""
    pids(mortal)

    def update(w, gradient):
        return w - 0.5 * gradient

    quiet = fit(slow(seconds=0.0), W, blocks(), update, steps=30, progress=False, client=mortal)
    rng, stop, kills = random.Random(5), threading.Event(), []

    def kill() -> None:
        while len(kills) < 3 and not stop.wait(rng.uniform(0.2, 0.6)):
            victims = pids(mortal)
            stop.wait(rng.uniform(0.0, 0.5))
            os.kill(rng.choice(victims), signal.SIGKILL)
            kills.append(time.monotonic())

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        disturbed = fit(
            slow(seconds=0.02),
            W,
            blocks(),
            update,
            steps=30,
            progress=False,
            persist=True,
            client=mortal,
            on_step=lambda report: None if len(kills) == 3 or report.step < 25 else time.sleep(2.0),
        )
    finally:
        stop.set()
        killer.join()
    assert kills
    assert bits(disturbed.params) == bits(quiet.params)
    assert disturbed.losses == quiet.losses


def test_persisted_data_without_their_origin_are_an_error(mortal: Client, pids: Pids):
    pids(mortal)
    (future,) = mortal.scatter([block(0)])
    step = value_and_grad(slow(seconds=0.0), client=mortal, attempts=2)
    step(W, [future])
    for pid in pids(mortal):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(ClusterError, match="were persisted, and the cluster lost them"):
        step(W, [future])
    assert isinstance(future, Future)


# --- the scheduler ----------------------------------------------------------------------------------------------------


class Restartable:
    """A scheduler and a worker in processes of their own, which a test may end and start again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        local = ["--host", "127.0.0.1"]
        scheduler = ["scheduler", *local, "--port", str(self.port), "--no-dashboard"]
        worker = ["worker", self.address, *local, "--no-nanny", "--no-dashboard", "--nthreads", "1"]
        worker += ["--local-directory", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            self.processes = [
                subprocess.Popen([sys.executable, "-m", "dask", *arguments], stdout=log, stderr=log)
                for arguments in (scheduler, worker)
            ]

    def kill(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(timeout=10)


@pytest.fixture
def restartable(tmp_path: Path) -> Iterator[Restartable]:
    made = Restartable(tmp_path)
    made.start()
    yield made
    made.kill()


def test_a_scheduler_that_starts_anew_between_steps(restartable: Restartable, expected: list[Any]):
    """The client finds it again, and blocks that were persisted are made again; without it, there is an error in time."""
    with Client(restartable.address, set_as_default=False, timeout=60) as client:
        plain = value_and_grad(slow(seconds=0.0), client=client, patience=60.0)
        kept = value_and_grad(slow(seconds=0.0), client=client, patience=60.0, persist=True)
        data = blocks()
        assert bits(plain(W, data)) == bits(kept(W, data)) == expected
        restartable.kill()
        restartable.start()
        assert bits(plain(W, data)) == bits(kept(W, data)) == expected
        restartable.kill()
        start = time.monotonic()
        hasty = value_and_grad(slow(seconds=0.0), client=client, patience=1.0)
        with pytest.raises(ClusterError, match=f"the scheduler {restartable.address}: it cannot be reached|is closed"):
            hasty(W, data)
        assert time.monotonic() - start < 60
