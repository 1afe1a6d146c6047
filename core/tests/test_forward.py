"""Forward mode against reverse mode for every primitive, and the dual numbers themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, listed, normal, tensor
from helpers.differences import inner
from helpers.primitives import BEYOND_THE_STANDARD, calls
from pullback.forward import Dual, DualBackend
from pullback.func import jvp, vjp
from pullback.transform import entered

CALLS = [pytest.param(call, arrays, id=name) for name, call, arrays in (*calls(), *calls(BEYOND_THE_STANDARD))]


@pytest.mark.parametrize(("call", "arrays"), CALLS)
def test_both_modes_are_adjoint(call: Any, arrays: list[np.ndarray]) -> None:
    """<v, J u> = <J^T v, u> for random u and v, up to rounding."""
    rng = np.random.default_rng(1)
    wrt = [i for i, x in enumerate(arrays) if x.dtype.kind == "f"]

    def function(*chosen: Any) -> tuple[Any, ...]:
        full: list[Any] = [tensor(x) for x in arrays]
        for i, x in zip(wrt, chosen, strict=True):
            full[i] = x
        return tuple(out for out in listed(call(*full)) if out.dtype.differentiable)

    points = tuple(tensor(arrays[i]) for i in wrt)
    us = [normal(rng, arrays[i]) for i in wrt]
    outs, pushed = jvp(function, points, tuple(map(tensor, us)))
    vs = [normal(rng, host(out)) for out in outs]
    _, pullback = vjp(function, *points)
    pulled = pullback(tuple(map(tensor, vs)))
    left = [(v, host(t)) for v, t in zip(vs, pushed, strict=True)]
    right = [(host(g), u) for g, u in zip(pulled, us, strict=True)]
    size = sum(float(np.sum(np.abs(a) * np.abs(b))) for a, b in (*left, *right))
    difference = sum(inner(a, b) for a, b in left) - sum(inner(a, b) for a, b in right)
    assert abs(difference) <= 64 * np.finfo(float).eps * max(1.0, size)


def test_a_dual_number_looks_like_its_array() -> None:
    with entered(DualBackend) as backend:
        x = backend.make(tensor([[1.0, 2.0]]), tensor([[3.0, 4.0]]))
        assert isinstance(x._array, Dual)
        assert (x.shape, x.dtype, str(x.device)) == ((1, 2), pb.float64, "cpu")
        assert [part.tolist() for part in backend.parts(x)] == [[[1.0, 2.0]], [[3.0, 4.0]]]
        assert backend.split(tensor(1.0))[1] is None
        assert x.tolist() == [[1.0, 2.0]]
        assert repr(x).replace("\n      ", "") == (
            "tensor([[1., 2.]], dtype=pullback.float64, tangent=tensor([[3., 4.]], dtype=pullback.float64))"
        )
    assert "array>" in repr(x)


def test_an_integer_index_from_dual_numbers_has_no_tangent() -> None:
    x = tensor([3.0, 1.0, 2.0])
    _, moved = jvp(lambda x: x[pb.argsort(x)] * x[pb.argmax(x)], (x,), (tensor([1.0, 10.0, 100.0]),))
    assert moved.tolist() == [10.0 * 3 + 1, 100.0 * 3 + 2, 1.0 * 3 + 3]


def test_a_tangent_that_nobody_set_stays_none() -> None:
    """What does not depend on the perturbation costs no tangent."""
    with entered(DualBackend) as backend:
        constant = pb.sin(backend.lift(tensor([1.0])))
        assert backend.split(constant)[1] is None
        assert backend.split(constant + backend.make(tensor([1.0]), tensor([1.0])))[1].tolist() == [1.0]
