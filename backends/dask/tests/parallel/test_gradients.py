"""The gradient over a cluster is that of the function over all rows, to the last bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pullback as pb
import pytest
from distributed import Client
from pullback.errors import ArgumentError, ShapeError
from pullback_dask.parallel import BlockError, ClusterError, value_and_grad

EPS = np.finfo(np.float64).eps
RNG = np.random.default_rng(7)
X = RNG.standard_normal((1000, 3))
Y = RNG.standard_normal(1000)
CHUNKS = (300, 1, 0, 699)


def models() -> dict[str, tuple[Callable[..., Any], Callable[[np.random.Generator, int], Any]]]:
    """Losses that are means over rows, and parameters for a number of features."""

    def linear(w, x, y):
        return (x @ w - y).square().mean()

    def logistic(params, x, y):
        scores = x @ params["weights"] + params["bias"]
        return (pb.logaddexp(pb.zeros_like(scores), scores) - (y > 0).to(scores.dtype) * scores).mean()

    def net(params, x, y):
        (w1, b1), (w2, b2) = params
        return ((pb.tanh(x @ w1 + b1) @ w2 + b2) - y).square().mean()

    def normal(rng, *shape):
        return pb.asarray(rng.standard_normal(shape))

    return {
        "linear": (linear, lambda rng, n: normal(rng, n)),
        "logistic": (logistic, lambda rng, n: {"weights": normal(rng, n), "bias": normal(rng)}),
        "net": (net, lambda rng, n: [(normal(rng, n, 16), normal(rng, 16)), (normal(rng, 16), normal(rng))]),
    }


MODELS = models()
W = pb.asarray(np.array([0.5, -1.0, 2.0]))


def mean_square(w, x, y):
    return (x @ w - y).square().mean()


def shipped(function: Callable[..., Any]) -> Callable[..., Any]:
    """A copy of a function that is pickled by value: the workers cannot import this file."""
    function.__module__ = "__main__"
    return function


shipped(mean_square)


def cut(x: np.ndarray, chunks: tuple[int, ...] = CHUNKS) -> Any:
    return da.from_array(x, chunks=(chunks, *x.shape[1:]))


def close(found: Any, wanted: Any, units: float = 64) -> None:
    """Equal within so many units in the last place of the largest element."""
    for a, b in zip(pb.tree.leaves(found), pb.tree.leaves(wanted), strict=True):
        assert isinstance(a, pb.Tensor)
        assert (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)
        scale = np.abs(b.numpy()).max(initial=0.0)
        assert np.abs(a.numpy() - b.numpy()).max(initial=0.0) <= units * EPS * scale


@pytest.mark.parametrize("name", MODELS)
def test_it_equals_the_numpy_backend_on_all_rows(client: Client, name: str):
    function, parameters = MODELS[name]
    rng = np.random.default_rng(1)
    x, params = rng.standard_normal((100_000, 10)), parameters(rng, 10)
    y = x.sum(axis=1) + rng.standard_normal(100_000)
    here = pb.func.value_and_grad(function)(params, pb.asarray(x), pb.asarray(y))
    there = value_and_grad(function, client=client)(
        params, da.from_array(x, chunks=(7_000, 10)), da.from_array(y, chunks=7_000)
    )
    close(there, here)


def test_unequal_blocks_count_by_their_rows(client: Client):
    """One of the blocks is empty."""
    step = value_and_grad(mean_square, client=client)
    close(step(W, cut(X), cut(Y)), pb.func.value_and_grad(mean_square)(W, pb.asarray(X), pb.asarray(Y)))
    assert step.rows == len(X)


def test_a_sum_over_rows(client: Client):
    def total(w, x, y):
        return (x @ w - y).square().sum()

    found = value_and_grad(total, reduce="sum", client=client)(W, cut(X), cut(Y))
    close(found, pb.func.value_and_grad(total)(W, pb.asarray(X), pb.asarray(Y)))


@pytest.mark.parametrize("size", [1, 100, 299, 10_000])
def test_micro_batches_change_nothing_but_the_memory(client: Client, size: int):
    chunks = (300, 9, 0)
    found = value_and_grad(mean_square, micro_batch=size, client=client)(W, cut(X[:309], chunks), cut(Y[:309], chunks))
    close(found, pb.func.value_and_grad(mean_square)(W, pb.asarray(X[:309]), pb.asarray(Y[:309])))


def test_micro_batches_are_as_small_as_they_should_be(client: Client):
    def longest(w, x):
        assert len(x) <= 100
        return (x @ w).mean()

    assert value_and_grad(longest, micro_batch=100, client=client)(W, cut(X))[0].item() == pytest.approx(
        (X @ W.numpy()).mean()
    )
    with pytest.raises(BlockError, match="AssertionError"):
        value_and_grad(longest, micro_batch=101, retries=0, client=client)(W, cut(X))


@pytest.mark.parametrize("fan_in", [2, 3, 8])
def test_the_bits_do_not_depend_on_the_run(client: Client, fan_in: int):
    chunks = (25,) * 40
    step = value_and_grad(mean_square, fan_in=fan_in, client=client)
    x, y = cut(X, chunks), cut(Y, chunks)
    first, second = step(W, x, y), step(W, client.persist(x), y)
    assert [a.tolist() for a in first] == [b.tolist() for b in second]


def test_several_arguments_and_constants(client: Client):
    """Constants travel as Tensors, in containers and in the function itself; gradients are nested as the arguments."""
    offset = pb.asarray(np.array([1.0, 2.0, 3.0]))

    def function(x, scale, w, options, *, shift):
        return ((x * scale["all"] + offset) @ w + shift + options[0]).square().mean()

    args = {"all": pb.asarray(np.array(2.0))}, W, [0.5, "a word"]
    here = pb.func.value_and_grad(function, (2, 1))(pb.asarray(X), *args, shift=pb.asarray(np.array(1.5)))
    there = value_and_grad(function, (-2, 1), client=client)(cut(X), *args, shift=pb.asarray(np.array(1.5)))
    assert list(there[1][1]) == ["all"]
    close(there, here)


def test_single_precision_stays_single(client: Client):
    w, x, y = W.to(pb.float32), X.astype(np.float32), Y.astype(np.float32)
    loss, grad = value_and_grad(mean_square, client=client)(w, cut(x), cut(y))
    assert (loss.dtype, grad.dtype) == (pb.float32, pb.float32)
    close(pb.func.value_and_grad(mean_square)(w, pb.asarray(x), pb.asarray(y))[1].double(), grad.double(), 1e10)


def test_results_are_where_the_parameters_are(client: Client):
    w = pb.tensor([0.5, -1.0, 2.0], dtype=pb.float64, device="strict:device1", requires_grad=True)
    loss, grad = value_and_grad(mean_square, client=client)(w, cut(X), cut(Y))
    assert str(loss.device) == str(grad.device) == "strict:device1"
    assert not grad.requires_grad


# --- the forms of data ------------------------------------------------------------------------------------------------


def expected() -> Any:
    return pb.func.value_and_grad(mean_square)(W, pb.asarray(X), pb.asarray(Y))


def test_delayed_blocks_may_be_tuples(client: Client):
    def block(start):
        return X[start : start + 250], Y[start : start + 250]

    data = [dask.delayed(block)(start) for start in range(0, 1000, 250)]
    close(value_and_grad(mean_square, client=client)(W, data), expected())


def test_futures_are_blocks(client: Client):
    step = value_and_grad(mean_square, client=client)
    close(step(W, client.scatter([X[:400], X[400:]]), client.scatter([Y[:400], Y[400:]])), expected())


def test_files_by_a_loader(client: Client, tmp_path: Path):
    paths = []
    for number, rows in enumerate((slice(0, 100), slice(100, 1000))):
        paths.append(tmp_path / f"{number}.npz")
        np.savez(paths[-1], x=X[rows], y=Y[rows])

    def loader(path):
        found = np.load(path)
        return found["x"], found["y"]

    close(value_and_grad(mean_square, loader=loader, client=client)(W, paths), expected())


def test_a_zarr_array(client: Client, tmp_path: Path):
    pytest.importorskip("zarr", reason="from the extra zarr")
    da.to_zarr(da.from_array(X, chunks=(250, 3)), str(tmp_path / "x.zarr"))
    found = value_and_grad(mean_square, client=client)(W, tmp_path / "x.zarr", da.from_array(Y, chunks=250))
    close(found, expected())


def test_a_table_in_parquet_is_a_dict_of_columns(client: Client, tmp_path: Path):
    pytest.importorskip("pyarrow", reason="from the extra parquet")
    import pandas as pd

    path = tmp_path / "table.parquet"
    path.mkdir()
    for part, rows in enumerate((slice(0, 100), slice(100, 1000))):
        pd.DataFrame({"a": X[rows, 0], "b": X[rows, 1], "y": Y[rows]}).to_parquet(path / f"{part}.parquet")

    def function(w, rows):
        return (w["a"] * rows["a"] + w["b"] * rows["b"] - rows["y"]).square().mean()

    w = {"a": W[0], "b": W[1]}
    here = pb.func.value_and_grad(function)(w, {"a": pb.asarray(X[:, 0]), "b": pb.asarray(X[:, 1]), "y": pb.asarray(Y)})
    close(value_and_grad(function, client=client)(w, str(path)), here)


def test_chunks_of_unknown_length(client: Client):
    x, y = cut(X), cut(Y)
    keep = y > 0
    close(
        value_and_grad(mean_square, client=client)(W, x[keep], y[keep]),
        pb.func.value_and_grad(mean_square)(W, pb.asarray(X[Y > 0]), pb.asarray(Y[Y > 0])),
    )


def test_the_same_data_are_looked_at_once(client: Client):
    step = value_and_grad(mean_square, client=client)
    x, y = cut(X), cut(Y)
    step(W, x, y)
    blocks = step._blocks
    step(2 * W, x, y)
    assert step._blocks is blocks
    step(W, x[:309].rechunk((300, 3)), y[:309].rechunk(300))
    assert step._blocks is not blocks
    assert step.rows == 309


def test_arrays_that_were_persisted_and_what_is_made_of_them(client: Client):
    x, y = client.persist((cut(X), cut(Y)))
    step = value_and_grad(mean_square, client=client)
    close(step(W, x, y), expected())
    close(step(W, 2 * x - x, y), expected())


def test_persisted_blocks_are_made_once(client: Client, tmp_path: Path):
    def block(number, folder):
        (folder / f"{number}").open("a").write("x")
        return np.ones((5, 3)), np.ones(5)

    for persist, times in ((False, 3), (True, 1)):
        folder = tmp_path / str(persist)
        folder.mkdir()
        step = value_and_grad(mean_square, persist=persist, client=client)
        data = [dask.delayed(block)(number, folder) for number in range(3)]
        for _ in range(3):
            step(W, data)
        assert [(folder / str(number)).read_text() for number in range(3)] == ["x" * times] * 3


def test_a_function_cannot_write_into_the_data(client: Client):
    def careless(w, x, y):
        x *= 0.0
        return mean_square(w, x + 1.0, y)

    x, y = client.persist(cut(X)), cut(Y)
    step = value_and_grad(careless, client=client)
    assert [a.tolist() for a in step(W, x, y)] == [a.tolist() for a in step(W, x, y)]
    close(value_and_grad(mean_square, client=client)(W, x, y), expected())


# --- errors -----------------------------------------------------------------------------------------------------------


def test_an_error_names_block_and_worker_and_shows_the_callers_code(client: Client):
    third = X[301, 0].item()

    def wrong(w, x, y):
        if x.shape[0] and x[0, 0].item() == third:
            raise ZeroDivisionError("of mine")
        return mean_square(w, x, y)

    with pytest.raises(BlockError) as caught:
        value_and_grad(wrong, client=client)(W, cut(X, (300, 1, 699)), cut(Y, (300, 1, 699)))
    error = caught.value
    assert error.block == 2
    assert error.worker in client.scheduler_info()["workers"]
    assert str(error).startswith(
        f"block 2 failed on the worker {error.worker}: ZeroDivisionError: of mine\n\nTraceback"
    )
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert "in wrong" in error.trace
    assert "reverse.py" not in error.trace


def test_an_error_that_cannot_be_sent_is_told(client: Client):
    def wrong(w, x, y):
        class UnsendableError(Exception):
            def __reduce__(self):
                raise TypeError("no")

        raise UnsendableError("odd")

    with pytest.raises(BlockError, match=r"block 0 failed on the worker tcp.*UnsendableError: odd") as caught:
        value_and_grad(wrong, client=client)(W, cut(X, (1000,)), cut(Y, (1000,)))
    assert caught.value.__cause__ is None


def test_an_error_of_what_makes_a_block_names_it(client: Client, tmp_path: Path):
    def block(number):
        if number == 1:
            raise FileNotFoundError("it went away")
        return X[:10], Y[:10]

    for persist in (False, True):
        step = value_and_grad(mean_square, client=client, persist=persist)
        with pytest.raises(BlockError, match=r"block 1 \(block-.*tcp://.*FileNotFoundError: it went away") as caught:
            step(W, [dask.delayed(block)(number) for number in range(3)])
        assert isinstance(caught.value.__cause__, FileNotFoundError)
    there = tmp_path / "there.npy"
    np.save(there, X)
    with pytest.raises(BlockError, match=r"block 1 \(.*gone.npy\) failed.*FileNotFoundError"):
        value_and_grad(lambda w, x: (x @ w).mean(), loader=lambda path: np.load(path), client=client)(
            W, [there, tmp_path / "gone.npy"]
        )


def test_a_function_that_a_worker_cannot_unpickle_is_an_error_of_the_block(client: Client):
    class Unpickled:
        def __call__(self, w, x):
            return (x @ w).mean()

        def __reduce__(self):
            return compile, ("1 +", "mine", "eval")

    with pytest.raises(BlockError, match="SyntaxError"):
        value_and_grad(Unpickled(), client=client)(W, cut(X, (1000,)))


def test_pieces_of_unequal_length_are_an_error_of_the_block(client: Client):
    data = [dask.delayed(X[:3]), dask.delayed(X[:4])], [dask.delayed(Y[:3]), dask.delayed(Y[:5])]
    with pytest.raises(BlockError, match=r"block 1 .*one number of rows \(their first axis\), they have \[4, 5\]"):
        value_and_grad(mean_square, client=client)(W, *data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduce": "max"}, 'reduce is "mean" or "sum"'),
        ({"micro_batch": 0}, "micro_batch is an integer from 1 on, not 0"),
        ({"fan_in": 1}, "fan_in is an integer from 2 on"),
        ({"retries": 1.5}, "retries is an integer from 0 on"),
        ({"attempts": 0}, "attempts is an integer from 1 on"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], message: str):
    with pytest.raises(ArgumentError, match=message):
        value_and_grad(mean_square, **options)


def test_calls_that_make_no_sense(client: Client):
    step = value_and_grad(mean_square, client=client)
    with pytest.raises(ArgumentError, match=r"none of the arguments \(Tensor, ndarray, ndarray\) is data"):
        step(W, X, Y)
    with pytest.raises(ArgumentError, match="only Tensors can be differentiated, got ndarray"):
        step(W.numpy(), cut(X), cut(Y))
    with pytest.raises(ArgumentError, match="y= is data; data are positional"):
        step(W, cut(X), y=cut(Y))
    with pytest.raises(ArgumentError, match="no positional argument 3"):
        value_and_grad(mean_square, 3, client=client)(W, cut(X), cut(Y))
    with pytest.raises(ShapeError, match=r"block 0 has 300 rows in argument 0 and 500 in argument 1.*rechunk"):
        step(W, cut(X), cut(Y, (500, 0, 0, 500)))
    with pytest.raises(ArgumentError, match="the data have no rows"):
        step(W, cut(X[:0], (0, 0)), cut(Y[:0], (0, 0)))


def test_without_a_client_it_says_how_to_make_one():
    with pytest.raises(ClusterError, match=r"there is no Dask client: write client = distributed.Client\(\)"):
        value_and_grad(mean_square)(W, cut(X), cut(Y))
