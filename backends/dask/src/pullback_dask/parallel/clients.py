"""The Dask client: which one, and whether its cluster is alive. Every wait here has an end."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import CancelledError
from typing import Any

from distributed import Client, get_client
from distributed.scheduler import KilledWorker

from pullback_dask.parallel.errors import ClusterError

_LOST = (CancelledError, asyncio.CancelledError, KilledWorker, OSError, TimeoutError)
"""What a call to a cluster raises that lost a worker or its scheduler (a closed connection is an `OSError`)."""

_PAUSE = 0.2
"""Seconds between two looks for a worker."""
_LOOK = 1.0
"""Seconds after which a computation that goes on is taken for one that may have lost all its workers."""
_FETCH = 60.0
"""Seconds that fetching a result may take at least."""


def resolved(client: Client | None) -> Client:
    """`client`, or the one that was made last. Raises `ClusterError` if there is none, or if it is an asynchronous one."""
    if client is None:
        try:
            client = get_client()
        except ValueError:
            raise ClusterError(
                "there is no Dask client: write client = distributed.Client() for a cluster of processes on this machine, "
                "or distributed.Client('tcp://host:8786') for one that runs"
            ) from None
    if client.asynchronous:
        raise ClusterError("the Dask client is asynchronous; make one with Client(..., asynchronous=False)")
    return client


def workers(client: Client) -> int:
    """How many workers there are; none if the scheduler does not answer."""
    if client.status != "running":
        return 0
    try:
        return len(client.scheduler_info(n_workers=-1)["workers"])
    except (OSError, TimeoutError, TypeError, AttributeError):  # the last two: the connection went away meanwhile
        return 0


def wait_for_workers(client: Client, patience: float) -> None:
    """Wait until there is a worker, `patience` seconds at most. Raises `ClusterError` after that."""
    deadline = time.monotonic() + patience
    while not workers(client):
        if client.status == "closed":
            raise ClusterError(
                f"the client's connection to the scheduler {address(client)} is closed, and Dask gave up making it again: "
                f"make a new Client; what was trained up to the last checkpoint is in its file"
            )
        if time.monotonic() > deadline:
            state = (
                "it has no workers" if client.status == "running" else f"it cannot be reached (client: {client.status})"
            )
            raise ClusterError(
                f"the scheduler {address(client)}: {state}, for {patience:g} seconds now (patience={patience:g}); start "
                f"workers with `dask worker {address(client)}`"
            )
        time.sleep(_PAUSE)


def address(client: Client) -> str:
    """Where the scheduler is."""
    return str(client.scheduler.address) if client.scheduler is not None else "of this client"


def result(future: Any, client: Client, patience: float) -> Any:
    """The result of a future. However long it takes, there must be workers: see `wait_for_workers`.

    `future.result(timeout)` is not asked again and again: a timeout in the middle of fetching a large result begins it anew.
    """
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    while not (done.wait(_LOOK) or future.done()):
        wait_for_workers(client, patience)
    return future.result(timeout=max(patience, _FETCH))


def is_lost(error: BaseException, status: str) -> bool:
    """Whether the cluster lost a computation, rather than that the computation failed. `status` is that of its future."""
    return isinstance(error, KilledWorker) or (status != "error" and isinstance(error, _LOST))
