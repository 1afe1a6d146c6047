"""A chain of 1000 products of two scalar Tensors, forward and backward, with both gradients."""

from functools import partial

COUNT = 1000
UNIT = "op"
SHAPE = ()
START = 1.0
FACTOR = 1.0001


def chain(x, w):
    """The loop that every peer runs."""
    for _ in range(COUNT):
        x = x * w
    return x


def _program(torch, shape):
    x = torch.full(shape, START, requires_grad=True)
    w = torch.full(shape, FACTOR, requires_grad=True)
    cotangent = torch.ones(shape)

    def step():
        y = chain(x, w)
        y.backward(cotangent)
        gradients = x.grad, w.grad
        x.grad = w.grad = None
        return y, *gradients

    return step


def _scalars(shape):
    import numpy as np

    # a 0-d NumPy array becomes a NumPy scalar with the first op: begin with one
    return [np.full(shape, value, dtype=np.float32)[()] for value in (START, FACTOR, 1.0)]


def with_pullback(shape=SHAPE):
    import pullback

    return _program(pullback, shape)


def with_torch(shape=SHAPE):
    import torch

    return _program(torch, shape)


def with_autograd(shape=SHAPE):
    from autograd import make_vjp

    x, w, cotangent = _scalars(shape)
    record = make_vjp(lambda operands: chain(*operands))

    def step():
        vjp, y = record((x, w))
        return y, *vjp(cotangent)

    return step


def with_mygrad(shape=SHAPE):
    import mygrad as mg

    start, factor, cotangent = _scalars(shape)
    x, w = mg.tensor(start), mg.tensor(factor)

    def step():
        y = chain(x, w)
        y.backward(cotangent)
        gradients = x.grad, w.grad
        x.null_grad()
        w.null_grad()
        return y, *gradients

    return step


def with_jax(shape=SHAPE):
    import jax

    x, w, cotangent = map(jax.numpy.asarray, _scalars(shape))

    def step():
        y, vjp = jax.vjp(chain, x, w)
        return jax.block_until_ready((y, *vjp(cotangent)))

    return step


def with_numpy(shape=SHAPE):
    x, w, cotangent = _scalars(shape)

    def step():
        values = [x]
        for _ in range(COUNT):
            values.append(values[-1] * w)
        y = values.pop()
        ct = cotangent
        gradient = 0.0 * w
        for value in reversed(values):
            gradient = gradient + ct * value
            ct = ct * w
        return y, ct, gradient

    return step


def of_shape(shape):
    """The same workload for arrays, as the functions of another module."""
    functions = (with_pullback, with_torch, with_autograd, with_mygrad, with_jax, with_numpy)
    return {function.__name__: partial(function, shape) for function in functions}
