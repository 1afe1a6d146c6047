"""A chain of a million scalar operations: building the graph, differentiating it, dropping it unused; and its memory.

Linear in the number of nodes and without recursion, or it does not finish. The peers that need tens of microseconds for
a node make a hundred thousand, which favours them: the more objects live, the longer each garbage collection takes.
"""

from functools import partial

COUNT = 1_000_000
COUNTS = {"autograd": 100_000, "mygrad": 100_000}
UNIT = "node"
PHASES = True
FACTOR = 1.0000001


def chain(y, count):
    """The loop that every peer runs."""
    for _ in range(count):
        y = y * FACTOR
    return y


def _program(torch):
    x = torch.tensor(1.0, requires_grad=True)

    def differentiate(y):
        y.backward()
        gradient, x.grad = x.grad, None
        return gradient

    return lambda: chain(x, COUNT), differentiate


def with_pullback():
    import pullback

    return _program(pullback)


def with_torch():
    import torch

    return _program(torch)


def with_autograd():
    import numpy as np
    from autograd import make_vjp

    x = np.float32(1.0)
    record = make_vjp(partial(chain, count=COUNTS["autograd"]))
    return lambda: record(x), lambda recorded: recorded[0](np.float32(1.0))


def with_mygrad():
    import mygrad as mg

    x = mg.tensor(1.0, dtype="float32")

    def differentiate(y):
        y.backward()
        gradient = x.grad
        x.null_grad()
        return gradient

    return lambda: chain(x, COUNTS["mygrad"]), differentiate
