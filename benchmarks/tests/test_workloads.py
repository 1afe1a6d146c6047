"""Every peer that is installed computes the same numbers in every workload: they are timed doing the same work."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import peers
import pytest

SMALL = {
    "scalar_forward": {"scalar_forward.COUNT": 30},
    "scalar_chain": {"scalar_forward.COUNT": 30, "scalar_chain.COUNT": 30},
    "scalar_products": {"scalar_products.COUNT": 30},
    "vector_products": {"scalar_products.COUNT": 30},
    "big_expression": {"big_expression.SIZE": 1000},
    "million_nodes": {"million_nodes.COUNT": 50, "million_nodes.COUNTS": {"autograd": 50, "mygrad": 50}},
}
PAIRS = [
    (workload, peer)
    for workload in peers.WORKLOADS
    for peer in peers.installed()
    if peer != "numpy" and peers.has(workload, peer)
]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The workload with few units."""
    for place, value in SMALL.get(request.getfixturevalue("workload"), {}).items():
        monkeypatch.setattr(f"workloads.{place}", value)


def _array(value: Any) -> np.ndarray:
    value = value.detach() if hasattr(value, "detach") else value
    value = value.data if type(value).__module__.startswith("mygrad") else value
    return np.array(value.numpy() if hasattr(value, "numpy") else value, dtype=np.float64)


def _results(workload: str, peer: str, times: int) -> list[np.ndarray]:
    step = getattr(importlib.import_module(f"workloads.{workload}"), f"with_{peer}")()
    for _ in range(times - 1):
        step()
    return [_array(value) for value in step()]


@pytest.mark.filterwarnings("default")  # of other libraries
@pytest.mark.parametrize(("workload", "peer"), [pair for pair in PAIRS if pair[0] != "million_nodes"])
def test_peers_compute_the_same(workload: str, peer: str, small: None) -> None:
    found, expected = (_results(workload, name, times=3) for name in (peer, "numpy"))
    assert len(found) == len(expected) or workload == "scalar_forward"  # JAX may not record without the vjp
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5 * max(1.0, np.abs(b).max()))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("workload", "peer"), [pair for pair in PAIRS if pair[0] == "million_nodes"])
def test_the_long_chain_is_a_power(workload: str, peer: str, small: None) -> None:
    module = importlib.import_module("workloads.million_nodes")
    build, differentiate = getattr(module, f"with_{peer}")()
    for _ in range(2):
        assert _array(differentiate(build())) == pytest.approx(module.FACTOR**50, rel=1e-4)


def test_training_lowers_the_loss() -> None:
    for workload in ("sine_fit", "legendre_fit", "relu_net", "relu_net_data", "tanh_net"):
        step = importlib.import_module(f"workloads.{workload}").with_pullback()
        losses = [float(_array(step()[0])) for _ in range(10)]
        assert losses[-1] < losses[0], workload


def test_every_workload_is_written_for_pullback_and_measured_against_something() -> None:
    for workload in peers.WORKLOADS:
        assert peers.has(workload, "pullback")
        assert any(peers.has(workload, peer) for peer in ("torch", "numpy"))
        module = importlib.import_module(f"workloads.{workload}")
        assert module.UNIT
        assert module.COUNT >= 1
        assert module.__doc__
