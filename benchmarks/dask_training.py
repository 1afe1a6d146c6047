"""What gradients on a Dask cluster cost beside the NumPy backend in one process: `python benchmarks/dask_training.py`.

A step (loss and all gradients) of three models on rows of 20 float64 features, in three forms: the NumPy backend on all
rows, the data-parallel form, and the array form, the last two on a cluster of two processes of one thread each on this
machine, with their blocks in memory. BLAS has one thread everywhere. The forms take turns, with other parameters in each
round; a ratio is taken within each round and the median counts. The workers keep freed memory (`--trim`: they give it
back, as Dask has them do; all that touches large arrays then waits for the system).

The numbers are compared, too: "eps" is the largest difference of a loss or gradient to that of the NumPy backend, over the
largest element of the loss or of all gradients, in units in the last place.

`--memory` passes 8 GB of generated rows through workers that may have 1.5 GB each, once, and prints the peak of each.
`--tasks` measures what a task costs the scheduler, and `--step` what parameters cost.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dask
import dask.array as da
import numpy as np
import pullback as pb
import threadpoolctl
from distributed import Client, LocalCluster
from pullback_dask import to_dask, value_and_grad

FEATURES, HIDDEN = 20, 16
Model = Callable[[Any, Any, Any], Any]


def linear(params: Any, x: Any, y: Any) -> Any:
    """Squared error of a linear model."""
    return (x @ params["w"] + params["b"] - y).square().mean()


def logistic(params: Any, x: Any, y: Any) -> Any:
    """Minus the log-likelihood of the sign of y."""
    margins = (x @ params["w"] + params["b"]) * pb.sign(y)
    return pb.log1p(pb.exp(-margins)).mean()


def net(params: Any, x: Any, y: Any) -> Any:
    """Squared error of a net of two layers."""
    return (pb.tanh(x @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"] - y).square().mean()


MODELS: dict[str, tuple[Model, dict[str, tuple[int, ...]]]] = {
    "linear": (linear, {"w": (FEATURES,), "b": ()}),
    "logistic": (logistic, {"w": (FEATURES,), "b": ()}),
    "net": (net, {"w1": (FEATURES, HIDDEN), "b1": (HIDDEN,), "w2": (HIDDEN,), "b2": ()}),
}
FORMS = ("numpy", "parallel", "array")
KEEPING = {"MALLOC_TRIM_THRESHOLD_": str(128 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
"""Environment of workers that keep freed memory, as pullback's NumPy backend does where nobody says otherwise; Dask does."""


def parameters(shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Small random numbers, always the same."""
    rng = np.random.default_rng(1)
    return {name: pb.asarray(np.asarray(0.3 * rng.standard_normal(shape))) for name, shape in shapes.items()}


def rows(count: int, blocks: int) -> tuple[Any, Any]:
    """Generated rows and what is to be predicted, as Dask arrays."""
    rng = da.random.default_rng(0)
    x = rng.standard_normal((count, FEATURES), chunks=(-(-count // blocks), FEATURES))
    return x, target(x)


def target(x: Any) -> Any:
    """A smooth function of a row."""
    return da.tanh(x[:, 0] - x[:, 1]) + 0.5 * x[:, 2]


@contextmanager
def cluster(**options: Any) -> Iterator[Client]:
    """Two processes of one thread each."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0", silence_logs=50, **options
        ) as made,
        Client(made) as client,
    ):
        client.run(_warm)
        yield client


def _warm() -> None:
    """Import what the first step would import."""
    pb.func.grad(lambda x: (x * x).sum())(pb.asarray(np.ones(2)))


def seconds(run: Callable[..., Any], *args: Any) -> tuple[float, Any]:
    """How long a call takes on the wall, and its result."""
    start = time.perf_counter()
    result = run(*args)
    return time.perf_counter() - start, result


def distance(found: Any, wanted: Any) -> float:
    """The largest difference of a loss or gradient, in units in the last place of the largest of them."""
    return max(_distance(a, b) for a, b in zip(found, wanted, strict=True))


def _distance(found: Any, wanted: Any) -> float:
    leaves = zip(pb.tree.leaves(found), pb.tree.leaves(wanted), strict=True)
    pairs = [(a.to("cpu").numpy(), b.numpy()) for a, b in leaves]
    scale = max(np.abs(b).max() for _, b in pairs)
    return float(max(np.abs(a - b).max() for a, b in pairs) / (scale * np.finfo(np.float64).eps))


