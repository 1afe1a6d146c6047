"""Checkpoints: the same gradients for less memory, or an error that says why not."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.autograd import checkpoint, checkpoint_sequential, graph
from pullback.errors import ArgumentError, CheckpointError


def block(x: Any) -> Any:
    return pb.tanh(x @ x) * pb.exp(-x)


def test_derivatives_of_every_order_are_those_without_it(device: str) -> None:
    def orders(run: Any) -> list[np.ndarray]:
        x = tensor([[0.3, 1.2], [-0.7, 0.4]], device, requires_grad=True)
        y = run(block, x)
        (first,) = pb.autograd.grad(y.sum(), x, create_graph=True)
        (second,) = pb.autograd.grad((first * first).sum(), x, retain_graph=True)
        (third,) = pb.autograd.grad(y.sum(), x, retain_graph=True)
        y.sum().backward()
        return [host(t) for t in (first, second, third, x.grad)]

    for found, expected in zip(orders(checkpoint), orders(lambda f, x: f(x)), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_it_works_below_transforms() -> None:
    x = tensor([[0.3, 1.2], [-0.7, 0.4]])
    plain, saved = (lambda x: block(x).sum()), (lambda x: checkpoint(block, x).sum())
    np.testing.assert_array_equal(host(pb.func.grad(saved)(x)), host(pb.func.grad(plain)(x)))
    np.testing.assert_array_equal(host(pb.func.hessian(saved)(x)), host(pb.func.hessian(plain)(x)))
    batch = pb.stack([x, 2 * x])
    per_example = pb.func.vmap(pb.func.grad(saved))(batch)
    np.testing.assert_allclose(host(per_example), host(pb.func.vmap(pb.func.grad(plain))(batch)), rtol=1e-14)


def test_weights_that_the_function_closes_over_get_gradients() -> None:
    x, w = pb.ones(2, requires_grad=True), pb.tensor([2.0, 3.0], requires_grad=True)
    checkpoint(lambda x, scale: pb.exp(x * w) * scale, x, scale=2.0).sum().backward()
    np.testing.assert_allclose(host(w.grad), 2 * np.exp([2.0, 3.0]), rtol=1e-6)
    np.testing.assert_allclose(host(x.grad), 2 * np.asarray([2.0, 3.0]) * np.exp([2.0, 3.0]), rtol=1e-6)


def test_the_function_runs_again_once_a_pass_and_stops_early() -> None:
    x = pb.tensor(0.5, requires_grad=True)
    ran: list[str] = []

    def function(x: Any) -> Any:
        ran.append("begin")
        y = pb.exp(pb.sin(x))
        ran.append("end")
        return y + 1

    y = checkpoint(function, x)
    y.backward(retain_graph=True)
    assert ran == ["begin", "end", "begin"]
    y.backward()
    assert ran == ["begin", "end", "begin", "begin"]
    ran.clear()
    checkpoint(function, x, early_stop=False).backward()
    assert ran == ["begin", "end"] * 2
    ran.clear()
    with pb.no_grad():
        checkpoint(function, x)
    assert ran == ["begin", "end"]


def saved_bytes(run: Any) -> int:
    """The memory of distinct arrays that a graph holds on to."""
    kept: dict[int, Any] = {}

    def pack(t: Any) -> Any:
        array = t._aval.backend.storage(t._array)
        kept[id(array)] = array
        return t

    with graph.saved_tensors_hooks(pack, lambda t: t):
        run()
    return sum(array.nbytes for array in kept.values())


def test_a_net_of_64_layers_keeps_at_most_a_quarter() -> None:
    weights = [pb.randn(16, 16, requires_grad=True) * 0.25 for _ in range(64)]
    x = pb.randn(256, 16, requires_grad=True)

    def layers(w: list[Any]) -> Any:
        def run(x: Any) -> Any:
            for weight in w:
                x = pb.tanh(x @ weight)
            return x

        return run

    plain = saved_bytes(lambda: layers(weights)(x))
    inputs: list[Any] = []

    def in_checkpoints() -> None:
        h = x
        for i in range(0, 64, 8):
            inputs.append(h)
            h = checkpoint(layers(weights[i : i + 8]), h)

    inside = saved_bytes(in_checkpoints)  # what is saved outside of them
    kept = inside + sum(h.numpy().nbytes if not h.requires_grad else h.detach().numpy().nbytes for h in inputs)
    assert kept <= plain / 4


def test_random_numbers_are_the_same_again_and_those_after_go_on() -> None:
    def dropout(x: Any) -> Any:
        return pb.exp(x) * (pb.rand(1000) > 0.5)

    pb.manual_seed(3)
    x = pb.zeros(1000, requires_grad=True)
    y = checkpoint(dropout, x)
    after = pb.rand(2)
    y.sum().backward()
    further = pb.rand(2)
    assert x.grad.tolist() == y.tolist()
    pb.manual_seed(3)
    pb.rand(1000)
    assert [pb.rand(2).tolist(), pb.rand(2).tolist()] == [after.tolist(), further.tolist()]


@pytest.mark.parametrize("early_stop", [False, True])
def test_a_function_that_changes_its_mind_is_refused(early_stop: bool) -> None:
    calls: list[int] = []

    def more(x: Any) -> Any:
        calls.append(1)
        return pb.exp(x) if len(calls) == 1 else pb.sin(pb.exp(x).sum() * x)

    def fewer(x: Any) -> Any:
        calls.append(1)
        return pb.exp(pb.sin(x)) if len(calls) == 1 else x + 2

    def other_shape(x: Any) -> Any:
        calls.append(1)
        return pb.exp(x) if len(calls) == 1 else pb.exp(x[:1])

    for function, match in ((fewer, "saved 0 values, the first time 2"), (other_shape, "as value 0, the first time")):
        x = pb.ones(2, requires_grad=True)
        calls.clear()
        y = checkpoint(function, x, early_stop=early_stop)
        with pytest.raises(CheckpointError, match=match):
            y.sum().backward()
        assert x.grad is None
    x = pb.ones(2, requires_grad=True)
    calls.clear()
    y = checkpoint(more, x, early_stop=False)
    with pytest.raises(CheckpointError, match="saved more than 1 values"):
        y.sum().backward()


def test_an_argument_that_was_written_since_is_refused() -> None:
    x = pb.ones(2, requires_grad=True)
    h = x * 1
    y = checkpoint(pb.exp, h)
    h += 1
    with pytest.raises(CheckpointError, match="Tensor 0 among the arguments was written in place"):
        y.sum().backward()
    assert x.grad is None


def test_options_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ArgumentError, match="use_reentrant=True does not exist"):
        checkpoint(pb.exp, pb.ones(2), use_reentrant=True)
    with pytest.raises(ArgumentError, match="determinism_check"):
        checkpoint(pb.exp, pb.ones(2), determinism_check="some")
    with pytest.raises(ArgumentError, match="3 segments of 2 functions"):
        checkpoint_sequential([pb.exp, pb.sin], 3, pb.ones(2))


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_a_sequence_in_segments(segments: int) -> None:
    functions = [pb.sin, pb.exp, pb.tanh, pb.cos, pb.sinh]

    def gradient(run: Any) -> np.ndarray:
        x = tensor([0.1, 0.7], requires_grad=True)
        return host(pb.autograd.grad(run(x).sum(), x)[0])

    def plain(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    found = gradient(lambda x: checkpoint_sequential(functions, segments, x))
    np.testing.assert_array_equal(found, gradient(plain))


def test_checkpoints_nest() -> None:
    def outer(x: Any) -> Any:
        return pb.exp(checkpoint(block, x)) * x

    x = tensor([[0.3, 1.2], [-0.7, 0.4]], requires_grad=True)
    (found,) = pb.autograd.grad(checkpoint(outer, x).sum(), x)
    (expected,) = pb.autograd.grad((pb.exp(block(x)) * x).sum(), x)
    np.testing.assert_array_equal(host(found), host(expected))


def test_two_threads_may_read_one_checkpoint() -> None:
    x = tensor(np.linspace(0, 1, 50), requires_grad=True)
    y = checkpoint(lambda x: pb.exp(pb.sin(pb.tanh(x))), x).sum()
    (expected,) = pb.autograd.grad(y, x, retain_graph=True)
    found: list[np.ndarray] = []
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        found.extend(host(pb.autograd.grad(y, x, retain_graph=True)[0]) for _ in range(20))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    for gradient in found:
        np.testing.assert_array_equal(gradient, host(expected))
