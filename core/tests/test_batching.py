"""vmap of every primitive, alone and with derivatives, against a Python loop over the examples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import assert_close, host, listed, tensor
from helpers.primitives import BEYOND_THE_STANDARD, calls, declared
from pullback.batching import BatchedBackend
from pullback.batching_rules import RULES
from pullback.errors import AutogradError
from pullback.func import grad, jvp, vmap

BATCH = 3
EXACT = 1e-10
CALLS = [pytest.param(call, arrays, id=name) for name, call, arrays in calls()]
INDEXING = [pytest.param(call, arrays, id=name) for name, call, arrays in calls(BEYOND_THE_STANDARD)]
SHAPES_DEPEND_ON_VALUES = {"nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values", "repeat"}
NOT_ON_BATCHES = {"alias"}  # a leaf's new place, made where a transform begins

Axes = tuple[int | None, ...]


class Examples:
    """The arguments of one example, and a batch of examples for each."""

    def __init__(self, arrays: list[np.ndarray], device: str) -> None:
        rng = np.random.default_rng(0)
        self.arrays = arrays
        self.device = device
        self.batches = [self.batch(x, rng) for x in arrays]

    def batch(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """`x`, and others like it: integers are permuted, so that indices stay valid and lines keep their length."""
        if x.dtype.kind == "f":
            return np.stack([x, *(x + 0.1 * rng.standard_normal(x.shape) for _ in range(BATCH - 1))])
        return np.stack([rng.permutation(x.ravel()).reshape(x.shape) for _ in range(BATCH)])

    def combinations(self) -> Iterator[Axes]:
        """Every choice of the axis of each argument that is the batch: the first, a middle one, the last, none."""
        choices = [(None, *dict.fromkeys((0, x.ndim // 2, -1))) for x in self.arrays]
        return (axes for axes in itertools.product(*choices) if any(axis is not None for axis in axes))

    def few(self) -> list[Axes]:
        """All arguments with a batch in front, and each alone with one in the back."""
        n = len(self.arrays)
        alone = [tuple(-1 if i == j else None for i in range(n)) for j in range(n)]
        return [(0,) * n, *alone] if n > 1 else [(0,), (-1,)]

    def whole(self, axes: Axes) -> list[Any]:
        """The arguments of the mapped function."""
        return [
            self.tensor(x if axis is None else np.moveaxis(batch, 0, axis))
            for x, batch, axis in zip(self.arrays, self.batches, axes, strict=True)
        ]

    def one(self, axes: Axes, i: int) -> list[Any]:
        """The arguments of example `i`."""
        chosen = zip(self.arrays, self.batches, axes, strict=True)
        return [self.tensor(x if axis is None else batch[i]) for x, batch, axis in chosen]

    def tensor(self, x: np.ndarray) -> Any:
        return tensor(x, self.device)

    def floats(self) -> tuple[int, ...]:
        return tuple(i for i, x in enumerate(self.arrays) if x.dtype.kind == "f")


def stacked(function: Callable[..., Any], examples: Examples, axes: Axes) -> list[np.ndarray]:
    """The oracle: `function` of each example, one after the other."""
    rows = [listed(function(*examples.one(axes, i))) for i in range(BATCH)]
    return [np.stack([host(x) for x in column]) for column in zip(*rows, strict=True)]


def scalar(call: Callable[..., Any]) -> Callable[..., Any]:
    """A real number that depends on every element of every floating result."""

    def function(*args: Any) -> Any:
        total = 0.0
        for k, out in enumerate(listed(call(*args))):
            if out.dtype.differentiable:
                parts = (pb.real(out), pb.imag(out)) if out.dtype.is_complex else (out,)
                total = total + sum(pb.sum(pb.sin(part * (k + 1.5)) * part) for part in parts)
        return total

    return function


def differentiable(call: Callable[..., Any], examples: Examples) -> tuple[int, ...]:
    """The arguments to differentiate with respect to; none if no result has a derivative."""
    floats = examples.floats()
    arguments = [
        x.requires_grad_() if i in floats else x for i, x in enumerate(examples.one((0,) * len(examples.arrays), 0))
    ]
    return floats if any(out.requires_grad for out in listed(call(*arguments))) else ()


def agree(found: Any, expected: list[np.ndarray], what: str) -> None:
    for one, other in zip(listed(found), expected, strict=True):
        assert_close(host(one), other, what, EXACT)


# --- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "arrays"), CALLS)
def test_equals_the_loop_for_every_choice_of_axes(call: Any, arrays: list[np.ndarray], device: str) -> None:
    check_values(call, arrays, device)


@pytest.mark.parametrize(("call", "arrays"), INDEXING)
def test_equals_the_loop_with_arrays_beside_slices(call: Any, arrays: list[np.ndarray]) -> None:
    check_values(call, arrays, "cpu")


def check_values(call: Any, arrays: list[np.ndarray], device: str) -> None:
    examples = Examples(arrays, device)
    for axes in examples.combinations():
        out = vmap(call, in_axes=axes)(*examples.whole(axes))
        agree(out, stacked(call, examples, axes), f"in_axes={axes}")
        example = listed(call(*examples.one(axes, 0)))
        assert [x.dtype for x in listed(out)] == [x.dtype for x in example]
        assert all(str(x.device) == device for x in listed(out))


def test_every_primitive_has_a_row_and_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the table runs on batches is all that there is, and runs once per batch unless its shapes forbid it."""
    seen: set[int] = set()
    slow: set[str] = set()
    run, one_by_one = BatchedBackend.run, BatchedBackend._one_by_one

    def noting(self: Any, primitive: Any, operands: Any, params: Any) -> Any:
        seen.add(id(primitive))
        return run(self, primitive, operands, params)

    def noting_slow(self: Any, batch: Any) -> Any:
        slow.add(batch.primitive.name)
        return one_by_one(self, batch)

    monkeypatch.setattr(BatchedBackend, "run", noting)
    monkeypatch.setattr(BatchedBackend, "_one_by_one", noting_slow)
    for _, call, arrays in (*calls(), *calls(BEYOND_THE_STANDARD)):
        examples = Examples(arrays, "cpu")
        for axes in examples.few():
            vmap(call, in_axes=axes)(*examples.whole(axes))
    missing = {primitive.name for primitive in declared() if id(primitive) not in seen}
    assert missing == NOT_ON_BATCHES
    assert {primitive.name for primitive in declared() if not primitive.elementwise} - set(RULES) <= slow
    assert slow == SHAPES_DEPEND_ON_VALUES


