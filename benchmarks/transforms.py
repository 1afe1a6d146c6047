"""What vmap gains over a Python loop, and what a Jacobian costs beside one batched backward pass.

    python benchmarks/transforms.py

Prints the best of several runs and their ratios. Nothing is asserted: a clock proves nothing on a shared machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pullback as pb
from pullback.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

EXAMPLES = 1000
LENGTH = 100


def best(function: Callable[[], Any], repeats: int) -> float:
    """The shortest of several runs, in microseconds, after one to warm up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times) * 1e6


def show(name: str, found: float, reference: float, what: str) -> None:
    """One line: a time, and its ratio to another."""
    ratio = reference / found if reference > found else found / reference
    word = "faster than" if reference > found else "times"
    print(f"{name:<46}{found:>12,.0f} us {ratio:>9.1f} {word} {what} ({reference:,.0f} us)")


def per_sample_gradients() -> None:
    """Gradients of a small network's loss, one for each of 1000 examples."""
    weight, bias = pb.randn(8, 16), pb.randn(8)
    xs, ys = pb.randn(EXAMPLES, 16), pb.randn(EXAMPLES)

    def loss(weight: Any, bias: Any, x: Any, y: Any) -> Any:
        return (pb.sum(pb.tanh(weight @ x + bias)) - y) ** 2

    one = grad(loss, (0, 1))
    mapped = vmap(one, in_axes=(None, None, 0, 0))
    loop = best(lambda: [one(weight, bias, xs[i], ys[i]) for i in range(EXAMPLES)], 3)
    show(f"vmap of a gradient, {EXAMPLES} examples", best(lambda: mapped(weight, bias, xs, ys), 20), loop, "the loop")


def jacobians() -> None:
    """Jacobians of functions from 100 numbers to 100, one product and three, beside the same passes by hand."""
    matrices = [pb.randn(LENGTH, LENGTH) * 0.1 for _ in range(3)]
    x, rows = pb.randn(LENGTH), pb.eye(LENGTH)
    xs = pb.broadcast_to(x, (LENGTH, LENGTH)).clone().requires_grad_()

    for layers in (1, 3):

        def function(x: Any, layers: int = layers) -> Any:
            for matrix in matrices[:layers]:
                x = pb.tanh(x @ matrix)
            return x

        def by_hand(function: Any = function) -> Any:
            return pb.autograd.grad(function(xs), xs, rows)

        out = function(xs)
        hand = best(by_hand, 200)
        backward = best(lambda out=out: pb.autograd.grad(out, xs, rows, retain_graph=True), 200)
        pullback = vjp(function, x)[1]
        batched = best(lambda pullback=pullback: vmap(pullback)(rows), 200)
        name = f"of {layers} layer{'s' if layers > 1 else ''} on {LENGTH} numbers"
        reverse = best(lambda function=function: jacrev(function)(x), 200)
        show(f"jacrev {name}", reverse, batched, "vmap of its pullback")
        show(f"jacrev {name}", reverse, hand, "one batch forward and back by hand")
        show(f"jacrev {name}", reverse, backward, "that backward pass alone")
        show(f"jacfwd {name}", best(lambda function=function: jacfwd(function)(x), 200), hand, "the same batch by hand")


def overhead() -> None:
    """What a level costs on an operation that computes next to nothing."""
    x = pb.tensor([1.0])

    def chain(x: Any) -> Any:
        for _ in range(100):
            x = x * 1.01
        return x

    plain = best(lambda: chain(x), 50)
    show("100 multiplications inside jvp", best(lambda: jvp(chain, (x,), (x,)), 50), plain, "without")
    show("100 multiplications inside vmap", best(lambda: vmap(chain)(x), 50), plain, "without")
    show("100 multiplications inside grad", best(lambda: grad(lambda x: chain(x)[0])(x), 50), plain, "without")
    show("100 multiplications inside hessian", best(lambda: hessian(lambda x: chain(x)[0])(x), 50), plain, "without")


if __name__ == "__main__":
    pb.manual_seed(0)
    per_sample_gradients()
    jacobians()
    overhead()
