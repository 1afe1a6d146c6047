"""Two worker processes on the loopback interface, started once for a file of tests and gone after it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import psutil
import pytest
from distributed import Client, LocalCluster

PATIENCE = 60.0
"""Seconds that a test waits for something before it fails."""


def cluster(**options: object) -> LocalCluster:
    """Two workers of one thread each, on a port of their own, without a dashboard."""
    return LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=50,
        **options,
    )


def children() -> set[int]:
    """The processes below this one that still run."""
    return {child.pid for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    before = children()
    with cluster() as made, Client(made) as connected:
        yield connected
    deadline = time.monotonic() + PATIENCE
    while left := {pid for pid in children() - before if not _is_helper(pid)}:
        assert time.monotonic() < deadline, f"these processes were left behind: {left}"
        time.sleep(0.05)


def _is_helper(pid: int) -> bool:
    """Python's own resource tracker lives as long as the process that started it."""
    try:
        return "resource_tracker" in " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def both_workers(client: Client) -> Client:
    """The client when both workers are there: a test before may have killed one."""
    client.wait_for_workers(2, timeout=PATIENCE)
    return client


def pids(client: Client) -> list[int]:
    """The processes of the workers."""
    return sorted(client.run(os.getpid).values())
