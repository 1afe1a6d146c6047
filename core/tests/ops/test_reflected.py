"""The reflected operators, called by their names on two Tensors: the standard has them as methods."""

from __future__ import annotations

import operator

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"])
def test_the_other_operand_is_the_first(name: str, device: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(1, 3, (2, 2)), rng.uniform(1, 3, (2, 2))
    for _ in range(2):  # the second time by the fast path
        out = getattr(tensor(x, device), f"__r{name}__")(tensor(y, device))
        np.testing.assert_allclose(host(out), getattr(operator, name)(y, x), rtol=1e-15)


def test_its_gradient(device: str) -> None:
    x, y = tensor(3.0, device, requires_grad=True), tensor(5.0, device, requires_grad=True)
    dx, dy = pb.autograd.grad(x.__rtruediv__(y), [x, y])
    np.testing.assert_allclose((host(dx), host(dy)), (-5 / 9, 1 / 3), rtol=1e-15)
