"""The arithmetic of the reverse pass: sharing, accumulating, writing in place, orders, refusals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pullback as pb
from pullback.extend import elementwise

from pullback_conformance.engine.trial import equal, refused, trial
from pullback_conformance.placing import host, place


@trial("E01.reuse", "A Tensor that is used several times sums its contributions.")
def _(leaf: Any, device: str) -> None:
    x = leaf(3.0)
    (x * x + 2 * x).backward()
    equal(x.grad, 8.0)


@trial("E02.sharing", "2^40 paths through shared nodes are walked once per node.")
def _(leaf: Any, device: str) -> None:
    x = leaf(1.0)
    y = x
    for _ in range(40):
        y = (y + y) * 0.5
    y.backward()
    equal(x.grad, 1.0)


@trial("E03.diamond", "A diamond with arms of unequal depth waits for its longest arm.")
def _(leaf: Any, device: str) -> None:
    x = leaf(0.5)
    middle = x * 2
    long = middle
    for _ in range(5):
        long = long * 1.5
    (middle * long).backward()
    equal(x.grad, 2 * 2 * 1.5**5 * 2 * 0.5)


@trial("E04.aliasing", "Gradients that arrive as one buffer are added up, not into each other.")
def _(leaf: Any, device: str) -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    ct = leaf(1.0, 10.0, grad=False)
    z = x + y
    grads = pb.autograd.grad(z + x * 1, [x, y], ct)
    equal(grads[0], 2.0, 20.0)
    equal(grads[1], 1.0, 10.0)
    equal(ct, 1.0, 10.0, what="the cotangent")
    older = x * 5
    z = x + y  # newer, so that its cotangent, which is ct itself, arrives first
    (z + older).backward(ct)
    ct += 5
    equal(x.grad, 6.0, 60.0)
    equal(y.grad, 1.0, 10.0)
    x.grad += 1
    equal(y.grad, 1.0, 10.0)


@trial("E05.accumulate", "backward adds to .grad.")
def _(leaf: Any, device: str) -> None:
    x = leaf(2.0)
    (x * x).backward()
    (3 * x).backward()
    equal(x.grad, 7.0)


@trial("E06.functional", "autograd.grad and func.grad leave every .grad alone.")
def _(leaf: Any, device: str) -> None:
    x = leaf(2.0)
    equal(pb.autograd.grad(x * x, x)[0], 4.0)
    equal(pb.func.grad(lambda t: t * t)(x.detach()), 4.0)
    assert x.grad is None, "a functional gradient wrote to .grad"


@trial(
    "E07.version", "A saved value that was written in place gives the right gradient or an error, never a wrong one."
)
def _(leaf: Any, device: str) -> None:
    writes: tuple[Callable[[Any], Any], ...] = (
        lambda y: y.__iadd__(1),
        lambda y: y.__setitem__(0, 5.0),
        lambda y: y[0:1].__imul__(3),
    )
    for write in writes:
        x = leaf(1.0, 2.0)
        y = x * 2
        z = y * y
        write(y)
        try:
            pb.sum(z).backward()
        except pb.errors.OverwrittenError:
            assert x.grad is None, "a refused pass wrote to .grad"
        else:
            equal(x.grad, 8.0, 16.0)


@trial("E11.detach", "detach ends the graph, for leaves and for results; the values are shared.")
def _(leaf: Any, device: str) -> None:
    x = leaf(3.0)
    for detached in (x.detach(), (x * 1).detach()):
        assert not detached.requires_grad, "a detached Tensor requires grad"
        equal(pb.autograd.grad(x * detached, x)[0], 3.0)


@trial("E12.bool", "Comparisons and integers never require grad.")
def _(leaf: Any, device: str) -> None:
    x = leaf(1.0, -2.0)
    for made in (x > 0, pb.astype(x, pb.int32), pb.isnan(x)):
        assert not made.requires_grad, f"a result of dtype {made.dtype} requires grad"


@trial("E13.hooks", "A hook runs once per pass, and what it returns goes on.")
def _(leaf: Any, device: str) -> None:
    x = leaf(2.0)
    calls: list[float] = []

    def hook(grad: Any) -> Any:
        calls.append(float(grad))
        return grad * 10

    y = x * 3
    y.register_hook(hook)
    (y + y * y).backward()
    assert len(calls) == 1, f"the hook ran {len(calls)} times"
    equal(x.grad, 3 * 10 * (1 + 2 * 6.0))


@trial("E14.dtype", "Accumulating keeps the dtype of the leaf.")
def _(leaf: Any, device: str) -> None:
    x = place(np.asarray([1.0, 2.0], dtype="float32"), device).requires_grad_()
    for _ in range(2):
        pb.sum(x * x).backward()
        assert x.grad.dtype is pb.float32, f".grad has dtype {x.grad.dtype}"
    equal(x.grad, 4.0, 8.0)


@trial("E15.second", "Second and third derivatives come from the same rules.")
def _(leaf: Any, device: str) -> None:
    x = leaf(0.5)
    (first,) = pb.autograd.grad(x**4 * pb.exp(x), x, create_graph=True)
    (second,) = pb.autograd.grad(first, x, create_graph=True)
    (third,) = pb.autograd.grad(second, x)
    t = 0.5
    right = np.exp(t) * (t**4 + 12 * t**3 + 36 * t**2 + 24 * t)
    equal(third, float(right))


def _raises(*_: Any) -> Any:
    raise ZeroDivisionError("a rule that fails")


@trial("E18.clean", "A rule that raises leaves every .grad as it was, and the engine usable.")
def _(leaf: Any, device: str) -> None:
    bad = elementwise("conformance::bad", forward=lambda xp, x: x + 0, x=lambda xp, t: _raises())
    x, y = leaf(2.0), leaf(3.0)
    (x * y).backward()
    refused(ZeroDivisionError, (bad(x) + y * y).backward, "a failing rule")
    equal(x.grad, 3.0)
    equal(y.grad, 2.0)
    (x * 5).backward()
    equal(x.grad, 8.0)


@trial("E19.broadcast", "A gradient has the shape of its leaf, whatever was broadcast.")
def _(leaf: Any, device: str) -> None:
    x, y = leaf(2.0), leaf(1.0, 2.0, 3.0)
    pb.sum(x * y + x).backward()
    equal(x.grad, 9.0)
    equal(y.grad, 2.0, 2.0, 2.0)


@trial("E22.cotangent", "A cotangent of another shape is refused; nothing is summed silently.")
def _(leaf: Any, device: str) -> None:
    x = leaf(1.0, 2.0)
    refused((RuntimeError, ValueError), lambda: (x * 2).backward(leaf(1.0, grad=False)), "a cotangent of shape ()")
    assert x.grad is None, "a refused pass wrote to .grad"


@trial("E23.inplace", "Writing in place is differentiated; a leaf cannot be written.")
def _(leaf: Any, device: str) -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    y[0] = 7.0
    y *= x
    pb.sum(y).backward()
    equal(x.grad, 7.0, 8.0, 12.0)

    def write() -> None:
        x[0] = 1.0

    refused(RuntimeError, write, "writing to a leaf")


@trial("E24.views", "Views write through, in value and in gradient.")
def _(leaf: Any, device: str) -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    part = y[1:]
    part *= 10
    equal(y, 1.0, 20.0, 30.0, what="the base of the view")
    pb.sum(y * y).backward()
    equal(x.grad, 2.0, 400.0, 600.0)


@trial("E26.zero", "A zero cotangent stays zero where a derivative is infinite.")
def _(leaf: Any, device: str) -> None:
    x = leaf(0.0, -1.0, 4.0)
    pb.sum(pb.where(x > 0, pb.sqrt(x), 0.0)).backward()
    equal(x.grad, 0.0, 0.0, 0.25)


@trial(
    "E27.taylor",
    "The Taylor remainder of a model falls with the square of the step, with its Hessian with the cube.",
    2,
)
def _(leaf: Any, device: str) -> None:
    if "float64" not in pb.device(device).backend.namespace.__array_namespace_info__().dtypes(
        device=pb.device(device).native
    ):
        return
    rng = np.random.default_rng(0)
    x0, u = rng.standard_normal(4), rng.standard_normal(4)

    def model(x: Any) -> Any:
        return pb.sum(pb.tanh(x) * pb.exp(-x * x) + pb.sin(3 * x))

    def at(t: float) -> float:
        return float(model(place(x0 + t * u, device)))

    x = place(x0, device).requires_grad_()
    (first,) = pb.autograd.grad(model(x), x, create_graph=True)
    (second,) = pb.autograd.grad(pb.sum(first * place(u, device)), x)
    slope, bend = float(np.dot(host(first), u)), float(np.dot(host(second), u))
    steps = [1e-2 / 2**k for k in range(4)]
    for order, remainders in (
        (1.9, [abs(at(h) - at(0.0) - h * slope) for h in steps]),
        (2.9, [abs(at(h) - at(0.0) - h * slope - h * h * bend / 2) for h in steps]),
    ):
        rates = [float(np.log2(a / b)) for a, b in pairwise(remainders)]
        assert min(rates) >= order, f"rates {rates}, expected at least {order}"
