"""The Dask backend: it builds, and computes when it is told to."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import dask.array as da
import numpy as np
import pullback as pb
import pytest
from pullback.errors import ArgumentError, BackendMismatchError, BackendNotFoundError

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


def test_a_degenerate_derivative_is_not_asked_for(computes: Any) -> None:
    x = pb.eye(3, device="dask").requires_grad_()
    x.__array_namespace__().linalg.eigh(x)[1].sum().backward()
    assert computes.calls == 0


# --- what a user sees -------------------------------------------------------------------------------------------------


def test_printing_shows_chunks_and_computes_nothing(computes: Any) -> None:
    x = placed(np.ones((4, 3)), requires_grad=True)
    assert repr(x) == (
        "tensor(<dask, 2 x 2 chunks of (2, 2)>, device='dask', shape=(4, 3),\n"
        "       dtype=pullback.float64, requires_grad=True)"
    )
    assert repr((x * 2).sum()) == (
        "tensor(<dask, 1 chunk>, device='dask', shape=(), dtype=pullback.float64,\n       grad_fn=<SumBackward0>)"
    )
    assert computes.calls == 0


def test_what_returns_python_numbers_computes(computes: Any) -> None:
    x = placed(np.arange(6.0).reshape(2, 3)).sum()
    assert (x.item(), float(x), bool(x), x.tolist(), f"{x:.1f}") == (15.0, 15.0, True, 15.0, "15.0")
    assert computes.calls == 5


def test_to_the_host_and_back_is_differentiable(computes: Any) -> None:
    x = placed(np.arange(6.0).reshape(2, 3), requires_grad=True)
    y = (x * x).to("cpu")
    assert computes.calls == 1
    (y * 2).sum().backward()
    assert computes.calls == 1
    assert x.grad is not None
    assert x.grad.device == "dask"
    assert x.grad.tolist() == [[0.0, 4.0, 8.0], [12.0, 16.0, 20.0]]
    with pytest.raises(pb.errors.AutogradError, match=r"\.to\('cpu'\)"):
        x.detach().numpy()


def test_backends_are_not_mixed() -> None:
    with pytest.raises(BackendMismatchError):
        placed([1.0, 2.0]) + pb.tensor([1.0, 2.0])


def test_the_chunks_of_a_dask_array_stay() -> None:
    raw = da.ones((6, 4), chunks=((1, 2, 3), (4,)))
    x = pb.asarray(raw).requires_grad_()
    pb.exp(x).sum().backward()
    assert x.grad is not None
    assert x.grad._array.chunks == raw.chunks


def test_a_later_write_to_the_dask_array_is_not_seen() -> None:
    raw = da.ones(4, chunks=2)
    x = pb.asarray(raw)
    raw[0] = 9.0
    assert x.tolist() == [1.0] * 4


def test_an_unknown_shape_says_how_to_make_it_known(computes: Any) -> None:
    raw = da.arange(6, chunks=2)
    with pytest.raises(ArgumentError, match=r"unknown shape \(nan,\).*compute_chunk_sizes\(\)"):
        pb.asarray(raw[raw > 2])
    assert computes.calls == 0
    assert pb.asarray(raw[raw > 2].compute_chunk_sizes()).shape == (3,)


def test_writes_are_made_out_of_place_and_differentiable() -> None:
    x = placed(np.ones((4, 3)), requires_grad=True)
    y = x * 2
    row = y[1, :]
    row += 5
    y[0, 0] = 7.0
    y *= 2
    assert y.tolist() == [[14.0, 4.0, 4.0], [14.0] * 3, [4.0] * 3, [4.0] * 3]
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[0.0, 4.0, 4.0], [4.0] * 3, [4.0] * 3, [4.0] * 3]


def test_devices() -> None:
    assert str(pb.device("dask")) == "dask"
    assert pb.device("dask:cpu") == "dask"
    assert not pb.device("dask").backend.default_candidate
    with pytest.raises(BackendNotFoundError, match="Dask has dask"):
        pb.device("dask:7")


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int8", "bool"])
def test_dtypes_come_through(dtype: str) -> None:
    x = pb.ones(3, dtype=getattr(pb, dtype), device="dask")
    assert x.dtype is getattr(pb, dtype)
    assert x.to("cpu").numpy().dtype == dtype


def test_transforms_run_on_it(computes: Any) -> None:
    x = placed([0.5, 1.0, 2.0])
    hessian = pb.func.hessian(lambda x: (x**3).sum())(x)
    mapped = pb.func.vmap(pb.func.grad(lambda x: pb.sin(x)))(x)
    _, tangent = pb.func.jvp(lambda x: x * x, (x,), (pb.ones_like(x),))
    assert computes.calls == 0
    np.testing.assert_allclose(hessian.tolist(), np.diag([3.0, 6.0, 12.0]))
    np.testing.assert_allclose(mapped.tolist(), np.cos([0.5, 1.0, 2.0]))
    assert tangent.tolist() == [1.0, 2.0, 4.0]
