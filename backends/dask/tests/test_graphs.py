"""One computation for all that is asked for, nothing twice, and graphs that do not grow with the steps of a loop."""

from __future__ import annotations

import gc
import warnings
from typing import Any

import numpy as np
import pullback as pb
import pytest
from pullback_dask import graphs

X = np.random.default_rng(0).normal(size=(12, 3))
Y = X @ np.array([1.0, -2.0, 0.5])


def on_dask(x: Any) -> Any:
    return pb.asarray(x).to("dask")


def trained(device: str, steps: int, update: Any) -> list[float]:
    """The parameters after some steps of gradient descent."""
    x, y = pb.asarray(X).to(device), pb.asarray(Y).to(device)
    w = pb.zeros(3, dtype=pb.float64, device=device, requires_grad=True)
    b = pb.zeros((), dtype=pb.float64, device=device, requires_grad=True)
    for _ in range(steps):
        ((x @ w + b - y) ** 2).mean().backward()
        w, b = update(w), update(b)
    return [*w.tolist(), b.item()]


def in_place(p: Any) -> Any:
    with pb.no_grad():
        p -= 0.1 * p.grad
        p.grad.zero_()
    return p


def through_data(p: Any) -> Any:
    p.data -= 0.1 * p.grad.data
    p.grad = None
    return p


def out_of_place(p: Any) -> Any:
    return (p - 0.1 * p.grad).detach().requires_grad_()


@pytest.mark.parametrize("update", [in_place, through_data, out_of_place])
def test_a_loop_computes_now_and_then_and_its_graph_stays_small(
    update: Any, computes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs, "DEPTH", 60)
    depths = []

    def watched(p: Any) -> Any:
        p = update(p)
        depths.append(len(p._array.dask.layers))
        return p

    steps = 12
    found = trained("dask", steps, watched)
    assert max(depths) <= 60 + 40  # what one step adds
    assert 1 <= computes.calls <= steps + 4
    np.testing.assert_allclose(found, trained("cpu", steps, update), rtol=1e-12)


def test_asking_for_a_number_in_each_step_computes_each_step_once(
    computes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    x = on_dask(X)
    x._array = x._array.map_blocks(lambda block: ran.append(1) or block, dtype=x._array.dtype, meta=x._array._meta)
    chunks = x._array.npartitions
    w = pb.zeros(3, dtype=pb.float64, device="dask", requires_grad=True)
    for step in range(6):
        loss = ((x @ w) ** 2 - x.sum()).mean()
        loss.backward()
        ran.clear()
        loss.item()
        # this loss, and once more the data behind the gradient of the step before: never that of older steps
        assert len(ran) <= 2 * chunks, step
        with pb.no_grad():
            w -= 0.01 * w.grad
        w.grad = None
    assert len(w._array.dask.layers) < graphs.DEPTH


def test_what_was_computed_is_the_beginning_of_what_is_built_later(computes: Any) -> None:
    ran: list[int] = []
    raw = on_dask(X)._array.map_blocks(lambda block: ran.append(1) or block, dtype=X.dtype, meta=np.empty((0, 0)))
    x = pb.asarray(raw)
    w = on_dask(np.ones(3)).requires_grad_()
    loss = (x @ w).sum()
    loss.backward()
    before = w.grad * 2  # built before the gradient is computed
    pb.compute(loss, w.grad)
    assert computes.calls == 1
    assert len(ran) == raw.npartitions
    after = w.grad * 3
    np.testing.assert_allclose(before.tolist(), 2 * X.sum(axis=0))
    np.testing.assert_allclose(after.tolist(), 3 * X.sum(axis=0))
    assert loss.item() == pytest.approx(X.sum())
    assert len(ran) == raw.npartitions, "nothing ran again"
    assert len(w.grad._array.dask.layers) == 1, "the graph behind it is gone"


def test_gradients_that_add_up_over_batches_are_built_only(computes: Any) -> None:
    w = on_dask(np.ones(3)).requires_grad_()
    for batch in np.split(X, 4):
        (on_dask(batch) @ w).sum().backward()
    assert computes.calls == 0
    assert w.grad is not None
    np.testing.assert_allclose(w.grad.tolist(), X.sum(axis=0))


def test_a_computation_that_fails_changes_nothing(computes: Any) -> None:
    def broken(block: Any) -> Any:
        if fail:
            raise RuntimeError("a disk died")
        return block

    fail = True
    raw = on_dask(X)._array.map_blocks(broken, dtype=X.dtype, meta=np.empty((0, 0)))
    w = on_dask(np.ones(3)).requires_grad_()
    loss = (pb.asarray(raw) @ w).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="a disk died"):
        pb.compute(loss, w.grad)
    fail = False
    pb.compute(loss, w.grad)
    assert w.grad is not None
    np.testing.assert_allclose(w.grad.tolist(), X.sum(axis=0))


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_arithmetic_of_tasks_does_not_warn(scheduler: str) -> None:
    import dask

    x = on_dask([0.0, 4.0]).requires_grad_()
    y = pb.where(x > 0, pb.log(x), 0.0).sum()
    y.backward()
    with warnings.catch_warnings(), dask.config.set(scheduler=scheduler):
        warnings.simplefilter("error")
        pb.compute(y, x.grad)
        assert x.grad is not None
        assert x.grad.tolist() == [0.0, 0.25]


@pytest.mark.usefixtures("computes")
def test_what_is_kept_dies_with_its_tensor() -> None:
    kept = pb.device("dask").backend._kept._arrays
    gc.collect()
    before = len(kept)
    w = on_dask(np.ones(3)).requires_grad_()
    (w * w).sum().backward()
    assert len(kept) == before + 1
    del w
    gc.collect()
    assert len(kept) == before
