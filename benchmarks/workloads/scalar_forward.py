"""A chain of 1000 multiplications of a scalar by a Python float, recorded and dropped: what recording an op costs."""

COUNT = 1000
UNIT = "op"
FACTOR = 1.0001


def chain(y):
    """The loop that every peer runs."""
    for _ in range(COUNT):
        y = y * FACTOR
    return y


def with_pullback():
    import pullback as pb

    x = pb.tensor(1.0, requires_grad=True)
    return lambda: (chain(x),)


def with_torch():
    import torch

    x = torch.tensor(1.0, requires_grad=True)
    return lambda: (chain(x),)


def with_autograd():
    import numpy as np
    from autograd import make_vjp

    x = np.float32(1.0)
    record = make_vjp(chain)
    return lambda: (record(x)[1],)


def with_mygrad():
    import mygrad as mg

    x = mg.tensor(1.0, dtype="float32")
    return lambda: (chain(x),)


def with_jax():
    import jax

    x = jax.numpy.float32(1.0)
    return lambda: (jax.vjp(chain, x)[0],)


def with_numpy():
    import numpy as np

    x = np.float32(1.0)
    return lambda: (chain(x),)
