"""Graphs: how nodes are laid out; that walks are iterative and linear; that graphs die by reference counts alone."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pullback as pb
import pytest
from pullback import graph

# --- nodes -----------------------------------------------------------------------------------------------------------


def _rule(ct: Any, x: Any, y: Any) -> Any:
    return ct


class _Named:
    name = "SomeBackward"


_rule.rule = _Named  # type: ignore[attr-defined]


def test_newer_nodes_come_first_in_a_heap() -> None:
    old = graph.make_node(_rule, (None,), None, None)
    new = graph.make_node(_rule, (None,), None, None)
    assert new < old
    assert sorted([old, new]) == [new, old]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("sequence", [False, True])
def test_parents_come_back_in_order(count: int, sequence: bool) -> None:
    leaves = tuple(graph.Leaf(i) for i in range(count))
    node = graph.make_node(_rule, leaves, None, None, sequence=sequence)
    assert graph.parents(node) == leaves
    assert (type(node[graph.B]) is tuple) == (sequence or count > 2)


def test_only_recorded_operations_are_nodes() -> None:
    assert graph.is_node(graph.make_node(_rule, (None,), None, None))
    assert not graph.is_node(graph.Leaf(None))
    assert not graph.is_node(None)


def test_a_released_node_keeps_its_name_and_refuses_to_run() -> None:
    node = graph.make_node(_rule, (None,), np.zeros(3), "more")
    graph.free(node)
    assert node[graph.X] is None
    assert graph.rule_of(node) is _Named
    with pytest.raises(pb.errors.GraphFreedError, match="SomeBackward"):
        node[graph.PULLBACK](1.0, node[graph.X], node[graph.Y])
    graph.free(node)  # a second time changes nothing
    assert graph.rule_of(node) is _Named


def test_a_node_that_saved_nothing_stays_usable() -> None:
    node = graph.make_node(_rule, (None,), None, "more")
    graph.free(node)
    assert node[graph.PULLBACK](1.0, None, None) == 1.0


def test_a_node_keeps_no_tensor() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    assert not any(isinstance(item, pb.Tensor) for item in y._node)
    died = weakref.ref(y)
    out = y.sum()
    del y
    assert died() is None
    out.backward()
    assert x.grad.tolist() == [2.0, 4.0]


# --- deep graphs -----------------------------------------------------------------------------------------------------


@pytest.fixture
def shallow_stack() -> Iterator[None]:
    """At most 60 more frames than the test has: recursion over a graph would fail at once."""
    before = sys.getrecursionlimit()
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    sys.setrecursionlimit(depth + 60)
    yield
    sys.setrecursionlimit(before)


def _scalar_chain(x: Any, count: int) -> Any:
    for _ in range(count // 2):
        x = x * 2.0
        x = x * 0.5
    return x


def test_a_million_nodes_differentiate_and_die_without_recursion(shallow_stack: None) -> None:
    x = pb.tensor(3.0, requires_grad=True)
    y = _scalar_chain(x, 1_000_000) * 2.0
    y.backward(retain_graph=True)
    assert x.grad.item() == 2.0
    (gradient,) = pb.autograd.grad(y, x)
    assert gradient.item() == 2.0
    leaf = weakref.ref(x._node)
    del x, y
    assert leaf() is None


def _deep_vectors(x: Any) -> Any:
    y = x
    for _ in range(5_000):
        y = y * x
        y = y / x
    return y.sum()


def _deep_general(x: Any) -> Any:
    for _ in range(5_000):
        x = pb.flip(x)
    return x.sum()


def _deep_views(x: Any) -> Any:
    for _ in range(5_000):
        x = x.reshape(2, 2).reshape(4)
    return x.sum()


def _deep_function(x: Any) -> Any:
    for _ in range(3_000):
        x = _Keeps.apply(x)
    return x.sum()


def _wide(x: Any) -> Any:
    terms = [x * 1.0 for _ in range(4096)]
    while len(terms) > 1:
        terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=True)]
    return terms[0].sum()


DEEP = [_deep_vectors, _deep_general, _deep_views, _deep_function, _wide]


@pytest.mark.parametrize("make", DEEP)
def test_deep_and_wide_graphs_need_no_recursion(make: Callable[[Any], Any], shallow_stack: None) -> None:
    x = pb.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    y = make(x)
    y.backward()
    del y
    expected = 4096.0 if make is _wide else 1.0
    np.testing.assert_allclose(x.grad.numpy(), np.full(4, expected), rtol=1e-4)


def test_second_derivatives_of_a_deep_graph_need_no_recursion(shallow_stack: None) -> None:
    x = pb.tensor(1.0, dtype=pb.float64, requires_grad=True)
    y = x * x * x
    for _ in range(3_000):
        y = y * 1.0
    (first,) = pb.autograd.grad(y, x, create_graph=True)
    (second,) = pb.autograd.grad(first, x)
    assert first.item() == 3.0
    assert second.item() == 6.0


def _calls(work: Callable[[], Any]) -> int:
    """How many functions, of Python and of C, `work` calls."""
    count = 0

    def profile(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("shape", ["chain", "leaf used often", "ladder"])
def test_the_reverse_pass_is_linear(shape: str) -> None:
    def passed(size: int) -> int:
        x = pb.tensor(1.0, requires_grad=True)
        y = x * 1.0
        if shape == "chain":
            y = _scalar_chain(y, size)
        elif shape == "leaf used often":
            for _ in range(size):
                y = y + x
        else:
            a, b = y, y * 1.0
            for _ in range(size):
                a, b = a + b, a - b  # walked path by path, this would take 2 ** size steps
                a, b = a * 0.5, b * 0.5
            y = a + b
        return _calls(y.backward)

    passed(10)  # what is worked out once
    small, middle, large = passed(1_000), passed(2_000), passed(4_000)
    assert middle - small == pytest.approx((large - middle) / 2, rel=0.02)


# --- memory ----------------------------------------------------------------------------------------------------------


def _bytes_per_node(make: Callable[[int], Any], count: int) -> float:
    make(10)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = make(count)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    del kept
    return taken / count


def test_a_scalar_node_takes_at_most_300_bytes() -> None:
    x = pb.tensor(1.0, requires_grad=True)
    assert 50 < _bytes_per_node(lambda count: _scalar_chain(x, count), 20_000) <= 300  # its number included


def test_a_node_takes_at_most_300_bytes_above_its_arrays() -> None:
    x = pb.ones((10,), requires_grad=True)
    array = sys.getsizeof(np.ones(10, np.float32))

    def products(count: int) -> Any:
        y = x
        for _ in range(count):
            y = y * x
        return y

    assert array < _bytes_per_node(products, 20_000) <= 300 + array


# --- graphs die by reference counts alone ----------------------------------------------------------------------------


class _Keeps(pb.autograd.Function):
    """Keeps its operand and its own result."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        out = x * 1.0
        ctx.save_for_backward(x, out)
        ctx.more = {"x": None, "shape": x.shape}
        return out

    @staticmethod
    def backward(ctx: Any, ct: Any) -> Any:
        x, out = ctx.saved_tensors
        return ct * (x / out)


