"""The three ops of convolution: against the sum that defines them, against each other, and their kernels."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.autograd import gradcheck, gradgradcheck
from pullback.extend import generic_kernels
from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from pullback_nn import kernels
from pullback_nn.convolutions import convolution, convolution_input, convolution_weight

GEOMETRIES: list[dict[str, Any]] = [
    {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1},
    {"stride": (2, 1), "padding": ((1, 2), (0, 1)), "dilation": (1, 2), "groups": 2},
    {"stride": (1, 2), "padding": ((0, 0), (2, 0)), "dilation": (2, 1), "groups": 4},
    {"stride": (3, 2), "padding": ((-1, 0), (0, -1)), "dilation": (1, 1), "groups": 1},
]
IDS = ["plain", "grouped", "depthwise", "cropped"]


def by_definition(x: np.ndarray, w: np.ndarray, stride: Any, padding: Any, dilation: Any, groups: int) -> np.ndarray:
    """A sum over everything, element by element."""
    whole = np.pad(x, ((0, 0), (0, 0), *(tuple(max(n, 0) for n in pair) for pair in padding)))
    for axis, (low, high) in enumerate(padding, start=2):
        whole = np.take(whole, range(max(-low, 0), whole.shape[axis] - max(-high, 0)), axis=axis)
    count = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(whole.shape[2:], w.shape[2:], stride, dilation, strict=True)
    ]
    out = np.zeros((x.shape[0], w.shape[0], *count), x.dtype)
    share = w.shape[0] // groups
    for i, o, *place in product(*map(range, out.shape)):
        for c, *k in product(*map(range, w.shape[1:])):
            at = [p * s + j * d for p, s, j, d in zip(place, stride, k, dilation, strict=True)]
            out[(i, o, *place)] += whole[(i, o // share * w.shape[1] + c, *at)] * w[(o, c, *k)]
    return out


def arrays(groups: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 4, 6, 5)), rng.standard_normal((4, 4 // groups, 2, 2))


@pytest.mark.parametrize("options", GEOMETRIES, ids=IDS)
def test_the_sum_that_defines_it(options: dict[str, Any], device: str) -> None:
    x, w = arrays(options["groups"])
    found = convolution(tensor(x, device), tensor(w, device), **options)
    np.testing.assert_allclose(host(found), by_definition(x, w, **options), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("options", GEOMETRIES, ids=IDS)
def test_the_three_are_one_number(options: dict[str, Any], device: str) -> None:
    """<c, conv(x, w)> = <conv_input(c, w), x> = <conv_weight(x, c), w>."""
    x, w = arrays(options["groups"])
    out = convolution(tensor(x, device), tensor(w, device), **options)
    c = np.random.default_rng(1).standard_normal(out.shape)
    number = np.vdot(c, host(out))
    back = convolution_input(tensor(c, device), tensor(w, device), length=x.shape[2:], **options)
    weight = convolution_weight(tensor(x, device), tensor(c, device), size=w.shape[2:], **options)
    assert np.vdot(host(back), x) == pytest.approx(number, rel=1e-12)
    assert np.vdot(host(weight), w) == pytest.approx(number, rel=1e-12)


@pytest.mark.parametrize("generic", [False, True], ids=["kernel", "generic"])
@pytest.mark.parametrize("options", GEOMETRIES, ids=IDS)
def test_derivatives(options: dict[str, Any], generic: bool) -> None:
    rng = np.random.default_rng(2)
    x, w = rng.standard_normal((1, 4, 4, 4)), rng.standard_normal((4, 4 // options["groups"], 2, 2))
    inputs = (tensor(x, requires_grad=True), tensor(w, requires_grad=True))

    def call(x: Any, w: Any) -> Any:
        return pb.sum(convolution(x, w, **options), axis=2)

    if generic:
        with generic_kernels():
            assert gradcheck(call, inputs, check_forward_ad=True)
    else:
        assert gradcheck(call, inputs, check_forward_ad=True)
        assert gradgradcheck(call, inputs)


@pytest.mark.parametrize("order", ["C", "F", "channels last", "reversed", "read-only"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("options", GEOMETRIES, ids=IDS)
def test_kernels_agree_with_the_generic_form(options: dict[str, Any], dtype: str, order: str) -> None:
    x, w = (a.astype(dtype) for a in arrays(options["groups"], seed=3))
    if dtype.startswith("complex"):
        x, w = x + 1j * x[::-1], w - 1j * w[::-1]
    if order == "F":
        x, w = np.asfortranarray(x), np.asfortranarray(w)
    elif order == "channels last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    elif order == "reversed":
        x, w = np.ascontiguousarray(x[..., ::-1])[..., ::-1], np.ascontiguousarray(w[::-1])[::-1]
    elif order == "read-only":
        x, w = x.copy(), w.copy()
        x.flags.writeable = w.flags.writeable = False

    def everything() -> list[np.ndarray]:
        leaves = [pb.asarray(a, copy=False).requires_grad_() for a in (x, w)]
        out = convolution(*leaves, **options)
        pb.sum(pb.real(out * pb.conj(out))).backward()
        return [host(out), *(host(leaf.grad) for leaf in leaves)]

    fast = everything()
    with generic_kernels():
        plain = everything()
    for found, expected in zip(fast, plain, strict=True):
        assert found.dtype == expected.dtype == np.dtype(dtype)
        np.testing.assert_allclose(found, expected, rtol=2e-4 if dtype == "float32" else 1e-11, atol=1e-5)


def test_nothing_in_a_batch() -> None:
    x, w = pb.zeros((0, 2, 4), requires_grad=True), pb.ones((3, 2, 2), requires_grad=True)
    out = convolution(x, w, stride=(1,), padding=((0, 0),), dilation=(1,), groups=1)
    assert out.shape == (0, 3, 3)
    out.sum().backward()
    assert x.grad.shape == x.shape
    assert host(w.grad).tolist() == np.zeros((3, 2, 2)).tolist()


def test_a_batch_that_is_cut_to_fit_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = arrays(1)
    options = GEOMETRIES[0]
    whole = host(convolution(tensor(x), tensor(w), **options))
    monkeypatch.setattr(kernels, "_AT_ONCE", 1)
    x_, w_ = tensor(x, requires_grad=True), tensor(w, requires_grad=True)
    out = convolution(x_, w_, **options)
    np.testing.assert_allclose(host(out), whole, rtol=1e-13)
    out.sum().backward()
    c = tensor(np.ones(out.shape))
    with generic_kernels():
        expected = convolution_weight(tensor(x), c, size=(2, 2), **options)
    np.testing.assert_allclose(host(w_.grad), host(expected), rtol=1e-12)


def test_vmap_and_forward_mode_agree_with_a_loop(device: str) -> None:
    options = GEOMETRIES[1]
    x, w = (tensor(a, device) for a in arrays(2))
    stacked = pb.stack([w, 2 * w])
    mapped = pb.func.vmap(lambda w: convolution(x, w, **options))(stacked)
    np.testing.assert_allclose(host(mapped[1]), host(convolution(x, 2 * w, **options)), rtol=1e-12)
    _, tangent = pb.func.jvp(lambda w: convolution(x, w, **options), (w,), (2 * w,))
    np.testing.assert_allclose(host(tangent), host(mapped[1]), rtol=1e-12)


@pytest.mark.parametrize("seed", range(24))
def test_random_geometries_to_second_order(seed: int) -> None:
    """Kernels against the generic form, in one to three axes, with everything that the functions take."""
    rng = np.random.default_rng(seed)
    axes, back = 1 + seed % 3, seed % 2 == 1
    groups = int(rng.choice([1, 2, 3]))
    inner, outer = (
        groups * int(n) for n in (rng.integers(1, 4, 2) if seed % 4 else (1, 1))
    )  # a fourth of them depthwise
    size, stride, dilation, padding = (rng.integers(low, 4, axes) for low in (1, 1, 1, 0))
    length = [max(1, d * (k - 1) + 1 - 2 * p) + 1 for d, k, p in zip(dilation, size, padding, strict=True)]
    if back:
        length = [n + 2 * p for n, p in zip(length, padding, strict=True)]  # so that something is left
    x = rng.standard_normal((2, inner, *length))
    w = rng.standard_normal((inner, outer // groups, *size) if back else (outer, inner // groups, *size))
    options = {
        name: tuple(map(int, v)) for name, v in (("stride", stride), ("dilation", dilation), ("padding", padding))
    }
    if back:
        options["output_padding"] = tuple(int(n) for n in rng.integers(0, np.maximum(stride, dilation)))
    function = getattr(F, f"conv_transpose{axes}d" if back else f"conv{axes}d")

    def everything() -> list[np.ndarray]:
        leaves = [tensor(a, requires_grad=True) for a in (x, w)]
        out = function(*leaves, groups=groups, **options)
        first = pb.autograd.grad((out * out * out).sum(), leaves, create_graph=True)
        second = pb.autograd.grad(sum((g * g).sum() for g in first), leaves)
        return [host(a) for a in (out, *first, *second)]

    fast = everything()
    with generic_kernels():
        plain = everything()
    for found, expected in zip(fast, plain, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())
