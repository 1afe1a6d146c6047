"""One step of fitting a cubic polynomial to 2000 points of sine: many small ops, broadcast scalars, an update."""

import math

COUNT = 1
UNIT = "step"
START = (0.1, -0.2, 0.3, 0.05)
LEARNING_RATE = 1e-6


def _program(torch):
    x = torch.linspace(-math.pi, math.pi, 2000)
    y = torch.sin(x)
    a, b, c, d = (torch.tensor(start, requires_grad=True) for start in START)

    def step():
        nonlocal a, b, c, d
        y_pred = a + b * x + c * x**2 + d * x**3
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            a -= LEARNING_RATE * a.grad
            b -= LEARNING_RATE * b.grad
            c -= LEARNING_RATE * c.grad
            d -= LEARNING_RATE * d.grad
            a.grad = None
            b.grad = None
            c.grad = None
            d.grad = None
        return loss, a, b, c, d

    return step


def with_pullback():
    import pullback

    return _program(pullback)


def with_torch():
    import torch

    return _program(torch)


def _data():
    import numpy as np

    x = np.linspace(-math.pi, math.pi, 2000, dtype=np.float32)
    return x, np.sin(x), [np.float32(start) for start in START]


def _loss(x, y, a, b, c, d):
    return (((a + b * x + c * x**2 + d * x**3) - y) ** 2).sum()


def with_autograd():
    from autograd import value_and_grad

    x, y, weights = _data()
    function = value_and_grad(lambda weights: _loss(x, y, *weights))

    def step():
        loss, gradients = function(tuple(weights))
        for i, gradient in enumerate(gradients):
            weights[i] = weights[i] - LEARNING_RATE * gradient
        return loss, *weights

    return step


def with_mygrad():
    import mygrad as mg

    x, y, start = _data()
    weights = [mg.tensor(value) for value in start]

    def step():
        loss = _loss(x, y, *weights)
        loss.backward()
        for weight in weights:
            weight.data -= LEARNING_RATE * weight.grad
            weight.null_grad()
        return loss, *weights

    return step


def with_jax():
    import jax

    x, y, start = _data()
    x, y = jax.numpy.asarray(x), jax.numpy.asarray(y)
    weights = tuple(map(jax.numpy.asarray, start))

    @jax.jit
    def update(weights, x, y):
        loss, gradients = jax.value_and_grad(lambda weights: _loss(x, y, *weights))(weights)
        return loss, tuple(w - LEARNING_RATE * g for w, g in zip(weights, gradients, strict=True))

    def step():
        nonlocal weights
        loss, weights = jax.block_until_ready(update(weights, x, y))
        return loss, *weights

    return step


def with_numpy():
    import numpy as np

    x, y, (a, b, c, d) = _data()

    def step():
        nonlocal a, b, c, d
        x2 = x * x
        x3 = x2 * x
        difference = a + b * x + c * x2 + d * x3 - y
        loss = np.square(difference).sum()
        gradient = 2 * difference
        a = a - LEARNING_RATE * gradient.sum()
        b = b - LEARNING_RATE * (gradient * x).sum()
        c = c - LEARNING_RATE * (gradient * x2).sum()
        d = d - LEARNING_RATE * (gradient * x3).sum()
        return loss, a, b, c, d

    return step
