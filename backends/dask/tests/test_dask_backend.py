"""The Dask backend: it builds, and computes when it is told to."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pullback as pb
import pytest

pytestmark = pytest.mark.usefixtures("computes")


def placed(x: Any, **options: Any) -> Any:
    """A NumPy array as a Tensor of several chunks."""
    return pb.asarray(np.asarray(x)).to("dask").requires_grad_(options.get("requires_grad", False))


# --- nothing is computed ----------------------------------------------------------------------------------------------


def test_importing_the_backend_imports_no_library() -> None:
    program = (
        "import sys, pullback_dask; pullback_dask.DaskBackend(); print('numpy' in sys.modules, 'dask' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_importing_the_backend_does_not_import_distributed() -> None:
    program = "import sys, pullback as pb; pb.ones(2, device='dask'); print('distributed' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_forward_and_derivatives_of_every_order_only_build(computes: Any) -> None:
    x = placed(np.arange(1.0, 13.0).reshape(4, 3))
    w = placed([0.5, -1.0, 2.0], requires_grad=True)
    loss = (pb.tanh(x @ w) ** 2).mean() + (w**3).sum()
    (slope,) = pb.autograd.grad(loss, w, create_graph=True)
    (slope * slope).sum().backward()
    repr(loss), repr(w.grad), repr(x)
    assert computes.calls == 0
    pb.compute(loss, slope, w.grad)
    assert computes.calls == 1
    assert w.grad is not None
    found = [loss.item(), slope.tolist(), w.grad.tolist()]
    v = pb.tensor([0.5, -1.0, 2.0], dtype=pb.float64, requires_grad=True)
    y = pb.asarray(np.arange(1.0, 13.0).reshape(4, 3))
    loss = (pb.tanh(y @ v) ** 2).mean() + (v**3).sum()
    (slope,) = pb.autograd.grad(loss, v, create_graph=True)
    (slope * slope).sum().backward()
    assert v.grad is not None
    for got, wanted in zip(found, [loss.item(), slope.tolist(), v.grad.tolist()], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=64 * np.finfo(float).eps)
