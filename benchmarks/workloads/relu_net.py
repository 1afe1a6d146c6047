"""One step of a net of two layers, 24 x 1000 x 100 x 4, with a ReLU and a squared loss."""

COUNT = 1
UNIT = "step"
LEARNING_RATE = 1e-6


def _data():
    import numpy as np

    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(np.float32) for shape in ((24, 1000), (24, 4), (1000, 100), (100, 4))]


def _program(torch):
    x, y, w1, w2 = (torch.asarray(array) for array in _data())
    w1.requires_grad_()
    w2.requires_grad_()

    def step():
        nonlocal w1, w2
        y_pred = x.mm(w1).clamp(min=0).mm(w2)
        loss = (y_pred - y).pow(2).sum()
        value = loss.item()
        loss.backward()
        with torch.no_grad():
            w1 -= LEARNING_RATE * w1.grad
            w2 -= LEARNING_RATE * w2.grad
            w1.grad = None
            w2.grad = None
        return value, w1, w2

    return step


def with_pullback():
    import pullback

    return _program(pullback)


def with_torch():
    import torch

    return _program(torch)


def with_autograd():
    import autograd.numpy as np
    from autograd import value_and_grad

    x, y, *weights = _data()

    def loss_of(weights):
        w1, w2 = weights
        return np.sum((np.maximum(x @ w1, 0) @ w2 - y) ** 2)

    function = value_and_grad(loss_of)

    def step():
        loss, gradients = function(weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight -= LEARNING_RATE * gradient
        return loss, *weights

    return step


def with_mygrad():
    import mygrad as mg

    x, y, *start = _data()
    w1, w2 = weights = [mg.tensor(array) for array in start]

    def step():
        loss = ((mg.maximum(x @ w1, 0) @ w2 - y) ** 2).sum()
        value = loss.item()
        loss.backward()
        for weight in weights:
            weight.data -= LEARNING_RATE * weight.grad
            weight.null_grad()
        return value, *weights

    return step


def with_jax():
    import jax

    x, y, *weights = (jax.numpy.asarray(array) for array in _data())

    def loss_of(weights, x, y):
        w1, w2 = weights
        return ((jax.numpy.maximum(x @ w1, 0) @ w2 - y) ** 2).sum()

    @jax.jit
    def update(weights, x, y):
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
        return loss, [w - LEARNING_RATE * g for w, g in zip(weights, gradients, strict=True)]

    def step():
        nonlocal weights
        loss, weights = jax.block_until_ready(update(weights, x, y))
        return loss.item(), *weights

    return step


def with_numpy():
    import numpy as np

    x, y, w1, w2 = _data()

    def step():
        nonlocal w1, w2
        h = x @ w1
        relu = np.maximum(h, 0)
        difference = relu @ w2 - y
        loss = np.square(difference).sum()
        gradient = 2 * difference
        gradient_w2 = relu.T @ gradient
        gradient_h = gradient @ w2.T
        gradient_h[h < 0] = 0
        gradient_w1 = x.T @ gradient_h
        w1 -= LEARNING_RATE * gradient_w1
        w2 -= LEARNING_RATE * gradient_w2
        return loss.item(), w1, w2

    return step
