"""One step of fitting a + b P3(c + d x) to 2000 points of sine, P3 an operation with its own derivative."""

import math

COUNT = 1
UNIT = "step"
START = (0.0, -1.0, 0.0, 0.3)
LEARNING_RATE = 5e-6


def _program(torch):
    class LegendrePolynomial3(torch.autograd.Function):
        @staticmethod
        def forward(ctx, input):
            ctx.save_for_backward(input)
            return 0.5 * (5 * input**3 - 3 * input)

        @staticmethod
        def backward(ctx, grad_output):
            (input,) = ctx.saved_tensors
            return grad_output * 1.5 * (5 * input**2 - 1)

    x = torch.linspace(-math.pi, math.pi, 2000)
    y = torch.sin(x)
    a, b, c, d = (torch.tensor(start, requires_grad=True) for start in START)

    def step():
        nonlocal a, b, c, d
        y_pred = a + b * LegendrePolynomial3.apply(c + d * x)
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


def _polynomial(x):
    return 0.5 * (5 * x**3 - 3 * x)


def _slope(x):
    return 1.5 * (5 * x**2 - 1)


def with_autograd():
    from autograd import value_and_grad
    from autograd.extend import defvjp, primitive

    polynomial = primitive(_polynomial)
    defvjp(polynomial, lambda out, x: lambda cotangent: cotangent * _slope(x))

    x, y, weights = _data()

    def loss_of(weights):
        a, b, c, d = weights
        return ((a + b * polynomial(c + d * x) - y) ** 2).sum()

    function = value_and_grad(loss_of)

    def step():
        loss, gradients = function(tuple(weights))
        for i, gradient in enumerate(gradients):
            weights[i] = weights[i] - LEARNING_RATE * gradient
        return loss, *weights

    return step


def with_mygrad():
    import mygrad as mg
    from mygrad.operation_base import Operation

    class LegendrePolynomial3(Operation):
        def __call__(self, x):
            self.variables = (x,)
            return _polynomial(x.data)

        def backward_var(self, grad, index, **kwargs):
            return grad * _slope(self.variables[index].data)

    x, y, start = _data()
    a, b, c, d = weights = [mg.tensor(value) for value in start]

    def step():
        value = mg.Tensor._op(LegendrePolynomial3, c + d * x)
        loss = ((a + b * value - y) ** 2).sum()
        loss.backward()
        for weight in weights:
            weight.data -= LEARNING_RATE * weight.grad
            weight.null_grad()
        return loss, *weights

    return step


def with_jax():
    import jax

    polynomial = jax.custom_vjp(_polynomial)
    polynomial.defvjp(lambda x: (_polynomial(x), x), lambda x, cotangent: (cotangent * _slope(x),))

    x, y, start = _data()
    x, y = jax.numpy.asarray(x), jax.numpy.asarray(y)
    weights = tuple(map(jax.numpy.asarray, start))

    def loss_of(weights, x, y):
        a, b, c, d = weights
        return ((a + b * polynomial(c + d * x) - y) ** 2).sum()

    @jax.jit
    def update(weights, x, y):
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
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
        u = c + d * x
        u2 = u * u
        p = 0.5 * (5 * u2 * u - 3 * u)
        difference = a + b * p - y
        loss = np.square(difference).sum()
        gradient = 2 * difference
        inner = gradient * b * (1.5 * (5 * u2 - 1))
        a = a - LEARNING_RATE * gradient.sum()
        b = b - LEARNING_RATE * (gradient * p).sum()
        c = c - LEARNING_RATE * inner.sum()
        d = d - LEARNING_RATE * (inner * x).sum()
        return loss, a, b, c, d

    return step
