"""Data-parallel gradients: one task for each block of rows, and a tree of tasks that adds up what they give.

The tree has one shape for a number of blocks, whoever runs its tasks and however often, so a cluster that loses workers
computes the bits of one that does not.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import dask.config
import dask.utils
import numpy as np
import pullback as pb
from dask.delayed import Delayed
from distributed import Client
from distributed.scheduler import KilledWorker
from pullback.errors import ArgumentError

from pullback_dask.parallel import clients
from pullback_dask.parallel.blocks import Blocks, Loader, blocks_of, is_data, same
from pullback_dask.parallel.errors import BlockError, ClusterError
from pullback_dask.parallel.work import Call, Partial, Piece, Shipment, combine, run_block

_BLOCK = "pullback-block"
_WARNS_FROM = "distributed.admin.large-graph-warning-threshold"


def value_and_grad(
    function: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    reduce: str = "mean",
    client: Client | None = None,
    loader: Loader | None = None,
    micro_batch: int | None = None,
    persist: bool = False,
    fan_in: int = 8,
    retries: int = 2,
    attempts: int = 5,
    patience: float = 60.0,
) -> ValueAndGrad:
    """`pullback.func.value_and_grad` of a function of rows, computed where the rows are: on the workers of a Dask cluster.

    Called like `function`, it returns the value and the gradient as ordinary Tensors. Of the positional arguments

    - those at `argnums` are differentiated: Tensors, or containers of them;
    - data are cut into blocks of rows: Dask arrays chunked alike along the first axis (and along no other), Dask tables
      (each block is a dict of columns), a list of `dask.delayed` blocks or futures, with `loader` a list of paths that it
      makes blocks of, or the path of a `.parquet` or `.zarr` data set. A block that is a tuple stands for several arguments;
    - all others, and keyword arguments, are the same for all blocks.

    With reduce="mean", `function` is a mean over the rows that it is given, and the result is that over all rows, however
    unequal the blocks; with "sum", it is a sum. A term that does not depend on rows belongs into a mean only.

    `micro_batch` is how many rows of a block are differentiated at once, where the graph of a whole block is too large.
    `persist` keeps the blocks in the memory of the workers from the first step on. `fan_in` is how many results one task of
    the tree adds up. `retries` is how often a task that raises is tried again, `attempts` how often a step whose parts the
    cluster lost is begun, and `patience` for how many seconds there may be no worker.

    Raises `BlockError` with the number of the block, the worker and the traceback if the function raises, `ClusterError` if
    the cluster cannot do it, `ShapeError` for blocks that do not fit together, `ArgumentError` for other arguments.

    >>> import dask.array as da
    >>> import pullback as pb
    >>> from distributed import Client
    >>> from pullback_dask import value_and_grad
    >>> def loss(w, x, y):
    ...     return (x @ w - y).square().mean()
    >>> x, y = da.ones((6, 2), chunks=(4, 2)), da.arange(6.0, chunks=4)
    >>> with Client(processes=False, dashboard_address=":0") as client:
    ...     value_and_grad(loss, client=client)(pb.zeros(2, dtype=pb.float64), x, y)
    (tensor(9.1667, dtype=pullback.float64), tensor([-5., -5.], dtype=pullback.float64))
    """
    return ValueAndGrad(
        function,
        argnums,
        Options(reduce, client, loader, micro_batch, persist, fan_in, retries, attempts, patience),
    )


class Options(NamedTuple):
    """How: the keyword arguments of `value_and_grad`."""

    reduce: str
    client: Client | None
    loader: Loader | None
    micro_batch: int | None
    persist: bool
    fan_in: int
    retries: int
    attempts: int
    patience: float

    def check(self) -> None:
        """Raise `ArgumentError` for what cannot be."""
        if self.reduce not in ("mean", "sum"):
            raise ArgumentError(f'value_and_grad: reduce is "mean" or "sum", not {self.reduce!r}')
        for name, least in (("micro_batch", 1), ("fan_in", 2), ("retries", 0), ("attempts", 1)):
            value = getattr(self, name)
            if not (name == "micro_batch" and value is None) and (not isinstance(value, int) or value < least):
                raise ArgumentError(f"value_and_grad: {name} is an integer from {least} on, not {value!r}")


class ValueAndGrad:
    """What `value_and_grad` returns: call it like the function. `rows`, `sent` and `lost` tell what happened."""

    def __init__(self, function: Callable[..., Any], argnums: int | tuple[int, ...], options: Options) -> None:
        options.check()
        functools.update_wrapper(self, function)
        self.function = function
        self.argnums = argnums
        self.options = options
        self.rows = 0
        """How many rows the last call had."""
        self.sent = 0
        """How many bytes it sent to each worker: parameters, function and constants."""
        self.lost = 0
        """How often a step was begun again, in all calls."""
        self._data: list[Any] = []
        self._blocks: Blocks | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        return self.of_blocks(None, *args, **kwargs)

    def of_blocks(self, chosen: Sequence[int] | None, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """The same from some blocks only, by their numbers; None for all."""
        call, data = self._call(args, kwargs)
        blocks = self.blocks(data)
        total = self._computed(call, blocks, range(len(blocks)) if chosen is None else chosen)
        if not total.rows:
            raise ArgumentError("value_and_grad: the data have no rows")
        self.rows = total.rows
        params = [args[position] for position in call.wanted]
        weight = total.rows if call.mean else 1
        like = pb.tree.leaves(params)
        grads = pb.tree.unflatten(params, [_tensor(g / weight, x) for g, x in zip(total.grads, like, strict=True)])
        return _tensor(total.loss / weight, like[0]), (grads[0] if isinstance(self.argnums, int) else tuple(grads))

    def count(self, *args: Any, **kwargs: Any) -> int:
        """How many blocks the data among the arguments have."""
        return len(self.blocks(self._call(args, kwargs)[1]))

    def blocks(self, data: Sequence[Any]) -> Blocks:
        """The blocks of the data; those of the last call if these are the same data."""
        if self._blocks is None or not same(self._data, data):
            self._blocks, self._data = blocks_of(data, self.options.loader), list(data)
        return self._blocks

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Call, list[Any]]:
        """The call with places for the data, and the data."""
        wanted = (self.argnums,) if isinstance(self.argnums, int) else tuple(self.argnums)
        for position in wanted:
            if not -len(args) <= position < len(args):
                raise ArgumentError(
                    f"argnums: there is no positional argument {position}, the function was called with {len(args)}"
                )
        wanted = tuple(position % len(args) for position in wanted)
        for leaf in pb.tree.leaves([args[position] for position in wanted]):
            if not isinstance(leaf, pb.Tensor):
                raise ArgumentError(
                    f"value_and_grad: only Tensors can be differentiated, got {type(leaf).__name__}; data and constants are "
                    f"not in argnums"
                )
        for name, value in kwargs.items():
            if is_data(value, self.options.loader):
                raise ArgumentError(f"value_and_grad: {name}= is data; data are positional arguments")
        data: list[Any] = []
        places: list[Any] = []
        for position, argument in enumerate(args):
            if position not in wanted and is_data(argument, self.options.loader):
                places.append(Piece(len(data)))
                data.append(argument)
            else:
                places.append(argument)
        if not data:
            given = ", ".join(type(argument).__name__ for argument in args)
            raise ArgumentError(
                f"value_and_grad: none of the arguments ({given}) is data: Dask arrays or tables, a list of delayed blocks, "
                f"a list of paths with loader=, or the path of a .parquet or .zarr data set"
            )
        options = self.options
        return Call(self.function, tuple(places), kwargs, wanted, options.reduce == "mean", options.micro_batch), data

    # --- one step on the cluster --------------------------------------------------------------------------------------

    def _computed(self, call: Call, blocks: Blocks, chosen: Sequence[int]) -> Partial:
        """The sum over the blocks. What the cluster loses is begun again, from the same arguments."""
        options = self.options
        client = clients.resolved(options.client)
        shipment = Shipment.packed(call)
        self.sent = shipment.nbytes
        for attempt in range(1, options.attempts + 1):
            future: Any = None
            try:
                if options.persist:
                    blocks.hold(client)
                future = self._submit(client, shipment, blocks, chosen)
                return clients.result(future, client, options.patience)  # type: ignore[no-any-return]
            except Exception as error:  # the cluster's, ours, or whatever the caller's code raised
                status = future.status if future is not None else "unsent"
                if not clients.is_lost(error, status):
                    if status != "error":
                        raise
                    failure = _named(error, client, future, blocks)
                    raise failure from failure.__cause__
                blocks.check_alive()
                if attempt == options.attempts:
                    raise ClusterError(
                        f"the cluster lost a step, {attempt} times in a row; the last time {_loss(error, blocks)}. Do the "
                        f"workers have enough memory? A smaller micro_batch or smaller blocks need less"
                    ) from error
                self.lost += 1
                clients.wait_for_workers(client, options.patience)
            finally:
                del future
        raise AssertionError("the last attempt returns or raises")

    def _submit(self, client: Client, shipment: Shipment, blocks: Blocks, chosen: Sequence[int]) -> Any:
        """The future of the sum."""
        root, graph = step_graph(shipment, blocks, chosen, self.options.fan_in)
        with _expecting(shipment.nbytes):
            return client.compute(Delayed(root, graph), retries=self.options.retries, optimize_graph=False)


def step_graph(shipment: Shipment, blocks: Blocks, chosen: Sequence[int], fan_in: int) -> tuple[Any, dict[Any, Any]]:
    """The tasks of a step, and the key of the last: the blocks, and levels that add up `fan_in` neighbours each."""
    step = uuid.uuid4().hex
    sent = f"pullback-parameters-{step}"
    graph = {**blocks.tasks(chosen), sent: (partial(_as_it_is, shipment),)}
    level: list[Any] = [(f"{_BLOCK}-{step}", block) for block in chosen]
    for key, block in zip(level, chosen, strict=True):
        graph[key] = (partial(run_block, block), sent, *blocks.keys[block])
    depth = 0
    while len(level) > 1:
        depth += 1
        groups = [level[i : i + fan_in] for i in range(0, len(level), fan_in)]
        level = [(f"pullback-add-{step}", depth, i) for i in range(len(groups))]
        graph.update((key, (combine, group)) for key, group in zip(level, groups, strict=True))
    return level[0], graph


def _as_it_is(value: Any) -> Any:
    """The task that parameters are: a worker that dies takes a copy with it, and the scheduler has another one made."""
    return value


def _expecting(size: int) -> Any:
    """Dask warns of graphs from a size on, because of data in them; the parameters are meant to be there."""
    limit = dask.utils.parse_bytes(dask.config.get(_WARNS_FROM, "10MB"))
    return dask.config.set({_WARNS_FROM: limit + size})


def _tensor(array: Any, like: Any) -> Any:
    """An ordinary Tensor where the parameters are."""
    return pb.asarray(np.asarray(array)).to(like.device)


def _named(error: BaseException, client: Client, future: Any, blocks: Blocks) -> BaseException:
    """The error of a block, with the block's name. One of a task that makes the block names block and worker, too."""
    if isinstance(error, BlockError):
        return error.renamed(blocks.names[error.block])
    key, worker = _blamed(client, future.key)
    block = blocks.containing(key) if key is not None else None
    if block is None:
        return error
    failure = BlockError.of(error, block, worker, blocks.names[block] or str(key))
    failure.__cause__ = error
    return failure


def _loss(error: BaseException, blocks: Blocks) -> str:
    """How a step was lost."""
    if not isinstance(error, KilledWorker):
        return f"by {type(error).__name__}: {error}"
    key: Any = error.task
    block = key[-1] if isinstance(key, tuple) and str(key[0]).startswith(_BLOCK) else blocks.containing(key)
    name = f"the task {key!r}" if block is None else f"block {block} ({blocks.names[block]})".replace(" ()", "")
    return f"{name} ran on {error.allowed_failures + 1} workers that died, the last of them {error.last_worker.address}"


def _blamed(client: Client, key: Any) -> tuple[Any, str]:
    """The task that failed first, and the worker that tried it last, as the scheduler knows them."""

    def look(dask_scheduler: Any) -> tuple[Any, str]:
        blamed = dask_scheduler.tasks[key].exception_blame
        return blamed.key, ", ".join(sorted(blamed.erred_on))

    with suppress(Exception):  # an error is being reported: what cannot be told of it is left out
        return client.run_on_scheduler(look)  # type: ignore[no-any-return]
    return None, ""
