"""Every op runs on the device of its operands, on its current stream, and nothing reaches the host unasked.

The stand-in refuses an array that is not on the current device, as CuPy does, and writes down every wait and transfer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from pullback.errors import BackendMismatchError

Install = Callable[..., Any]


# --- the seeds' steps ------------------------------------------------------------------------------------------------


def sine_fit(device: str) -> Callable[[], Any]:
    """A polynomial of third degree, fitted by hand-written descent."""
    x = pb.linspace(-3.0, 3.0, 50, device=device)
    y = pb.sin(x)
    weights = [pb.tensor(0.1 * i, device=device, requires_grad=True) for i in range(4)]

    def step() -> Any:
        a, b, c, d = weights
        loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
        loss.backward()
        with pb.no_grad():
            for w in weights:
                w -= 1e-4 * w.grad
                w.grad = None
        return loss

    return step


def two_layers(device: str) -> Callable[[], Any]:
    """The network of matrices and a rectifier; gradients are kept and zeroed."""
    pb.manual_seed(0)
    x, y = pb.randn(8, 5, device=device), pb.randn(8, 2, device=device)
    w1 = pb.randn(5, 6, device=device, requires_grad=True)
    w2 = pb.randn(6, 2, device=device, requires_grad=True)

    def step() -> Any:
        loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
        loss.backward()
        with pb.no_grad():
            for w in (w1, w2):
                w -= 1e-4 * w.grad
                w.grad.zero_()
        return loss

    return step


class Legendre(pb.autograd.Function):
    """The polynomial of third degree, with a derivative of its own."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return 0.5 * (5 * x**3 - 3 * x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grad * 1.5 * (5 * x**2 - 1)


def legendre(device: str) -> Callable[[], Any]:
    x = pb.linspace(-3.0, 3.0, 20, device=device)
    y = pb.sin(x)
    c, d = (pb.tensor(v, device=device, requires_grad=True) for v in (-1.0, 0.3))

    def step() -> Any:
        loss = (Legendre.apply(c + d * x) - y).pow(2).sum()
        return loss, pb.autograd.grad(loss, [c, d])

    return step


def indexing(device: str) -> Callable[[], Any]:
    """Rows by number, twice the same; a choice; a maximum; sums along an axis."""
    table = pb.ones(5, 3, device=device, requires_grad=True)
    rows = pb.asarray(np.asarray([0, 2, 2]), device=device)

    def step() -> Any:
        found = pb.take(table, rows, axis=0)
        loss = pb.where(found > 0, pb.sqrt(found), found).sum() + pb.max(table, axis=1).sum() + pb.std(table)
        loss.backward()
        return loss

    return step


STEPS = [sine_fit, two_layers, legendre, indexing]


@pytest.mark.parametrize("program", STEPS)
@pytest.mark.parametrize(("count", "device"), [(1, "cuda:0"), (2, "cuda:1")])
def test_a_step_neither_waits_nor_transfers(install: Install, program: Any, count: int, device: str) -> None:
    driver = install(count)
    step = program(device)
    step()
    driver.log.clear()
    with driver.forbidding("wait", "to host", "to device", "between"):
        step()
    number = int(device[-1])
    assert {entry[1] for entry in driver.noted("launch")} == {number}
    assert driver.current == 0


def test_what_is_forbidden_is_noticed(install: Install) -> None:
    driver = install(1)
    x = pb.ones(2, device="cuda")
    for what, ask in {
        "to host": x.tolist,
        "wait": lambda: bool(x.sum()),
        "to device": lambda: pb.tensor([1.0], device="cuda"),
    }.items():
        with driver.forbidding(what), pytest.raises(AssertionError, match=f"a hidden {what}"):
            ask()


@pytest.mark.parametrize("program", STEPS)
def test_a_step_gives_what_it_gives_on_the_host(install: Install, program: Any) -> None:
    install(2)

    def values(device: str) -> list[Any]:
        pb.manual_seed(0)
        step = program(device)
        found = step()
        loss, *grads = found if isinstance(found, tuple) else (found, ())
        return [loss.item(), *(g.item() for g in grads[0])]

    if program is two_layers:  # its numbers are random, and other ones than the host's
        assert values("cuda:1") == values("cuda:0")
    else:
        assert values("cuda:1") == pytest.approx(values("cpu"), rel=1e-5)


# --- several devices -------------------------------------------------------------------------------------------------


def test_the_stand_in_refuses_what_cupy_refuses(install: Install, fake: Any) -> None:
    install(2)
    x = pb.ones(2, device="cuda:1")._array
    with pytest.raises(ValueError, match="array device = 1 while current = 0"):
        x + 1
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(x)
    with fake.Device(1):
        assert (x + 1).device.id == 1
        for mix in (lambda: x + np.ones(2), lambda: np.ones(2) + x, lambda: np.add(x, np.ones(2))):
            with pytest.raises(TypeError, match="Unsupported type"):
                mix()


