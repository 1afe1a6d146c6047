"""The same step in the spelling of the documents: weights written through `.data`, gradients zeroed and added to."""

from workloads.relu_net import COUNT, LEARNING_RATE, UNIT, _data

__all__ = ["COUNT", "UNIT"]


def _program(torch):
    x, y, w1, w2 = (torch.asarray(array) for array in _data())
    w1.requires_grad_()
    w2.requires_grad_()

    def step():
        y_pred = x.mm(w1).clamp(min=0).mm(w2)
        loss = (y_pred - y).pow(2).sum()
        value = loss.item()
        loss.backward()
        w1.data -= LEARNING_RATE * w1.grad.data
        w2.data -= LEARNING_RATE * w2.grad.data
        w1.grad.data.zero_()
        w2.grad.data.zero_()
        return value, w1, w2

    return step


def with_pullback():
    import pullback

    return _program(pullback)


def with_torch():
    import torch

    return _program(torch)


def with_numpy():
    import numpy as np

    x, y, w1, w2 = _data()
    grad1, grad2 = np.zeros_like(w1), np.zeros_like(w2)

    def step():
        nonlocal w1, w2, grad1, grad2
        h = x @ w1
        relu = np.maximum(h, 0)
        difference = relu @ w2 - y
        loss = np.square(difference).sum()
        gradient = 2 * difference
        grad2 += relu.T @ gradient
        gradient_h = gradient @ w2.T
        gradient_h[h < 0] = 0
        grad1 += x.T @ gradient_h
        w1 -= LEARNING_RATE * grad1
        w2 -= LEARNING_RATE * grad2
        grad1[...] = 0
        grad2[...] = 0
        return loss.item(), w1, w2

    return step
