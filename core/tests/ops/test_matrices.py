"""The helpers of linear algebra's rules, on raw arrays and on Tensors alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import check_derivatives, gaussian, host, tensor
from pullback import namespace
from pullback.ops import matrices

N, V = (2, 3, 3), (2, 3)
CALLS: dict[str, tuple[Any, Any, tuple[Any, ...]]] = {
    "adjoint": (matrices.adjoint, lambda x: np.conj(np.swapaxes(x, -1, -2)), (N,)),
    "real": (matrices.real, np.real, (N,)),
    "column": (lambda xp, x: matrices.column(xp, x, True), lambda x: x[..., None], (V,)),
    "a matrix as it is": (lambda xp, x: matrices.column(xp, x, False), lambda x: x, (N,)),
    "column_scaled": (
        matrices.column_scaled,
        lambda x, s: np.asarray([b @ np.diag(a) for a, b in zip(s, x, strict=True)]),
        (N, V),
    ),
    "diagonal_matrix": (matrices.diagonal_matrix, lambda s: np.asarray([np.diag(a) for a in s]), (V,)),
    "skew": (matrices.skew, lambda x: x - np.conj(np.swapaxes(x, -1, -2)), (N,)),
    "hermitian_part": (matrices.hermitian_part, lambda x: (x + np.conj(np.swapaxes(x, -1, -2))) / 2, (N,)),
}


def rules_namespace(x: Any) -> Any:
    """What rules are given as `xp`, for Tensors or for NumPy arrays."""
    return namespace.tensors if isinstance(x, pb.Tensor) else pb.ones(1, device="cpu").device.backend.xp


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("name", CALLS)
def test_values_and_derivatives(name: str, kind: str, device: str) -> None:
    call, reference, shapes = CALLS[name]
    arrays = gaussian(shapes, kind)
    found = call(namespace.tensors, *(tensor(x, device) for x in arrays))
    np.testing.assert_allclose(host(found), reference(*arrays), rtol=1e-14, atol=1e-14)
    check_derivatives(lambda _, *xs: call(rules_namespace(xs[0]), *xs), arrays, device=device)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_identity_is_like_the_array(dtype: str, device: str) -> None:
    x = tensor(np.ones(2, dtype=dtype), device)
    found = matrices.identity(namespace.tensors, x, 3)
    assert found.dtype.name == dtype
    assert str(found.device) == device
    np.testing.assert_array_equal(host(found), np.eye(3))


def test_is_complex(device: str) -> None:
    xp = pb.ones(1).__array_namespace__()
    assert matrices.is_complex(xp, pb.ones(1, dtype=pb.complex64))
    assert not matrices.is_complex(xp, pb.ones(1, dtype=pb.float64))
