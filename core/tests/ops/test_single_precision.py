"""Every differentiable function on a device that has no float64: in single precision, and never anything wider.

The gradients are compared with those in double precision on the host, which the chapters' tests compare with differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, is_differentiable, listed, normal, tensor
from helpers.classes import first, names_of, rows

DEVICE = "strict:no_float64"
NARROW = {"float64": "float32", "complex128": "complex64"}
WIDE = {single: double for double, single in NARROW.items()}
TOLERANCE = 2e-4
WIDER = {
    "astype": "its rows convert to float64, which the device refuses",
}


def narrow(x: np.ndarray) -> np.ndarray:
    return x.astype(NARROW.get(x.dtype.name, x.dtype.name))


def run(
    call: Callable[..., Any], arrays: list[np.ndarray], device: str, prepare: Callable[[np.ndarray], np.ndarray]
) -> tuple[list[Any], list[Any], list[Any]]:
    """Values, gradients and tangents, for cotangents and directions that are the same in either precision."""
    wrt = [i for i, x in enumerate(arrays) if is_differentiable(x)]
    rng = np.random.default_rng(5)
    directions = [narrow(normal(rng, arrays[i])) for i in wrt]

    def outputs(*xs: Any) -> tuple[Any, ...]:
        given = [tensor(prepare(x), device) for x in arrays]
        for i, x in zip(wrt, xs, strict=True):
            given[i] = x
        return tuple(out for out in listed(call(given[0].__array_namespace__(), *given)) if floating(out))

    points = tuple(tensor(prepare(narrow(arrays[i])), device) for i in wrt)
    outs, pushed = pb.func.jvp(outputs, points, tuple(tensor(prepare(d), device) for d in directions))
    cotangents = [narrow(normal(rng, host(out))) for out in outs]
    _, pullback = pb.func.vjp(outputs, *points)
    pulled = pullback(tuple(tensor(prepare(ct), device) for ct in cotangents))
    return list(outs), listed(pulled), list(pushed)


def floating(x: Any) -> bool:
    return x.dtype.name.startswith(("float", "complex"))


@pytest.mark.parametrize(
    ("chapter", "name"), [p for p in names_of("smooth", "linear", "kinked", "zero_ae") if p.values[1] not in WIDER]
)
def test_single_precision(chapter: str, name: str) -> None:
    with pb.device(DEVICE):
        for call, arrays in [*rows(chapter, name)][:4]:
            found = run(call, arrays, DEVICE, narrow)
            expected = run(call, arrays, "cpu", lambda x: x.astype(WIDE.get(x.dtype.name, x.dtype.name)))
            for what, left, right in zip(("value", "gradient", "tangent"), found, expected, strict=True):
                for x, y in zip(left, right, strict=True):
                    assert str(x.device) == DEVICE
                    assert x.dtype.name == NARROW[y.dtype.name]
                    largest = float(np.max(np.abs(host(y)), initial=1.0))
                    np.testing.assert_allclose(host(x), host(y), rtol=TOLERANCE, atol=TOLERANCE * largest, err_msg=what)


@pytest.mark.parametrize("name", WIDER)
def test_double_precision_is_refused(name: str) -> None:
    call, arrays = first("data_type_functions", name)
    with pb.device(DEVICE), pytest.raises(ValueError, match="does not support dtype"):
        run(call, arrays, DEVICE, narrow)


# --- nor wide integers ------------------------------------------------------------------------------------------------

NARROWEST = "strict:no_x64"
"""A device with no numbers of 64 bits at all. Its library asks for some when it is asked for positions: rules do not."""


def written(x: Any, key: Any, value: Any) -> Any:
    y = x * 1
    y[key] = value
    return y


def scaled_part(x: Any) -> Any:
    y = x * 1
    y[1:] *= 3.0
    return y


POSITIONS: dict[str, Callable[[Any], Any]] = {
    "diff": lambda x: pb.diff(x, axis=-1),
    "unstack": lambda x: pb.unstack(x)[1],
    "cross": lambda x: pb.linalg.cross(x, 2 * x[::-1]),
    "svdvals": pb.linalg.svdvals,
    "svd of a singular matrix": lambda x: pb.linalg.svdvals(x * pb.asarray([1.0, 1.0, 0.0], device=x.device)),
    "x[1, 2]": lambda x: x[1, 2],
    "x[::-2, None]": lambda x: x[::-2, None, 1:],
    "x[[0, 2]]": lambda x: x[[0, 2]],
    "x[[0, 2], [1, 0]]": lambda x: x[[0, 2], [1, 0]],
    "x[x > 0]": lambda x: x[x > 0],
    "x[1] = y": lambda x: written(x, 1, x[0] * x[2]),
    "x[1, 2] = y, 0-d": lambda x: written(x, (1, 2), x[0, 0]),
    "x[x > 0] = 2": lambda x: written(x, x > 0, 2.0),
    "x[1:] *= 3": scaled_part,
}


@pytest.mark.parametrize("program", POSITIONS.values(), ids=POSITIONS)
def test_positions_need_no_wide_integers(program: Callable[[Any], Any]) -> None:
    x = np.random.default_rng(3).standard_normal((3, 3)).astype("float32")
    found, expected = (tensor(x, device).requires_grad_() for device in (NARROWEST, "cpu"))
    for leaf in (found, expected):
        out = program(leaf)
        pb.sum(out * out).backward()
    assert str(found.grad.device) == NARROWEST
    np.testing.assert_allclose(host(found.grad), host(expected.grad), rtol=TOLERANCE, atol=TOLERANCE)


def test_searchsorted_over_a_batch_needs_no_wide_integers() -> None:
    lines, sought = np.asarray([[1.0, 2.0, 3.0], [4.0, 6.0, 8.0]], "float32"), np.asarray([[2.5], [7.0]], "float32")
    found = pb.func.vmap(pb.searchsorted)(tensor(lines, NARROWEST), tensor(sought, NARROWEST))
    assert found.dtype is pb.int32
    np.testing.assert_array_equal(host(found), [[2], [2]])


def test_a_value_that_fits_is_not_blamed_for_what_the_library_lacks() -> None:
    x = tensor(np.zeros(4, "float32"), NARROWEST)
    with pytest.raises(ValueError, match="does not support dtype"):  # the library's argsort
        x[[0, 2]] = tensor(np.ones(2, "float32"), NARROWEST)
