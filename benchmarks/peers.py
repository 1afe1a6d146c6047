"""The libraries that are measured, in the order in which they run and stand in the table."""

from __future__ import annotations

import importlib
import os
from importlib.metadata import PackageNotFoundError, version

PEERS = {
    "pullback": "pullback",
    "torch": "torch",
    "autograd": "autograd",
    "mygrad": "mygrad",
    "jax": "jax",
    "numpy": "numpy",
}
"""Name in the tables -> name of the distribution. `numpy` is the computation written by hand, without a library."""

WORKLOADS = (
    "scalar_forward",
    "scalar_chain",
    "scalar_products",
    "vector_products",
    "vector_multiply",
    "sine_fit",
    "legendre_fit",
    "relu_net",
    "relu_net_data",
    "tanh_net",
    "sgd_step",
    "big_expression",
    "million_nodes",
)

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}
"""The environment of every worker. Libraries read it when they are imported."""


def installed() -> list[str]:
    """The peers that can be measured here."""
    found = []
    for name, distribution in PEERS.items():
        try:
            version(distribution)
        except PackageNotFoundError:  # asking for the module would find any folder of its name
            continue
        found.append(name)
    return found


def versions(names: list[str]) -> dict[str, str]:
    """The versions of the distributions behind these peers."""
    return {name: version(PEERS[name]) for name in names}


def prepare(peer: str) -> None:
    """Settings that a peer has no environment variable for."""
    missing = [name for name, value in ONE_THREAD.items() if os.environ.get(name) != value]
    if missing:
        raise RuntimeError(f"a worker must start with one thread; not set: {', '.join(missing)}")
    if peer == "torch":
        torch = importlib.import_module("torch")
        torch.set_num_threads(1)
        torch.set_num_interop_threads(1)


def has(workload: str, peer: str) -> bool:
    """Whether a workload is written for this peer."""
    return hasattr(importlib.import_module(f"workloads.{workload}"), f"with_{peer}")
