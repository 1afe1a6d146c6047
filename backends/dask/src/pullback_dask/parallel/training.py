"""A training run on a cluster: steps of gradient and update, watched, saved now and then, and resumed.

Parameters and the state of the optimiser live here. The cluster computes a gradient or it does not; so nothing that
happens to it leaves them half updated.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import pullback as pb
from pullback.errors import ArgumentError, ShapeError

from pullback_dask.parallel import checkpoints, clients
from pullback_dask.parallel.gradients import value_and_grad
from pullback_dask.parallel.watching import Report, Watch, shown


class Fit(NamedTuple):
    """What `fit` returns."""

    params: Any
    """The parameters after the last step."""
    losses: list[float]
    """The loss before each step, those of a resumed run included."""
    lost: int
    """How often a step was begun again because the cluster lost it."""


def fit(
    function: Callable[..., Any],
    params: Any,
    data: Any,
    update: Any,
    *,
    steps: int | None = None,
    epochs: int | None = None,
    blocks_per_step: int | None = None,
    shuffle: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 10,
    progress: bool = True,
    on_step: Callable[[Report], Any] | None = None,
    **options: Any,
) -> Fit:
    """Train on a Dask cluster: minimise `function(params, *data)`, a mean (or sum) over rows, in `steps` steps.

    `params` is a Tensor or a container of Tensors. `data` is one argument, or a tuple of them; what may be data, and the
    `options`, are those of `value_and_grad`. `update` is a function from (params, grads) to the new params, or an optimizer
    of `pullback_optim` over the Tensors in `params`, which it then changes in place.

    A step takes all blocks, or the next `blocks_per_step` of them; an epoch takes every block once, in the order of the
    data, or with `shuffle`, a seed, in another order each time. Say how long with `steps` or with `epochs`.

    `checkpoint` is a file: if it is there, the run goes on from it, up to the same number of steps in all and with the same
    bits as if it had never stopped; it is written after each `every` steps and at the end. `progress` shows a bar with the
    loss, rows per second, and bytes moved and spilled. `on_step` is called with a `Report` after each step.

    Whatever is raised, by the cluster or by the function, the parameters are those after the last whole step.

    >>> import dask.array as da
    >>> import pullback as pb
    >>> from distributed import Client
    >>> from pullback_dask import fit
    >>> def loss(w, x, y):
    ...     return (x * w - y).square().mean()
    >>> x = da.arange(6.0, chunks=4)
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     done = fit(loss, pb.tensor(0.0), (x, 3 * x), lambda w, g: w - 0.05 * g, steps=20, progress=False, client=client)
    >>> f"{done.params.item():.3f}"
    '3.000'
    """
    step = value_and_grad(function, **options)
    if step.argnums != 0:
        raise ArgumentError("fit: the parameters are the first argument of the function; there is no argnums")
    arguments = data if isinstance(data, tuple) else (data,)
    plan = _Plan(step.count(params, *arguments), blocks_per_step, shuffle)
    total = plan.steps(steps, epochs)
    optimizer = update if hasattr(update, "step") else None
    if optimizer is None and not callable(update):
        raise ArgumentError(
            f"fit: update is a function of params and grads, or an optimizer, not {type(update).__name__}"
        )
    written = {**plan._asdict(), "update": "optimizer" if optimizer is not None else "function"}
    done, losses = 0, list[float]()
    if checkpoint is not None:
        checkpoints.safetensors()  # that it is missing must not come out after the first steps
    if checkpoint is not None and os.path.exists(checkpoint):
        leaves, reached = checkpoints.load(checkpoint, params, optimizer, written)
        params = _replaced(params, leaves, in_place=optimizer is not None)
        done, losses = reached.step, reached.losses
    client = clients.resolved(step.options.client)
    watch = Watch(client)
    with shown(client, total, done) if progress else nullcontext() as show:
        for number in range(done, total):
            start = time.perf_counter()
            loss, grads = step.of_blocks(plan.blocks(number), params, *arguments)
            params = _updated(params, grads, update, optimizer)
            losses.append(float(loss))
            if checkpoint is not None and ((number + 1) % every == 0 or number + 1 == total):
                checkpoints.save(checkpoint, params, optimizer, checkpoints.Progress(number + 1, losses, written))
            seconds = time.perf_counter() - start
            report = Report(number + 1, losses[-1], step.rows, seconds, watch.traffic(step.sent))
            if show is not None:
                show(report)
            if on_step is not None:
                on_step(report)
    return Fit(params, losses, step.lost)


class _Plan(NamedTuple):
    """Which blocks each step takes: a function of the number of the step alone, so that a run can be resumed."""

    size: int
    blocks_per_step: int | None
    shuffle: int | None

    def per_epoch(self) -> int:
        """How many steps take every block once."""
        return -(-self.size // (self.blocks_per_step or self.size))

    def steps(self, steps: int | None, epochs: int | None) -> int:
        """How many steps there are in all."""
        taken = self.blocks_per_step
        if taken is not None and not 1 <= taken <= self.size:
            raise ArgumentError(f"fit: blocks_per_step is from 1 to {self.size}, the number of blocks, not {taken}")
        if (steps is None) == (epochs is None):
            raise ArgumentError("fit: say either steps= or epochs=")
        return steps if steps is not None else (epochs or 0) * self.per_epoch()

    def blocks(self, step: int) -> list[int] | None:
        """The blocks of a step; None for all."""
        if self.blocks_per_step is None:
            return None
        epoch, place = divmod(step, self.per_epoch())
        order = list(range(self.size))
        if self.shuffle is not None:
            random.Random(f"{self.shuffle} {epoch}").shuffle(order)
        return sorted(order[place * self.blocks_per_step : (place + 1) * self.blocks_per_step])


def _updated(params: Any, grads: Any, update: Any, optimizer: Any) -> Any:
    """The parameters after a step; if the update fails, they and the optimiser's state are as before."""
    if optimizer is None:
        with pb.no_grad():
            made = update(params, grads)
        for old, new in zip(
            pb.tree.leaves(params), pb.tree.aligned(params, made, "fit: what update returned"), strict=True
        ):
            if not isinstance(new, pb.Tensor) or new.shape != old.shape or new.dtype != old.dtype:
                raise ShapeError(
                    f"fit: update must return params like those that it was given, it made {new!r} of {old!r}"
                )
        return made
    leaves = pb.tree.leaves(params)
    for x, grad in zip(leaves, pb.tree.leaves(grads), strict=True):
        x.grad = grad
    try:
        with _all_or_nothing(leaves, optimizer):
            optimizer.step()
    finally:
        for x in leaves:
            x.grad = None
    return params


@contextmanager
def _all_or_nothing(leaves: list[Any], optimizer: Any) -> Iterator[None]:
    """Bring parameters and state back if the update in place is interrupted."""
    before = [x.detach().clone() for x in leaves]
    state = pb.tree.mapped(lambda x: x.detach().clone() if isinstance(x, pb.Tensor) else x, optimizer.state_dict())
    try:
        yield
    except BaseException:
        _replaced(leaves, before, in_place=True)
        optimizer.load_state_dict(state)
        raise


def _replaced(params: Any, leaves: list[Any], in_place: bool) -> Any:
    if not in_place:
        return pb.tree.unflatten(params, leaves)
    with pb.no_grad():
        for x, value in zip(pb.tree.leaves(params), leaves, strict=True):
            x.copy_(value)
    return params
