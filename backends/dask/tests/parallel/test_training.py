"""A run on a cluster takes the steps of a run on one machine, and goes on where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pullback as pb
import pullback_optim as optim
import pytest
from distributed import Client
from pullback.errors import ArgumentError, ShapeError
from pullback_dask.parallel import BlockError, Report, fit

RNG = np.random.default_rng(11)
X = RNG.standard_normal((60, 3))
Y = np.tanh(X).sum(axis=1)
START = {"w": RNG.standard_normal((3, 4)), "v": RNG.standard_normal(4)}


def loss_function() -> Callable[..., Any]:
    """A function inside a function is pickled by value: the workers cannot import this file."""

    def loss(params, x, y):
        return (pb.tanh(x @ params["w"]) @ params["v"] - y).square().mean()

    return loss


LOSS = loss_function()


def params(requires_grad: bool = False) -> dict[str, Any]:
    return {name: pb.tensor(array, requires_grad=requires_grad) for name, array in START.items()}


def data() -> tuple[Any, Any]:
    return da.from_array(X, chunks=(10, 3)), da.from_array(Y, chunks=10)


def descend(params, grads):
    return {name: x - 0.1 * grads[name] for name, x in params.items()}


def bits(tree: Any) -> list[Any]:
    return [x.tolist() for x in pb.tree.leaves(tree)]


def test_the_steps_are_those_of_one_machine(client: Client):
    here, losses = params(), []
    for _ in range(5):
        loss, grads = pb.func.value_and_grad(LOSS)(here, pb.asarray(X), pb.asarray(Y))
        losses.append(loss.item())
        here = descend(here, grads)
    done = fit(LOSS, params(), data(), descend, steps=5, progress=False, client=client)
    assert done.losses == pytest.approx(losses, rel=1e-13)
    assert done.lost == 0
    for name, x in here.items():
        assert done.params[name].numpy() == pytest.approx(x.numpy(), rel=1e-12)


def test_an_optimizer_changes_its_parameters_in_place(client: Client):
    mine = params(requires_grad=True)
    done = fit(LOSS, mine, data(), optim.SGD(mine.values(), lr=0.1), steps=5, progress=False, client=client)
    assert done.params is mine
    assert bits(mine) == bits(fit(LOSS, params(), data(), descend, steps=5, progress=False, client=client).params)
    assert all(x.grad is None for x in mine.values())


def test_epochs_take_every_block_once(client: Client):
    """Each block has its number in its rows."""
    x = da.from_array(np.repeat(np.arange(5.0), 4), chunks=4)

    def run(**options: Any) -> list[float]:
        return fit(
            lambda w, x: (w * x).mean(),
            pb.tensor(1.0).double(),
            x,
            lambda w, _: w,
            progress=False,
            client=client,
            **options,
        ).losses

    assert run(epochs=2, blocks_per_step=2) == [0.5, 2.5, 4.0] * 2
    assert run(steps=4, blocks_per_step=2) == [0.5, 2.5, 4.0, 0.5]
    assert run(epochs=3) == [2.0] * 3
    shuffled = run(epochs=2, blocks_per_step=1, shuffle=1)
    assert sorted(shuffled[:5]) == sorted(shuffled[5:]) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert shuffled[:5] != shuffled[5:]
    assert run(epochs=2, blocks_per_step=1, shuffle=1) == shuffled


@pytest.mark.parametrize("kind", ["function", "optimizer"])
def test_a_run_resumes_bit_for_bit(client: Client, tmp_path: Path, kind: str):
    """It is interrupted in step 7; the file is of step 4."""

    class InterruptError(Exception):
        pass

    def interrupt(report: Report) -> None:
        if report.step == 7:
            raise InterruptError

    def run(**options: Any) -> Any:
        mine = params(requires_grad=kind == "optimizer")
        update = optim.Adam(mine.values(), lr=0.05) if kind == "optimizer" else descend
        return fit(
            LOSS, mine, data(), update, steps=12, blocks_per_step=4, shuffle=0, progress=False, client=client, **options
        )

    whole = run()
    path = tmp_path / "run.safetensors"
    with pytest.raises(InterruptError):
        run(checkpoint=path, every=4, on_step=interrupt)
    seen: list[int] = []
    resumed = run(checkpoint=path, every=4, on_step=lambda report: seen.append(report.step))
    assert seen == list(range(5, 13))
    assert bits(resumed.params) == bits(whole.params)
    assert resumed.losses == whole.losses
    again = run(checkpoint=path, on_step=seen.append)
    assert len(seen) == 8
    assert bits(again.params) == bits(whole.params)


def test_a_checkpoint_of_another_run_is_refused(client: Client, tmp_path: Path):
    path = tmp_path / "run.safetensors"
    options: dict[str, Any] = {"steps": 1, "checkpoint": path, "progress": False, "client": client}
    fit(LOSS, params(), data(), descend, **options)
    before = path.read_bytes()
    with pytest.raises(ArgumentError, match=r"cannot be resumed: .*'blocks_per_step': None.*remove this one"):
        fit(LOSS, params(), data(), descend, blocks_per_step=2, **options)
    mine = params(requires_grad=True)
    with pytest.raises(ArgumentError, match=r"cannot be resumed.*'update': 'function'"):
        fit(LOSS, mine, data(), optim.SGD(mine.values()), **options)
    with pytest.raises(ArgumentError, match="params"):
        fit(LOSS, {"w": mine["w"]}, data(), descend, **options)
    assert path.read_bytes() == before
    assert bits(mine) == bits(params())


def test_an_update_that_fails_leaves_the_last_step(client: Client):
    class Weak(optim.Adam):
        def update(self, p, grad, state, group):
            super().update(p, grad, state, group)
            if state["step"] == 3 and p is mine["v"]:
                raise ZeroDivisionError

    mine = params(requires_grad=True)
    optimizer = Weak(mine.values(), lr=0.1)
    with pytest.raises(ZeroDivisionError):
        fit(LOSS, mine, data(), optimizer, steps=5, progress=False, client=client)
    two = params(requires_grad=True)
    fit(LOSS, two, data(), optim.Adam(two.values(), lr=0.1), steps=2, progress=False, client=client)
    assert bits(mine) == bits(two)
    assert [state["step"] for state in optimizer.state_dict()["state"].values()] == [2, 2]
    assert all(x.grad is None for x in mine.values())


def test_a_step_that_fails_leaves_the_last_one(client: Client):
    mine = params(requires_grad=True)

    def fails_later(params, x, y):
        if params["w"].tolist() != START["w"].tolist():
            raise ValueError("in the second step")
        return LOSS(params, x, y)

    with pytest.raises(BlockError, match="in the second step"):
        fit(
            fails_later,
            mine,
            data(),
            optim.SGD(mine.values(), lr=0.1),
            steps=5,
            progress=False,
            client=client,
            retries=0,
        )
    once = fit(LOSS, params(), data(), descend, steps=1, progress=False, client=client)
    assert bits(mine) == bits(once.params)


def test_arguments_that_make_no_sense(client: Client):
    def run(update: Any = descend, **options: Any) -> None:
        fit(LOSS, params(), data(), update, progress=False, client=client, **options)

    with pytest.raises(ArgumentError, match="say either steps= or epochs="):
        run()
    with pytest.raises(ArgumentError, match="say either steps= or epochs="):
        run(steps=1, epochs=1)
    with pytest.raises(ArgumentError, match="blocks_per_step is from 1 to 6, the number of blocks, not 7"):
        run(steps=1, blocks_per_step=7)
    with pytest.raises(ArgumentError, match="update is a function of params and grads, or an optimizer, not float"):
        run(0.1, steps=1)
    with pytest.raises(ArgumentError, match="there is no argnums"):
        run(steps=1, argnums=1)
    with pytest.raises(ShapeError, match="update must return params like those that it was given"):
        run(lambda params, grads: {"w": params["w"], "v": params["v"][:2]}, steps=1)
