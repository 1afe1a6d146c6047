"""A chain of 1000 multiplications of a scalar by a Python float, forward and backward."""

from workloads.scalar_forward import COUNT, FACTOR, UNIT, chain

__all__ = ["COUNT", "UNIT"]


def _program(torch):
    x = torch.tensor(1.0, requires_grad=True)

    def step():
        y = chain(x)
        y.backward()
        gradient, x.grad = x.grad, None
        return y, gradient

    return step


def with_pullback():
    import pullback

    return _program(pullback)


def with_torch():
    import torch

    return _program(torch)


def with_autograd():
    import numpy as np
    from autograd import value_and_grad

    x = np.float32(1.0)
    function = value_and_grad(chain)
    return lambda: function(x)


def with_mygrad():
    import mygrad as mg

    x = mg.tensor(1.0, dtype="float32")

    def step():
        y = chain(x)
        y.backward()
        gradient = x.grad
        x.null_grad()
        return y, gradient

    return step


def with_jax():
    import jax

    x = jax.numpy.float32(1.0)
    function = jax.value_and_grad(chain)
    return lambda: jax.block_until_ready(function(x))


def with_numpy():
    import numpy as np

    x = np.float32(1.0)

    def step():
        y = chain(x)
        gradient = np.float32(1.0)
        for _ in range(COUNT):
            gradient = gradient * FACTOR
        return y, gradient

    return step
