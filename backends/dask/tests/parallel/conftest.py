"""Two worker processes on the loopback interface, started once and gone after the tests."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import dask
import psutil
import pytest
from distributed import Client, LocalCluster

PATIENCE = 120.0
"""Seconds that a test waits for something before it fails."""
LIMIT = 300
"""Seconds that a test may take."""


def children() -> set[int]:
    """The processes below this one that run, but for those that Python keeps for itself."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        try:
            helper = "resource_tracker" in " ".join(child.cmdline())
            if not helper and child.status() != psutil.STATUS_ZOMBIE:
                found.add(child.pid)
        except psutil.NoSuchProcess:
            pass
    return found


def wait_until(true: Callable[[], object]) -> None:
    """Wait for something to become true, but not for ever."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def two_workers() -> Iterator[Client]:
    """A client of two workers of one thread each, without a dashboard; when it goes, no process is left."""
    before = children()
    with (
        # LocalCluster looks 15 s after a death, and gives up a worker that is not there then, if only because it died again
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=":0",
            silence_logs=50,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client
    wait_until(lambda: not children() - before)


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """Two workers that live as long as the tests."""
    yield from two_workers()


@pytest.fixture(scope="module")
def mortal() -> Iterator[Client]:
    """Two workers for the tests of one file, which kill them."""
    yield from two_workers()


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """No test waits for ever, whatever the cluster does."""

    def ring(signum: int, frame: object) -> None:
        raise TimeoutError(f"the test took more than {LIMIT} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """`wait_until`: files of tests cannot import each other."""
    return wait_until


@pytest.fixture
def running() -> Callable[[], set[int]]:
    """`children`."""
    return children


@pytest.fixture
def pids() -> Callable[[Client], list[int]]:
    """The processes of the workers, when there are two of them."""

    def both(client: Client) -> list[int]:
        client.wait_for_workers(2, timeout=PATIENCE)
        return sorted(client.run(os.getpid).values())

    return both
