"""The published choices at kinks, in both modes on every backend; and docs/kinks.md shows these."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from helpers.kinks import KINKS, REFUSED, Kink
from pullback.errors import DegenerateError

ROWS = [
    pytest.param(kink, id=f"{kink.code} at {', '.join(map(str, kink.at))}")
    for _, kinks in KINKS.values()
    for kink in kinks
]
GENERATOR = Path(__file__).parents[2] / "docs" / "kinks.py"

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of values such as log(0), rightly


@pytest.mark.parametrize("kink", ROWS)
def test_reverse_mode(kink: Kink, device: str) -> None:
    for cotangent in (1.0, -3.0):
        xs = [tensor(np.asarray(x), device, requires_grad=True) for x in kink.at]
        out = kink.call(*xs)
        grads = pb.autograd.grad(out, xs, pb.full_like(out, cotangent), allow_unused=True, materialize_grads=True)
        for grad, slope in zip(grads, kink.slopes, strict=True):
            np.testing.assert_allclose(host(grad), cotangent * np.asarray(slope), rtol=1e-15, atol=1e-15, strict=True)


@pytest.mark.parametrize("kink", ROWS)
def test_forward_mode(kink: Kink, device: str) -> None:
    """Along each element. A complex gradient g gives the tangent Re(conj(g) t) of a real result."""
    slopes = kink.forward or kink.slopes
    xs = tuple(tensor(np.asarray(x), device) for x in kink.at)
    for i, slope in enumerate(slopes):
        for index in np.ndindex(*np.shape(slope)):
            for unit in (1.0, 1j) if np.iscomplexobj(kink.at[i]) else (1.0,):
                tangents = [np.zeros(x.shape, dtype=host(x).dtype) for x in xs]
                tangents[i][index] = unit
                _, pushed = pb.func.jvp(kink.call, xs, tuple(tensor(t, device) for t in tangents))
                found, expected = host(pushed), np.conj(np.asarray(slope)[index]) * unit
                if np.iscomplexobj(found):  # the cotangent 1 sees the real part
                    found = found.real
                expected = expected.real if np.iscomplexobj(expected) else expected
                total = found.sum() if found.shape != xs[i].shape else found[index]
                np.testing.assert_allclose(total, expected, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: pb.hypot(x[0], x[1]),
        lambda x: pb.atan2(x[0], x[1]),
        lambda x: pb.linalg.vector_norm(x),
        lambda x: pb.linalg.vector_norm(x, ord=3),
        lambda x: pb.linalg.vector_norm(pb.astype(x, pb.complex128)),
        lambda x: pb.abs(pb.astype(x, pb.complex128)).sum(),
        lambda x: pb.std(x),
    ],
    ids=["hypot", "atan2", "norm", "norm of order 3", "complex norm", "complex abs", "std"],
)
def test_what_has_the_gradient_zero_at_the_origin_has_zeros_after_it(call: Any, device: str) -> None:
    x = tensor(np.zeros(2), device, requires_grad=True)
    (first,) = pb.autograd.grad(call(x), x, create_graph=True)
    np.testing.assert_array_equal(host(first), 0.0)
    (second,) = pb.autograd.grad((first * tensor([1.0, -3.0], device)).sum(), x, create_graph=True)
    np.testing.assert_array_equal(host(second), 0.0)


@pytest.mark.parametrize("kink", KINKS["Steps"][1][:5])
def test_steps_are_differentiable_again(kink: Kink, device: str) -> None:
    xs = [tensor(np.asarray(x), device, requires_grad=True) for x in kink.at]
    grads = pb.autograd.grad(kink.call(*xs), xs, create_graph=True)
    assert all(g.requires_grad for g in grads)
    again = pb.autograd.grad(sum(grads), xs, allow_unused=True, materialize_grads=True)
    assert all(float(g) == 0.0 for g in again)


@pytest.mark.parametrize(("code", "at"), REFUSED)
def test_what_depends_on_a_basis_is_refused(code: str, at: list[list[float]], device: str) -> None:
    call = Kink(code, (at,), ()).call
    x = tensor(np.asarray(at), device, requires_grad=True)
    with pytest.raises(DegenerateError):
        call(x).backward()
    assert x.grad is None
    with pytest.raises(DegenerateError):
        pb.func.jvp(call, (x.detach(),), (tensor(np.asarray([[1.0, 2.0], [2.0, 3.0]]), device),))


def test_the_page_shows_the_table() -> None:
    done = subprocess.run([sys.executable, str(GENERATOR), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
