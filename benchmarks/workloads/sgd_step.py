"""One step of SGD with momentum over four small parameters whose gradients are there: what an optimiser costs by itself."""

COUNT = 1
UNIT = "step"
SHAPES = ((8, 8), (8,), (8, 1), (1,))
OPTIONS = dict(lr=1e-3, momentum=0.9)


def _program(torch, optim):
    params = [torch.ones(shape, requires_grad=True) for shape in SHAPES]
    for p in params:
        p.grad = torch.full(p.shape, 0.5)
    optimizer = optim.SGD(params, **OPTIONS)

    def step():
        optimizer.step()
        return params

    return step


def with_pullback():
    import pullback
    import pullback_optim

    return _program(pullback, pullback_optim)


def with_torch():
    import torch

    return _program(torch, torch.optim)


def with_numpy():
    import numpy as np

    params = [np.ones(shape, dtype=np.float32) for shape in SHAPES]
    grads = [np.full(shape, 0.5, dtype=np.float32) for shape in SHAPES]
    velocities = [np.zeros(shape, dtype=np.float32) for shape in SHAPES]

    def step():
        for p, grad, velocity in zip(params, grads, velocities, strict=True):
            velocity *= OPTIONS["momentum"]
            velocity += grad
            p -= OPTIONS["lr"] * velocity
        return params

    return step
