"""sum(sin(x) * exp(-x * x) + tanh(x)) of 4 million numbers and its gradient: memory traffic and page faults."""

COUNT = 1
UNIT = "step"
SIZE = 4_000_000


def _data():
    import numpy as np

    return np.linspace(-3, 3, SIZE, dtype=np.float32)


def _program(torch):
    x = torch.asarray(_data()).requires_grad_()

    def step():
        y = (torch.sin(x) * torch.exp(-x * x) + torch.tanh(x)).sum()
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
    import autograd.numpy as np
    from autograd import value_and_grad

    x = _data()
    function = value_and_grad(lambda x: np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x)))
    return lambda: function(x)


def with_mygrad():
    import mygrad as mg

    x = mg.tensor(_data())

    def step():
        y = (mg.sin(x) * mg.exp(-x * x) + mg.tanh(x)).sum()
        y.backward()
        gradient = x.grad
        x.null_grad()
        return y, gradient

    return step


def with_jax():
    import jax
    import jax.numpy as jnp

    x = jnp.asarray(_data())
    function = jax.jit(jax.value_and_grad(lambda x: jnp.sum(jnp.sin(x) * jnp.exp(-x * x) + jnp.tanh(x))))
    return lambda: jax.block_until_ready(function(x))


def with_numpy():
    import numpy as np

    x = _data()

    def step():
        sin, exp, tanh = np.sin(x), np.exp(-x * x), np.tanh(x)
        y = (sin * exp + tanh).sum()
        gradient = exp * (np.cos(x) - 2 * x * sin) + (1 - tanh * tanh)
        return y, gradient

    return step