# --- with derivatives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "arrays"), CALLS + INDEXING)
def test_derivatives_inside_and_outside(call: Any, arrays: list[np.ndarray]) -> None:
    check_derivatives(call, arrays, "cpu")


@pytest.mark.parametrize(("call", "arrays"), CALLS)
def test_derivatives_on_another_library(call: Any, arrays: list[np.ndarray]) -> None:
    check_derivatives(call, arrays, "strict")


def check_derivatives(call: Any, arrays: list[np.ndarray], device: str) -> None:
    """vmap of grad, grad over vmap, vmap of jvp, jvp over vmap; each against a loop of the same without vmap."""
    examples = Examples(arrays, device)
    wrt = differentiable(call, examples)
    if not wrt:
        return
    loss = scalar(call)
    tangents = {i: np.cos(1.0 + np.arange(arrays[i].size).reshape(arrays[i].shape)) for i in wrt}

    def push(*args: Any) -> Any:
        """The derivative of the loss along one direction, the same for each example."""

        def moved(*chosen: Any) -> Any:
            full = list(args)
            for i, x in zip(wrt, chosen, strict=True):
                full[i] = x
            return loss(*full)

        return jvp(moved, tuple(args[i] for i in wrt), tuple(examples.tensor(tangents[i]) for i in wrt))[1]

    for axes in examples.few():
        inside = vmap(grad(loss, wrt), in_axes=axes)(*examples.whole(axes))
        expected = stacked(grad(loss, wrt), examples, axes)
        agree(inside, expected, f"vmap of grad, in_axes={axes}")
        agree(vmap(push, in_axes=axes)(*examples.whole(axes)), stacked(push, examples, axes), "vmap of jvp")

        mapped = vmap(loss, in_axes=axes)
        outside = grad(lambda *args, mapped=mapped: mapped(*args).sum(), wrt)(*examples.whole(axes))
        for i, found, rows in zip(wrt, outside, expected, strict=True):
            total = rows.sum(axis=0) if axes[i] is None else np.moveaxis(rows, 0, axes[i])
            assert_close(host(found), total, f"grad over vmap, in_axes={axes}", EXACT)

        check_pushed_over(loss, examples, axes, wrt, tangents, stacked(push, examples, axes)[0])


