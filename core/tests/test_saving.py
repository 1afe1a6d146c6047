"""Saved values packed and unpacked: the same gradients of every order, whatever keeps them meanwhile."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.autograd import graph
from pullback.errors import AutogradError, OverwrittenError


class Cube(pb.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, ct: Any) -> Any:
        (x,) = ctx.saved_tensors
        return ct * 3 * x**2


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "an operand": lambda x: x * x,
    "the result": pb.exp,
    "three arrays": lambda x: pb.where(x > 1, x**x, x),
    "a product": lambda x: x @ x,
    "several results": lambda x: pb.stack(list(x.__array_namespace__().linalg.eigh(x @ x.mT + 3.0))[:1]),
    "a sequence": lambda x: pb.concat([x * 2, x, x]) ** 2,
    "an index": lambda x: x[pb.asarray([1, 0, 1])] ** 2,
    "a reduction": lambda x: pb.std(x, axis=0),
    "a Function": Cube.apply,
    "a composition": lambda x: pb.tanh(pb.exp(pb.sin(x) @ x) / 10) * x,
}
KEEPERS: dict[str, Callable[[], Any]] = {
    "as they are": lambda: graph.saved_tensors_hooks(lambda t: t, lambda t: t),
    "as NumPy arrays": lambda: graph.saved_tensors_hooks(lambda t: (host(t), t.device), lambda kept: tensor(*kept)),
    "on the CPU": graph.save_on_cpu,
    "on disk": graph.save_on_disk,
}


def derivatives(function: Callable[[Any], Any], device: str, keeper: Any) -> list[np.ndarray]:
    x = tensor([[0.3, 1.2], [1.7, 0.4]], device, requires_grad=True)
    with keeper:
        y = function(x)
    (first,) = pb.autograd.grad((y * y).sum(), x, retain_graph=True)
    (recorded,) = pb.autograd.grad((y * y).sum(), x, create_graph=True)
    (second,) = pb.autograd.grad((recorded * recorded).sum(), x, retain_graph=True)
    y.backward(pb.ones_like(y))
    return [host(first), host(recorded), host(second), host(x.grad)]


@pytest.mark.parametrize("keeper", KEEPERS.values(), ids=list(KEEPERS))
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_derivatives_of_every_order_do_not_depend_on_who_keeps_the_values(
    function: Any, keeper: Any, device: str
) -> None:
    plain = derivatives(function, device, nullcontext())
    for found, expected in zip(derivatives(function, device, keeper()), plain, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_what_is_packed_is_what_the_op_saves() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    packed: list[Any] = []
    with graph.saved_tensors_hooks(lambda t: packed.append(t.tolist()) or t, lambda t: t):
        y = x * x  # twice: once for each operand
        z = y + 1  # saves nothing
        pb.exp(z)
        with pb.no_grad():
            x * y
        x.detach() * 2
    assert packed == [[1.0, 2.0], [1.0, 2.0], [np.exp(np.float32(2)), np.exp(np.float32(5))]]


def test_an_unpacked_value_is_read_once_by_each_pass_and_never_without_one() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    unpacked: list[int] = []
    with graph.saved_tensors_hooks(lambda t: t, lambda t: unpacked.append(1) or t):
        y = pb.exp(x)
    assert unpacked == []
    y.backward(retain_graph=True)
    y.backward()
    assert len(unpacked) == 2


def test_the_innermost_hooks_count_and_modes_inside_do_not_lose_them() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    seen: list[str] = []

    def keeper(name: str) -> Any:
        return graph.saved_tensors_hooks(lambda t: seen.append(name) or t, lambda t: t)

    with keeper("outer"):
        with keeper("inner"):
            pb.exp(x)
        with pb.no_grad(), pb.enable_grad():
            pb.sin(x)
        with pb.set_grad_enabled(False):
            pb.sin(x)
        pb.cos(x)
    pb.exp(x)
    assert seen == ["inner", "outer", "outer"]


def test_what_the_hooks_compute_is_neither_recorded_nor_packed() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: (t * 2, t * x), lambda kept: kept[0] / 2):
        y = pb.exp(x)
    y.backward()
    assert float(x.grad.item()) == pytest.approx(np.exp(2), rel=1e-6)


def test_a_hook_that_raises_is_not_in_the_way_afterwards() -> None:
    x = pb.tensor(2.0, requires_grad=True)

    def fail(_: Any) -> None:
        raise RuntimeError("full")

    with pytest.raises(RuntimeError, match="full"), graph.saved_tensors_hooks(fail, fail):
        pb.exp(x)
    pb.exp(x).backward()
    assert x.grad is not None
    with graph.saved_tensors_hooks(lambda t: t, fail):
        y = pb.exp(x)
    x.grad = None
    with pytest.raises(RuntimeError, match="full"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda t: t.tolist(), "unpack returned a list"),
        (lambda t: t[:1], r"unpack returned one that is"),
        (lambda t: t.astype(pb.float64), "unpack returned one that is.*float64"),
    ],
)
def test_a_value_that_is_not_what_was_packed_is_refused(wrong: Any, match: str) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t, wrong):
        y = pb.exp(x)
    with pytest.raises(AutogradError, match=match):
        y.sum().backward()
    assert x.grad is None


def test_a_pack_hook_that_writes_does_not_change_the_value() -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)

    def spoil(t: Any) -> Any:
        t *= 100
        return pb.tensor([1.0, 2.0])

    with graph.saved_tensors_hooks(spoil, lambda t: t):
        y = x * pb.tensor([3.0, 4.0])
        z = pb.sin(x)
    assert x.tolist() == [1.0, 2.0]
    assert y.tolist() == [3.0, 8.0]
    assert z.shape == (2,)


def test_a_write_to_a_packed_value_that_shares_memory_gives_the_right_gradient_or_a_refusal() -> None:
    for keep in (lambda t: t, lambda t: t.clone()):
        x = pb.tensor([1.0, 2.0], requires_grad=True)
        w = pb.tensor([3.0, 4.0])
        with graph.saved_tensors_hooks(keep, lambda t: t):
            y = x * w
        w[0] = 9.0
        try:
            y.sum().backward()
        except OverwrittenError:
            assert x.grad is None
        else:
            assert x.grad.tolist() == [3.0, 4.0]


def test_hooks_can_be_disabled() -> None:
    disabled = graph.disable_saved_tensors_hooks("not here")
    with disabled, pytest.raises(AutogradError, match="not here"), graph.save_on_cpu():
        pass
    with graph.save_on_cpu():
        pass


def test_files_go_with_their_graph(tmp_path: Path) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    gc.disable()
    try:
        with graph.save_on_disk(tmp_path):
            y = pb.exp(pb.sin(x))
        assert len(list(tmp_path.iterdir())) == 2
        y.sum().backward()
        assert list(tmp_path.iterdir()) == []
    finally:
        gc.enable()


def test_packed_values_are_freed_and_a_second_pass_refused() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    with graph.save_on_cpu():
        y = pb.exp(x)
    y.backward()
    with pytest.raises(AutogradError, match=r"ExpBackward0.*retain_graph=True"):
        y.backward()