@pytest.mark.parametrize("home", ["cpu", "cuda:0", "cuda:1"])
def test_one_graph_spans_devices(install: Install, home: str) -> None:
    """Whichever device the pass begins on, each of its parts runs where its arrays are, sums of cotangents too."""
    driver = install(2)
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    a = pb.tensor([3.0, 4.0], device="cuda:0", requires_grad=True)
    b = pb.tensor([5.0, 6.0], device="cuda:1", requires_grad=True)

    def loss() -> Any:
        first = x.to("cuda:0") * a
        first = first * first + first * a
        second = first.to("cuda:1") + b * b + b
        return (second.to("cuda:0") * a).sum().to(home) + (second * b).sum().to(home)

    for n in (1, 2):  # the second pass adds to every .grad
        loss().backward()
        assert driver.current == 0
        found = [leaf.grad.to("cpu") for leaf in (x, a, b)]
        plain = [leaf.detach().cpu().requires_grad_() for leaf in (x, a, b)]
        first = plain[0] * plain[1]
        first = first * first + first * plain[1]
        second = first + plain[2] * plain[2] + plain[2]
        expected = pb.autograd.grad((second * plain[1]).sum() + (second * plain[2]).sum(), plain)
        for mine, right in zip(found, expected, strict=True):
            np.testing.assert_allclose(mine.numpy(), n * right.numpy(), rtol=1e-6)
    assert [leaf.grad.device for leaf in (x, a, b)] == ["cpu", "cuda:0", "cuda:1"]


def test_the_current_device_is_as_before_also_after_an_error(install: Install) -> None:
    driver = install(2)
    x = pb.ones(2, device="cuda:1", requires_grad=True)
    y = pb.sin(x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="already used"):
        y.backward()
    with pytest.raises(BackendMismatchError, match=r"cuda:1.*cuda:0"):
        x + pb.ones(2, device="cuda:0")
    assert driver.current == 0


@pytest.mark.parametrize("home", ["cpu", "cuda:0", "cuda:1"])
def test_the_current_device_is_as_before_wherever_the_loss_is(install: Install, home: str) -> None:
    driver = install(2)
    x = pb.ones(3, device="cuda:1", requires_grad=True)
    (pb.sin(x) * x).sum().to(home).backward()
    assert (driver.current, x.grad.device) == (0, "cuda:1")
    pb.autograd.grad((pb.sin(x) * x).sum().to(home), x)
    assert driver.current == 0


def test_second_derivatives_forward_mode_and_maps_run_there_too(install: Install) -> None:
    driver = install(2)
    x = pb.tensor([0.5, -1.5], device="cuda:1")
    hessian = pb.func.hessian(lambda x: (x**3).sum() + pb.prod(x))(x)
    np.testing.assert_allclose(hessian.to("cpu").numpy(), [[3.0, 1.0], [1.0, -9.0]], rtol=1e-6)
    _, tangent = pb.func.jvp(lambda x: x * pb.sin(x), (x,), (pb.ones_like(x),))
    assert tangent.device == "cuda:1"
    mapped = pb.func.vmap(lambda row: (row * row).sum())(pb.ones(3, 2, device="cuda:1"))
    assert mapped.tolist() == [2.0, 2.0, 2.0]
    assert driver.current == 0


def test_the_current_stream_is_used_and_none_other(install: Install, fake: Any) -> None:
    driver = install(2)
    x = pb.ones(2, device="cuda:1", requires_grad=True)
    with fake.Device(1):
        mine = fake.Stream("mine")
    driver.log.clear()
    with mine:
        pb.sin(x * 2).sum().backward()
    assert {entry[1:] for entry in driver.noted("launch")} == {(1, "mine")}


def test_arrays_travel_after_what_they_wait_for(install: Install, fake: Any) -> None:
    """The target's stream waits for the source's; then the source's for the copy, before its memory is used again."""
    driver = install(2)
    x = pb.ones(2, device="cuda:0")
    with fake.Device(1):
        mine = fake.Stream("mine")
    driver.log.clear()
    with mine:
        y = x.to("cuda:1")
    assert y._array.device.id == 1
    assert driver.log == [
        ("record", 0, "null"),
        ("wait for", 1, "mine", 0),
        ("between", 0, 1, "mine"),
        ("record", 1, "mine"),
        ("wait for", 0, "null", 1),
    ]
    assert not driver.noted("wait"), "the host waits for nothing"


def test_writing_in_place_runs_where_the_array_is(install: Install) -> None:
    driver = install(2)
    x = pb.zeros(4, device="cuda:1")
    x += 1
    x[1:3] = 5.0
    x[0] = pb.tensor(7.0, device="cuda:1")
    x *= x
    assert x.tolist() == [49.0, 25.0, 25.0, 1.0]
    y = pb.ones(3, device="cuda:1", requires_grad=True)
    z = y * 2
    z[0] = 0.0
    z.sum().backward()
    assert y.grad.tolist() == [0.0, 2.0, 2.0]
    assert driver.current == 0


def test_raw_arrays_of_another_device_are_taken_as_they_are(install: Install, fake: Any) -> None:
    install(2)
    with fake.Device(1):
        raw = fake.array([1.0, 2.0])
    x = pb.asarray(raw)
    assert x.device == "cuda:1"
    assert pb.asarray(raw, copy=True).device == "cuda:1"
    assert pb.zeros_like(x).device == "cuda:1"