def check_pushed_over(
    loss: Any, examples: Examples, axes: Axes, wrt: tuple[int, ...], tangents: Any, expected: np.ndarray
) -> None:
    whole = examples.whole(axes)

    def moved(*chosen: Any) -> Any:
        full = list(whole)
        for i, x in zip(wrt, chosen, strict=True):
            full[i] = x
        return vmap(loss, in_axes=axes)(*full)

    def spread(i: int) -> np.ndarray:
        t = tangents[i]
        return t if axes[i] is None else np.moveaxis(np.broadcast_to(t, (BATCH, *t.shape)), 0, axes[i])

    _, found = jvp(moved, tuple(whole[i] for i in wrt), tuple(examples.tensor(spread(i)) for i in wrt))
    assert_close(host(found), expected, f"jvp over vmap, in_axes={axes}", EXACT)


# --- what cannot be a batch ------------------------------------------------------------------------------------------


def test_results_of_different_shapes_are_refused() -> None:
    x = tensor([[1.0, 0.0], [2.0, 3.0]])
    with pytest.raises(
        AutogradError, match=r"nonzero gives results of different shapes for different examples: \(1,\), \(2,\)"
    ):
        vmap(lambda row: pb.nonzero(row)[0])(x)
    with pytest.raises(AutogradError, match="getitem gives results of different shapes"):
        vmap(lambda row: row[row > 0])(x)


def test_a_mask_that_keeps_the_shape_is_right() -> None:
    x = tensor([[1.0, -2.0], [-3.0, 4.0]])
    assert vmap(lambda row: row[row > 0])(x).tolist() == [[1.0], [4.0]]


@pytest.mark.parametrize(
    "read",
    [bool, float, lambda x: x.item(), lambda x: x.tolist(), lambda x: 1 if x > 0 else 2, lambda x: f"{x:.2f}"],
    ids=["bool", "float", "item", "tolist", "if", "format"],
)
def test_the_values_of_a_batch_cannot_be_read(read: Any) -> None:
    with pytest.raises(AutogradError, match=r"reads the values of a batch .* write it with pb\.where"):
        vmap(lambda x: pb.asarray(float(read(x))))(tensor([1.0, 2.0]))


def test_a_batch_of_none() -> None:
    x = tensor(np.zeros((0, 3)))
    assert vmap(lambda row: pb.sort(row)[:2])(x).shape == (0, 2)
    assert vmap(lambda row: row.__array_namespace__().unique_values(row))(x).shape == (0, 1)
    assert vmap(grad(lambda row: pb.sum(row**2)))(x).shape == (0, 3)


def test_out_of_range_indices_are_noticed() -> None:
    x = tensor(np.arange(6.0).reshape(2, 3))
    with pytest.raises(IndexError):
        vmap(lambda row, i: row[i])(x, tensor(np.asarray([0, 3])))


def test_a_batch_prints_its_shape() -> None:
    seen = []
    vmap(lambda row: seen.append(repr(row)) or row)(tensor(np.zeros((2, 3))))
    assert seen == ["tensor(<vmap array>, shape=(3,), dtype=pullback.float64)"]