def compare(client: Client, name: str, count: int, blocks: int, rounds: int, forms: list[str]) -> None:
    """Measure one model at one number of rows, and print a line."""
    model, shapes = MODELS[name]
    start = parameters(shapes)
    x, y = client.persist(rows(count, blocks))
    raw = (pb.asarray(x.compute()), pb.asarray(y.compute())) if "numpy" in forms else ()
    step = value_and_grad(model, client=client)

    def in_arrays(params: Any) -> Any:
        there = {key: value.to("dask") for key, value in params.items()}
        result = pb.func.value_and_grad(model)(there, pb.asarray(x), pb.asarray(y))
        arrays = dask.compute(*map(to_dask, pb.tree.leaves(result)))  # in one go, and brought here as the others are
        return pb.tree.unflatten(result, [pb.asarray(np.asarray(array)) for array in arrays])

    runs: dict[str, Callable[[Any], Any]] = {
        "numpy": lambda params: pb.func.value_and_grad(model)(params, *raw),
        "parallel": lambda params: step(params, x, y),
        "array": in_arrays,
    }
    taken: dict[str, list[float]] = {form: [] for form in forms}
    results: dict[str, Any] = {}
    for number in range(rounds + 1):
        params = {key: (1 + 0.1 * number) * value for key, value in start.items()}  # nobody may remember a result
        for form in forms:
            spent, results[form] = seconds(runs[form], params)
            if number:  # the first round is thrown away
                taken[form].append(spent)
    cells: list[float | None] = [statistics.median(taken[form]) if form in taken else None for form in FORMS]
    for one, other in (("parallel", "numpy"), ("array", "parallel")):
        both = one in taken and other in taken
        cells.append(statistics.median(a / b for a, b in zip(taken[one], taken[other], strict=True)) if both else None)
    wanted = results.get("numpy")
    cells += [distance(results[form], wanted) if form in results and wanted else None for form in FORMS[1:]]
    line = "".join(f"{'-':>10}" if cell is None else f"{cell:>10.3f}" for cell in cells)
    print(f"{name:9}{count:>10,}{blocks:>8}{line}", flush=True)


def training(options: argparse.Namespace) -> None:
    """The table."""
    print(f"{'model':9}{'rows':>10}{'blocks':>8}{'numpy s':>10}{'par. s':>10}{'array s':>10}", end="")
    print(f"{'par/np':>10}{'arr/par':>10}{'eps par':>10}{'eps arr':>10}")
    with cluster(env={} if options.trim else KEEPING) as client:
        for count in options.rows:
            for name in options.models:
                compare(client, name, count, options.blocks or max(4, count // 625_000), options.rounds, options.forms)
    print(f"load average {', '.join(f'{load:.1f}' for load in os.getloadavg())} on {os.cpu_count()} cores")


def peaks(client: Client) -> list[float]:
    """The largest resident memory that each worker has had, in GB."""
    return sorted(client.run(lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9).values())


def memory(options: argparse.Namespace) -> None:
    """One pass over generated rows that are larger than all workers together may be."""
    row = 8 * (FEATURES + 1)
    count = int(options.gigabytes * 1e9 / row)
    blocks = -(-count * row // 64_000_000)
    with dask.config.set({"distributed.worker.memory.terminate": 0.95}), cluster(memory_limit="1.5GB") as client:
        x, y = rows(count, blocks)
        for name in options.models:
            model, shapes = MODELS[name]
            step = value_and_grad(model, client=client)
            spent, (loss, _) = seconds(step, parameters(shapes), x, y)
            print(
                f"{name}: {count * row / 1e9:.1f} GB in {blocks} blocks, {spent:.0f} s, {count / spent / 1e6:.2f} M rows/s, "
                f"loss {loss.item():.6f}, peak of each worker {', '.join(f'{peak:.2f}' for peak in peaks(client))} GB",
                flush=True,
            )


def tasks(_: argparse.Namespace) -> None:
    """What a task costs: steps over more and more blocks of one row each."""
    params = parameters(MODELS["linear"][1])
    with cluster() as client:
        for blocks in (10, 100, 1000, 4000):
            x, y = client.persist(rows(blocks, blocks))
            step = value_and_grad(linear, client=client)
            step(params, x, y)
            spent = min(seconds(step, params, x, y)[0] for _ in range(3))
            level, count = blocks, blocks + 1
            while level > 1:
                level = -(-level // 8)
                count += level
            print(
                f"{blocks:5} blocks, {count:5} tasks: {spent * 1e3:8.1f} ms, {count / spent:6.0f} tasks/s", flush=True
            )


def steps(_: argparse.Namespace) -> None:
    """What parameters cost: a step of one row for each worker, with more and more parameters."""

    def touch(w: Any, x: Any) -> Any:
        return (w[:1] * x).mean()

    with cluster() as client:
        x = client.persist(da.ones((2, 1), chunks=(1, 1)))
        for megabytes in (0.001, 1, 10, 100):
            w = pb.asarray(np.ones(int(megabytes * 1e6 / 8)))
            step = value_and_grad(touch, client=client)
            step(w, x)
            spent = min(seconds(step, w, x)[0] for _ in range(3))
            print(f"{megabytes:8} MB of parameters: {spent * 1e3:8.1f} ms", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=float, nargs="+", default=[1e5, 1e6, 1e7])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--blocks", type=int, help="how many (default: one for 625,000 rows, at least 4)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--trim", action="store_true", help="workers that give freed memory back, which is Dask's default"
    )
    parser.add_argument("--gigabytes", type=float, default=8.0, help="for --memory")
    for name in ("memory", "tasks", "step"):
        parser.add_argument(f"--{name}", action="store_true")
    options = parser.parse_args(argv)
    options.rows = [int(count) for count in options.rows]
    chosen = [run for flag, run in ((options.memory, memory), (options.tasks, tasks), (options.step, steps)) if flag]
    with threadpoolctl.threadpool_limits(1):  # those of the workers are limited by Dask
        for run in chosen or [training]:
            run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
