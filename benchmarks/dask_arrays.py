"""What the array form costs on one machine beside NumPy: `python benchmarks/dask_arrays.py --rows 1e6 1e7`.

A step (loss and all gradients, one `pb.compute`) of linear regression on rows of 20 float64 features that are in memory,
on the NumPy backend and on Dask arrays of the same data in Dask's threads. BLAS has one thread in both. The two take turns,
a ratio is taken within each round, and the median counts. "eps" is the largest difference of the loss and the gradients
to those of the NumPy backend, over the largest element of each, in units in the last place. The first line says how many
milliseconds of a step are building alone.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import dask
import dask.array as da
import numpy as np
import pullback as pb
import threadpoolctl

FEATURES = 20


def step(x: Any, y: Any, w: Any, b: Any) -> list[Any]:
    """The loss and its gradients."""
    loss = (x @ w + b - y).square().mean()
    loss.backward()
    grads, w.grad, b.grad = [w.grad, b.grad], None, None
    return [loss, *grads]


def computed(*operands: Any) -> list[Any]:
    """The same, as NumPy arrays."""
    out = step(*operands)
    pb.compute(out)
    return [x.detach().to("cpu").numpy() for x in out]


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result of a call."""
    start = time.perf_counter()
    out = function()
    return time.perf_counter() - start, out


def parameters(device: str) -> tuple[Any, Any]:
    """Weights and intercept."""
    made = [pb.full(shape, 0.1, dtype=pb.float64, device=device, requires_grad=True) for shape in ((FEATURES,), ())]
    return made[0], made[1]


def main() -> None:
    """Print one line for each number of rows and size of chunks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6])
    parser.add_argument("--chunk", nargs="+", default=["32MiB"], help="bytes of x in a chunk")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    threadpoolctl.threadpool_limits(1)
    dask.config.set(scheduler="threads", num_workers=options.threads)
    rng = np.random.default_rng(0)
    for rows in map(int, options.rows):
        x = rng.standard_normal((rows, FEATURES))
        y = x @ np.arange(float(FEATURES)) + 1
        here = pb.asarray(x, copy=False), pb.asarray(y, copy=False), *parameters("cpu")
        for chunk in options.chunk:
            length = max(1, dask.utils.parse_bytes(chunk) // (8 * FEATURES))
            chunked = pb.asarray(da.from_array(x, chunks=(length, -1))), pb.asarray(da.from_array(y, chunks=length))
            there = *chunked, *parameters("dask")
            rounds = []
            for _ in range(options.rounds + 1):  # the first one warms up
                own, wanted = timed(lambda args=here: computed(*args))
                other, found = timed(lambda args=there: computed(*args))
                rounds.append((own, other))
            built = min(timed(lambda args=there: step(*args))[0] for _ in range(3))
            ratio = statistics.median(b / a for a, b in rounds[1:])
            apart = max(float(np.max(np.abs(a - b)) / np.max(np.abs(a))) for a, b in zip(wanted, found, strict=True))
            print(
                f"{rows:.0e} rows, chunks of {chunk}: NumPy {min(a for a, _ in rounds[1:]):.3f} s, "
                f"Dask {min(b for _, b in rounds[1:]):.3f} s (building {built:.3f} s), ratio {ratio:.2f}, "
                f"{apart / np.finfo(float).eps:.0f} eps",
                flush=True,
            )


if __name__ == "__main__":
    main()
