"""The kernels give what the general forms give; and rows of the conformance suite hold on the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from pullback import extras

Install = Callable[..., Any]


def random(*shape: int, dtype: str = "float64") -> Any:
    rng = np.random.default_rng(sum(shape))
    return (rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if "c" in dtype else 0)).astype(dtype)


INTEGERS = np.asarray([2, 0, 2, -1, 2])
CALLS = {
    "index_add": lambda xp, a: xp.index_add(a(random(4, 5)), a(INTEGERS), 1, 3),
    "index_add complex": lambda xp, a: xp.index_add(a(random(5, 2, dtype="complex64")), a(INTEGERS), 0, 3),
    "along_axis_add": lambda xp, a: xp.along_axis_add(a(random(2, 5)), a(np.stack([INTEGERS, -INTEGERS])), -1, 3),
    "along_axis_add 0": lambda xp, a: xp.along_axis_add(a(random(5, 2)), a(np.stack([INTEGERS, INTEGERS], 1)), 0, 3),
    "scatter integers": lambda xp, a: xp.scatter(a(random(5, 2)), a(INTEGERS), (4, 2)),
    "scatter slices": lambda xp, a: xp.scatter(a(random(2, 2)), (slice(0, 4, 2), slice(None)), (4, 2)),
    "scatter mask": lambda xp, a: xp.scatter(a(random(2)), a(np.asarray([True, False, True])), (3,)),
    "inner": lambda xp, a: xp.inner(a(random(3, 4)), a(random(4, 3).T)),
    "inner complex": lambda xp, a: xp.inner(a(random(6, dtype="complex128")), a(random(6, dtype="complex128"))),
    "inner of nothing": lambda xp, a: xp.inner(a(random(0, 2)), a(random(0, 2))),
    "repeat": lambda xp, a: xp.repeat(a(random(3, 2)), 2, axis=0),
    "repeat each": lambda xp, a: xp.repeat(a(random(3, 2)), a(np.asarray([2, 0, 1])), axis=0),
    "repeat one for all": lambda xp, a: xp.repeat(a(random(3, 2)), a(np.asarray([2])), axis=1),
    "repeat flat": lambda xp, a: xp.repeat(a(random(2, 2)), a(np.asarray([1, 0, 3, 1]))),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_as_the_general_form(install: Install, call: Callable[..., Any]) -> None:
    install(1)
    backend = pb.device("cuda").backend
    found = call(backend.xp, lambda x: backend.from_host(x, 0))
    import array_api_compat.numpy as general

    names = vars(general) | extras.bind(general, writable=True)

    class Plain:
        __getattr__ = staticmethod(names.__getitem__)

    expected = call(Plain(), np.asarray)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.get(), expected, rtol=1e-6)


def test_adding_at_indices_neither_waits_nor_transfers(install: Install) -> None:
    driver = install(1)
    x = pb.ones(6, 2, device="cuda", requires_grad=True)
    rows = pb.asarray(INTEGERS, device="cuda")
    driver.log.clear()
    with driver.forbidding("wait", "to host", "to device"):
        (pb.take(x, rows, axis=0) ** 2).sum().backward()
        (x[rows] ** 2).sum().backward()
    assert x.grad.cpu().numpy()[:, 0].tolist() == [4.0, 0.0, 12.0, 0.0, 0.0, 4.0]


@pytest.mark.parametrize("device", ["cuda:0", "cuda:1"])
def test_rows_of_the_conformance_suite_hold(install: Install, device: str) -> None:
    """On both of two devices, of which the first is the current one: what runs elsewhere than its arrays are is refused."""
    from pullback_conformance.session import Session, run

    install(2)
    ops = ["multiply", "sum", "take", "take_along_axis", "repeat", "max", "linalg.solve", "fft.rfft"]
    outcome = run(Session(backend="cupy", devices=[device], ops=[*ops, "engine"], sample=40, level="L3"))
    assert outcome.ok, [(cell.id, cell.message) for cell in outcome.red][:10]
    assert outcome.totals["PASS"] > 500