class _Pair(pb.autograd.Function):
    """Two results, one of them kept."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        first, second = x * 2.0, pb.exp(x)
        ctx.save_for_backward(second)
        return first, second

    @staticmethod
    def backward(ctx: Any, first: Any, second: Any) -> Any:
        (exp,) = ctx.saved_tensors
        return 2.0 * first + second * exp


def _diamond(x: Any) -> Any:
    y = x * 2.0
    return y * y + y


def _written(x: Any) -> Any:
    y = x * 2.0
    y += 1.0
    y[0] = 3.0
    y[1:] *= x[1:]
    return y


def _viewed(x: Any) -> Any:
    y = x * 2.0
    part = y[1:].reshape(3)
    part += 1.0
    part.detach()
    return part.sum() + y.sum()


def _hooked(x: Any) -> Any:
    y = x * 2.0
    y.register_hook(lambda ct: ct * 1.0)
    y.retain_grad()
    z = y * y
    z.grad_fn.register_hook(lambda incoming, outgoing: None)
    return z


def _penalty(x: Any) -> Any:
    y = (x * x * x).sum()
    (slope,) = pb.autograd.grad(y, x, create_graph=True)
    return y + (slope * slope).sum()


SHAPES: dict[str, Callable[[Any], Any]] = {
    "chain": lambda x: x * 2.0 + 1.0,
    "diamond": _diamond,
    "broadcast": lambda x: pb.reshape(x, (4, 1)) * x + x.sum(),
    "reductions": lambda x: x.sum() + x.mean() + pb.max(x) + pb.prod(x) + pb.std(x),
    "elementwise that keep their result": lambda x: pb.exp(x) + pb.tanh(x) + pb.sqrt(x) + 1.0 / x,
    "hides values": lambda x: pb.where(x > 2.0, x, 0.0) + pb.maximum(x, 1.5) + x.clamp(min=0.5),
    "matmul": lambda x: pb.reshape(x, (2, 2)) @ pb.reshape(x, (2, 2)),
    "concat, stack": lambda x: pb.concat([x, x * 2.0]).sum() + pb.stack([x, x]).sum(),
    "unstack": lambda x: sum(pb.unstack(x * 2.0)),
    "several results": lambda x: sum(part.sum() for part in pb.linalg.qr(pb.reshape(x, (2, 2)))),
    "one of several results": lambda x: pb.linalg.eigh(pb.reshape(x * x, (2, 2))).eigenvalues,
    "indexing": lambda x: x[1:] + x[:-1] * x[0],
    "views": _viewed,
    "written in place": _written,
    "Function": lambda x: _Keeps.apply(_Keeps.apply(x)),
    "Function with two results": lambda x: _Pair.apply(x)[1],
    "hooks, retain_grad": _hooked,
    "checkpoint": lambda x: pb.autograd.checkpoint(lambda y: pb.exp(y) * y, x),
    "create_graph": _penalty,
    "func.grad": lambda x: pb.func.grad(lambda y: (y * y * x).sum())(x),
    "jvp": lambda x: pb.func.jvp(lambda y: pb.sin(y) * x, (x,), (x,))[1],
    "vmap": lambda x: pb.func.vmap(lambda y: y * y)(x),
    "copies": lambda x: x.clone() + x.detach() + x.astype(pb.float32),
}


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Nothing is freed but by reference counts."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _watched(x: Any, y: Any) -> list[Any]:
    """Weak references to the leaf, and to everything that the nodes of a graph saved as far as it takes any."""
    watched: list[Any] = [x, x._node, y]
    todo, seen = [y._node], set()
    while todo:
        node = todo.pop()
        if not graph.is_node(node) or id(node) in seen:
            continue
        seen.add(id(node))
        todo += graph.parents(node)
        for item in node[graph.X :]:
            watched += item if isinstance(item, tuple) else [item]
    constants = {id(number) for number in x._aval.scalars.values()}  # Python numbers, which the aval keeps for all
    return [weakref.ref(item) for item in watched if type(item).__weakrefoffset__ and id(item) not in constants]


@pytest.mark.parametrize("use", ["never used", "differentiated", "differentiated and retained", "failed"])
@pytest.mark.parametrize("shape", SHAPES)
def test_graphs_die_with_their_last_reference(shape: str, use: str, no_collector: None) -> None:
    def once() -> list[Any]:
        x = pb.tensor([1.0, 2.0, 3.0, 5.0], dtype=pb.float64, requires_grad=True)
        y = SHAPES[shape](x)
        references = _watched(x, y)
        if use == "failed":
            with pytest.raises(pb.errors.AutogradError):
                y.backward(pb.ones((7,), dtype=pb.float64))
        elif use != "never used":
            y.sum().backward(retain_graph=use != "differentiated")
            assert x.grad is not None
        return references

    once()  # what is worked out and kept for the next time
    gc.collect()
    references = once()
    assert len(references) >= 3
    assert [reference() for reference in references if reference() is not None] == []
    assert gc.collect() == 0, "a cycle was left to the collector"


def test_a_graph_outlives_its_tensors(no_collector: None) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3.0
    leaf = weakref.ref(x._node)
    del x
    assert leaf() is not None
    y.sum().backward()
    assert leaf().grad.tolist() == [3.0, 3.0]  # type: ignore[union-attr]
    del y
    assert leaf() is None
