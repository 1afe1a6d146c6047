"""A training run while workers are killed, beside the same run in peace: `python benchmarks/dask_faults.py --kills 30`.

A cluster of two processes on this machine trains a net of two layers; a thread sends SIGKILL to one of the workers that
are there, at random moments, also when it is the only one. The parameters and the losses of the two runs must have the
same bits: exit status 1 if they do not.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import threading
import time
from typing import Any

import dask
import dask.array as da
import numpy as np
import pullback as pb
from distributed import Client, LocalCluster
from pullback_dask import fit


def loss(params: Any, x: Any, y: Any) -> Any:
    """Squared error of a net of two layers."""
    return (pb.tanh(x @ params["w1"] + params["b1"]) @ params["w2"] - y).square().mean()


def update(params: Any, grads: Any) -> Any:
    """Gradient descent."""
    return {name: value - 0.05 * grads[name] for name, value in params.items()}


class Killer(threading.Thread):
    """Kills a worker at a random moment of the next seconds, again and again until it has killed enough."""

    def __init__(self, cluster: LocalCluster, kills: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.cluster = cluster
        self.left = kills
        self.rng = random.Random(seed)
        self.done = threading.Event()

    def run(self) -> None:
        while self.left and not self.done.wait(self.rng.uniform(0.1, 2.0)):
            there = {worker.name for worker in list(self.cluster.scheduler.workers.values())}
            nannies = [nanny for name, nanny in self.cluster.workers.items() if name in there]
            # a nanny whose worker dies while it still waits for its first sign of life gives up
            victims = sorted(nanny.pid for nanny in nannies if nanny.process and nanny.process.status.name == "running")
            if victims:
                os.kill(self.rng.choice(victims), signal.SIGKILL)
                self.left -= 1
                print(f"killed one of {len(victims)} workers, {self.left} to go", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Train twice and compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--blocks", type=int, default=16)
    options = parser.parse_args(argv)
    rng = np.random.default_rng(2)
    shapes = {"w1": (20, 32), "b1": (32,), "w2": (32,)}
    params = {name: pb.asarray(0.3 * rng.standard_normal(shape)) for name, shape in shapes.items()}
    x = da.random.default_rng(0).standard_normal((options.rows, 20), chunks=(-(-options.rows // options.blocks), 20))
    y = da.tanh(x[:, 0] - x[:, 1])
    with (
        # LocalCluster looks 15 s after a death, and gives up a worker that is not there then
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0", silence_logs=50
        ) as cluster,
        Client(cluster) as client,
    ):
        options_of_fit = {"persist": True, "progress": False, "client": client, "patience": 600.0, "attempts": 50}
        killer = Killer(cluster, options.kills, options.seed)
        killer.start()
        start = time.perf_counter()
        current, losses, steps, lost, chunk = params, list[float](), 0, 0, 10
        while killer.left:  # as many steps as the kills take
            disturbed = fit(loss, current, (x, y), update, steps=chunk, **options_of_fit)
            current, steps, lost = disturbed.params, steps + chunk, lost + disturbed.lost
            losses += disturbed.losses
        killer.done.set()
        killer.join()
        spent = time.perf_counter() - start
        client.wait_for_workers(2, timeout=120)
        start = time.perf_counter()
        peace = fit(loss, params, (x, y), update, steps=steps, **options_of_fit)
        print(f"{steps} steps of {options.blocks} blocks, {options.kills} kills, seed {options.seed}")
        calm = time.perf_counter() - start
        print(f"with kills {spent:.0f} s, in peace {calm:.0f} s; {lost} steps were begun again by us")
    same = peace.losses == losses and all(
        np.array_equal(a.numpy(), b.numpy()) for a, b in zip(current.values(), peace.params.values(), strict=True)
    )
    print(f"loss {losses[0]:.6f} -> {losses[-1]:.6f}; the same bits: {'yes' if same else 'NO'}")
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())
