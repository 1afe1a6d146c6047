"""One product of two Tensors of 10 elements and its backward pass: what calling `backward` costs."""

COUNT = 1
UNIT = "step"


def _data():
    import numpy as np

    return np.linspace(1, 2, 10, dtype=np.float32), np.linspace(3, 5, 10, dtype=np.float32), np.ones(10, np.float32)


def _program(torch):
    first, second, cotangent = (torch.asarray(array) for array in _data())
    first.requires_grad_()
    second.requires_grad_()

    def step():
        y = first * second
        y.backward(cotangent)
        gradients = first.grad, second.grad
        first.grad = second.grad = None
        return y, *gradients

    return step


def with_pullback():
    import pullback

    return _program(pullback)


def with_torch():
    import torch

    return _program(torch)


def with_autograd():
    from autograd import make_vjp

    first, second, cotangent = _data()
    record = make_vjp(lambda operands: operands[0] * operands[1])

    def step():
        vjp, y = record((first, second))
        return y, *vjp(cotangent)

    return step


def with_mygrad():
    import mygrad as mg

    *arrays, cotangent = _data()
    first, second = (mg.tensor(array) for array in arrays)

    def step():
        y = first * second
        y.backward(cotangent)
        gradients = first.grad, second.grad
        first.null_grad()
        second.null_grad()
        return y, *gradients

    return step


def with_jax():
    import operator

    import jax

    first, second, cotangent = map(jax.numpy.asarray, _data())

    def step():
        y, vjp = jax.vjp(operator.mul, first, second)
        return jax.block_until_ready((y, *vjp(cotangent)))

    return step


def with_numpy():
    first, second, cotangent = _data()
    return lambda: (first * second, cotangent * second, cotangent * first)
