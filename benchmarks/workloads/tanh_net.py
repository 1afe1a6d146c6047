"""One step of a net of three layers, 128 x 784 x 512 x 512 x 10, with biases, tanh and a mean squared error."""

import itertools

COUNT = 1
UNIT = "step"
LEARNING_RATE = 0.01


def _data():
    """Inputs, targets, and a list of the weights and biases of each layer."""
    import numpy as np

    rng = np.random.default_rng(0)
    sizes = (784, 512, 512, 10)
    parameters = []
    for rows, columns in itertools.pairwise(sizes):
        parameters.append((rng.standard_normal((rows, columns)) / rows**0.5).astype(np.float32))
        parameters.append(np.zeros(columns, np.float32))
    x = rng.random((128, 784), dtype=np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(0, 10, 128)]
    return x, y, parameters


def _program(torch):
    x, y, start = _data()
    x, y = torch.asarray(x), torch.asarray(y)
    parameters = [torch.asarray(array).requires_grad_() for array in start]

    def step():
        w1, b1, w2, b2, w3, b3 = parameters
        h = torch.tanh(x @ w1 + b1)
        h = torch.tanh(h @ w2 + b2)
        loss = ((h @ w3 + b3 - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for parameter in parameters:
                parameter -= LEARNING_RATE * parameter.grad
                parameter.grad = None
        return loss, *parameters

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

    x, y, parameters = _data()

    def loss_of(parameters):
        w1, b1, w2, b2, w3, b3 = parameters
        h = np.tanh(x @ w1 + b1)
        h = np.tanh(h @ w2 + b2)
        return np.mean((h @ w3 + b3 - y) ** 2)

    function = value_and_grad(loss_of)

    def step():
        loss, gradients = function(parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= LEARNING_RATE * gradient
        return loss, *parameters

    return step


def with_mygrad():
    import mygrad as mg

    x, y, start = _data()
    parameters = [mg.tensor(array) for array in start]

    def step():
        w1, b1, w2, b2, w3, b3 = parameters
        h = mg.tanh(x @ w1 + b1)
        h = mg.tanh(h @ w2 + b2)
        loss = ((h @ w3 + b3 - y) ** 2).mean()
        loss.backward()
        for parameter in parameters:
            parameter.data -= LEARNING_RATE * parameter.grad
            parameter.null_grad()
        return loss, *parameters

    return step


def with_jax():
    import jax
    import jax.numpy as jnp

    x, y, start = _data()
    x, y = jnp.asarray(x), jnp.asarray(y)
    parameters = [jnp.asarray(array) for array in start]

    def loss_of(parameters, x, y):
        w1, b1, w2, b2, w3, b3 = parameters
        h = jnp.tanh(x @ w1 + b1)
        h = jnp.tanh(h @ w2 + b2)
        return ((h @ w3 + b3 - y) ** 2).mean()

    @jax.jit
    def update(parameters, x, y):
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, y)
        return loss, [p - LEARNING_RATE * g for p, g in zip(parameters, gradients, strict=True)]

    def step():
        nonlocal parameters
        loss, parameters = jax.block_until_ready(update(parameters, x, y))
        return loss, *parameters

    return step


def with_numpy():
    import numpy as np

    x, y, parameters = _data()

    def step():
        w1, b1, w2, b2, w3, b3 = parameters
        h1 = np.tanh(x @ w1 + b1)
        h2 = np.tanh(h1 @ w2 + b2)
        difference = h2 @ w3 + b3 - y
        loss = np.square(difference).mean()
        d3 = difference * (2 / difference.size)
        d2 = (d3 @ w3.T) * (1 - h2 * h2)
        d1 = (d2 @ w2.T) * (1 - h1 * h1)
        gradients = [x.T @ d1, d1.sum(0), h1.T @ d2, d2.sum(0), h2.T @ d3, d3.sum(0)]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= LEARNING_RATE * gradient
        return loss, *parameters

    return step
