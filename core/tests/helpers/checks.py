"""Compare values and derivatives of Tensors with NumPy and finite differences.

A test hands over `call(xp, *arrays)`, written in the Array API. The checks run it on NumPy arrays to learn the values
and, by finite differences, the derivatives; and on Tensors, in both modes and to second order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import array_api_compat.numpy as REFERENCE  # noqa: N812  the namespace that is right by definition
import numpy as np
import pullback as pb
import pytest

from helpers.differences import directional, gradient, inner, slope

Call = Callable[..., Any]

DEVICES = ("cpu", "strict", "strict:device1")
TOLERANCE = 2e-8


def host(x: Any) -> np.ndarray:
    """The values of a Tensor as a NumPy array."""
    return np.asarray(x.detach().to("cpu").numpy())


def tensor(x: Any, device: str = "cpu", *, requires_grad: bool = False) -> Any:
    """A NumPy array (or what makes one) as a leaf Tensor of its dtype on a device."""
    made = pb.asarray(np.asarray(x)).to(device)
    return made.requires_grad_() if requires_grad else made


def strided(x: Any, device: str = "cpu") -> Any:
    """The same as a non-contiguous leaf: transposed, every second element, backwards, with NaN in the gaps."""
    turned = np.transpose(np.asarray(x))
    axes = tuple(range(turned.ndim))
    gap = np.nan if is_differentiable(turned) else turned.dtype.type(1)
    odd = (slice(1, None, 2),) * turned.ndim
    base = np.full(tuple(2 * n + 1 for n in turned.shape), gap, dtype=turned.dtype)
    base[odd] = np.flip(turned)
    part = pb.flip(tensor(base, device)[(*odd, ...)], axis=axes)
    return pb.permute_dims(part, axes[::-1]).detach()


def normal(rng: np.random.Generator, like: Any) -> np.ndarray:
    """Gaussian numbers of the shape and dtype of `like`."""
    values = rng.standard_normal(like.shape)
    if np.iscomplexobj(like):
        values = values + 1j * rng.standard_normal(like.shape)
    return np.asarray(values, dtype=like.dtype)


def assert_close(found: Any, expected: Any, what: str, tolerance: float = TOLERANCE) -> None:
    """`found` equals `expected` up to the tolerance, relative to each element and, much less, to the largest."""
    expected = np.asarray(expected)
    largest = float(np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected)))
    np.testing.assert_allclose(
        found, expected, rtol=tolerance, atol=tolerance * max(1.0, 1e-3 * largest), err_msg=what, strict=True
    )


def listed(value: Any) -> list[Any]:
    """One result or several, as a list."""
    return list(value) if isinstance(value, (tuple, list)) else [value]


def is_differentiable(x: np.ndarray) -> bool:
    """Whether its dtype is floating or complex."""
    return x.dtype.kind in "fc"


def check_derivatives(
    call: Call,
    arrays: Sequence[Any],
    *,
    device: str = "cpu",
    make: Callable[[Any, str], Any] = tensor,
    order: int = 2,
    forward: bool = True,
    values: float = 1e-13,
    seed: int = 0,
) -> None:
    """Check the values of `call(xp, *arrays)` and its derivatives with respect to all floating and complex arrays.

    `make` places an array on a device; `values` is the tolerance for the values, relative. Second derivatives are
    compared element by element on the host, along one direction elsewhere.
    """
    Check(call, [np.asarray(x) for x in arrays], device, make, np.random.default_rng(seed)).run(order, forward, values)


class Check:
    """One function at one point, with random cotangents, tangents and directions."""

    def __init__(
        self, call: Call, arrays: list[np.ndarray], device: str, make: Callable[..., Any], rng: np.random.Generator
    ) -> None:
        self.call = call
        self.arrays = arrays
        self.device = device
        self.make = make
        self.wrt = [i for i, x in enumerate(arrays) if is_differentiable(x)]
        self.points = [arrays[i] for i in self.wrt]
        self.expected = [np.asarray(out) for out in listed(call(REFERENCE, *arrays))]
        self.outs = [k for k, out in enumerate(self.expected) if is_differentiable(out)]
        self.cotangents = [normal(rng, self.expected[k]) for k in self.outs]
        self.tangents = [normal(rng, x) for x in self.points]
        self.directions = [normal(rng, x) for x in (*self.points, *self.cotangents)]

    def run(self, order: int, forward: bool, values: float) -> None:
        self.check_values(values)
        self.check_reverse()
        if forward:
            self.check_forward()
        if order > 1:
            self.check_second_order(forward)

    # --- what is differentiated --------------------------------------------------------------------------------------

    def inputs(self, *, requires_grad: Sequence[int] | None = None) -> list[Any]:
        made = [self.make(x, self.device) for x in self.arrays]
        for i in self.wrt if requires_grad is None else requires_grad:
            made[i].requires_grad_()
        return made

    def run_on(self, differentiated: Sequence[Any]) -> list[Any]:
        """The floating outputs, given Tensors for the differentiated inputs."""
        given = [self.make(x, self.device) for x in self.arrays]
        for i, x in zip(self.wrt, differentiated, strict=True):
            given[i] = x
        outs = listed(self.call(given[0].__array_namespace__(), *given))
        return [outs[k] for k in self.outs]

    def loss(self, *points: np.ndarray) -> float:
        """Re <cotangents, outputs>, over NumPy."""
        full = list(self.arrays)
        for i, x in zip(self.wrt, points, strict=True):
            full[i] = x
        outs = listed(self.call(REFERENCE, *full))
        return sum(inner(v, outs[k]) for v, k in zip(self.cotangents, self.outs, strict=True))

    # --- the checks --------------------------------------------------------------------------------------------------

    def check_values(self, tolerance: float) -> None:
        given = self.inputs()
        outs = listed(self.call(given[0].__array_namespace__(), *given))
        assert len(outs) == len(self.expected)
        for out, expected in zip(outs, self.expected, strict=True):
            assert out.shape == expected.shape
            assert out.dtype.name == expected.dtype.name
            assert str(out.device) == self.device
            assert_close(host(out), expected, "value", tolerance)

    def check_reverse(self) -> None:
        expected = [gradient(self.loss, self.points, i) for i in range(len(self.points))]
        everything = self.reverse(self.wrt)
        for i, (found, slopes) in enumerate(zip(everything, expected, strict=True)):
            assert_close(host(found), slopes, f"gradient with respect to argument {self.wrt[i]}")
            assert found.dtype.name == self.points[i].dtype.name
            assert str(found.device) == self.device
        if len(self.wrt) > 1:
            for i, slopes in zip(self.wrt, expected, strict=True):
                (found,) = self.reverse([i])
                assert_close(host(found), slopes, f"gradient with respect to argument {i} alone")

    def reverse(self, wrt: Sequence[int]) -> tuple[Any, ...]:
        given = self.inputs(requires_grad=wrt)
        outs = listed(self.call(given[0].__array_namespace__(), *given))
        cts = [tensor(v, self.device) for v in self.cotangents]
        pairs = [(outs[k], v) for k, v in zip(self.outs, cts, strict=True) if outs[k].requires_grad]
        assert pairs, "no output requires grad"
        return pb.autograd.grad(
            [out for out, _ in pairs], [given[i] for i in wrt], [v for _, v in pairs], materialize_grads=True
        )

    def check_forward(self) -> None:
        def outputs(*points: np.ndarray) -> list[Any]:
            full = list(self.arrays)
            for i, x in zip(self.wrt, points, strict=True):
                full[i] = x
            outs = listed(self.call(REFERENCE, *full))
            return [outs[k] for k in self.outs]

        outs, found = self.jvp(lambda *xs: tuple(self.run_on(xs)), self.points, self.tangents)
        for n, (out, tangent) in enumerate(zip(outs, found, strict=True)):
            assert tangent.dtype is out.dtype
            assert tangent.shape == out.shape
            assert str(tangent.device) == self.device
            slopes = directional(lambda *xs, n=n: outputs(*xs)[n], self.points, self.tangents)
            assert_close(host(tangent), slopes, f"tangent of output {n}")
        self.check_dot_product(found)

    def check_dot_product(self, pushed: Sequence[Any]) -> None:
        """<v, J u> = <J^T v, u>, up to rounding."""
        pulled = self.reverse(self.wrt)
        left = [(v, host(t)) for v, t in zip(self.cotangents, pushed, strict=True)]
        right = [(host(g), u) for g, u in zip(pulled, self.tangents, strict=True)]
        size = sum(float(np.sum(np.abs(a) * np.abs(b))) for a, b in (*left, *right))
        difference = sum(inner(a, b) for a, b in left) - sum(inner(a, b) for a, b in right)
        assert abs(difference) <= 16 * np.finfo(float).eps * max(1.0, size), "forward and reverse mode disagree"

    def jvp(self, function: Call, points: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
        primals = tuple(self.make(x, self.device) for x in points)
        return pb.func.jvp(function, primals, tuple(tensor(t, self.device) for t in tangents))

    # --- second order: the real function S(x, v) = Re <u, J(x)^T v> --------------------------------------------------

    def pulled(self, xs: Sequence[Any], vs: Sequence[Any], **options: Any) -> Any:
        """S on Tensors."""
        outs = self.run_on(xs)
        pairs = [(out, v) for out, v in zip(outs, vs, strict=True) if out.requires_grad]
        grads = pb.autograd.grad(
            [out for out, _ in pairs], xs, [v for _, v in pairs], materialize_grads=True, **options
        )
        return self.dotted(grads, self.tangents)

    def dotted(self, xs: Sequence[Any], weights: Sequence[np.ndarray]) -> Any:
        total: Any = 0.0
        for x, weight in zip(xs, weights, strict=True):
            product = tensor(np.conj(weight), self.device) * x
            total = total + pb.sum(pb.real(product))
        return total

    def pulled_at(self, *points: np.ndarray) -> float:
        """S on NumPy arrays."""
        n = len(self.points)
        xs = [self.make(x, self.device).requires_grad_() for x in points[:n]]
        return float(self.pulled(xs, [tensor(v, self.device) for v in points[n:]]))

    def check_second_order(self, forward: bool) -> None:
        n = len(self.points)
        at = [*self.points, *self.cotangents]
        leaves = [(self.make if i < n else tensor)(x, self.device).requires_grad_() for i, x in enumerate(at)]
        total = self.pulled(leaves[:n], leaves[n:], create_graph=True)
        found = self.gradients(total, leaves)
        for i, (g, x) in enumerate(zip(found, at, strict=True)):
            assert (g.shape, g.dtype.name, str(g.device)) == (x.shape, x.dtype.name, self.device)
            if self.device == "cpu":
                assert_close(
                    host(g), gradient(self.pulled_at, at, i), f"second derivative, argument {i}", 10 * TOLERANCE
                )
        along = sum(inner(d, host(g)) for d, g in zip(self.directions, found, strict=True))
        slopes = slope(lambda t: self.pulled_at(*(x + t * d for x, d in zip(at, self.directions, strict=True))))
        assert_close(along, slopes, "second derivative along a direction", 10 * TOLERANCE)
        if forward:
            self.check_mixed_modes([host(g) for g in found[:n]])

    def check_mixed_modes(self, second: list[np.ndarray]) -> None:
        """Forward over reverse, reverse over forward and forward over forward give the same second derivative."""
        vs = [tensor(v, self.device) for v in self.cotangents]
        directions = self.directions[: len(self.points)]
        expected = sum(inner(d, g) for d, g in zip(directions, second, strict=True))

        def reverse(*xs: Any) -> Any:
            _, pullback = pb.func.vjp(lambda *ys: tuple(self.run_on(ys)), *xs)
            return self.dotted(pullback(tuple(vs)), self.tangents)

        def pushed(*xs: Any) -> Any:
            us = tuple(tensor(u, self.device) for u in self.tangents)
            return self.dotted(pb.func.jvp(lambda *ys: tuple(self.run_on(ys)), xs, us)[1], self.cotangents)

        _, found = self.jvp(reverse, self.points, directions)
        assert_close(float(found), expected, "forward over reverse", 1e-10)
        _, found = self.jvp(pushed, self.points, directions)
        assert_close(float(found), expected, "forward over forward", 1e-10)
        leaves = [self.make(x, self.device).requires_grad_() for x in self.points]
        total = pushed(*leaves)
        for g, expected_gradient in zip(self.gradients(total, leaves), second, strict=True):
            assert_close(host(g), expected_gradient, "reverse over forward", 1e-10)

    def gradients(self, total: Any, leaves: Sequence[Any]) -> Sequence[Any]:
        """The gradients of a number that may be a constant."""
        if not total.requires_grad:
            return [pb.zeros_like(leaf) for leaf in leaves]
        return pb.autograd.grad(total, leaves, materialize_grads=True)


Rows = dict[str, list[tuple[Any, ...]]]
"""For each function of a chapter, calls with the shapes (or integer and boolean arrays) of their arguments."""


def numbered(rows: Rows) -> list[Any]:
    """The calls of a table, as parameters of a test."""
    return [
        pytest.param(call, arguments, id=f"{name}-{i}")
        for name, calls in rows.items()
        for i, (call, *arguments) in enumerate(calls)
    ]


def gaussian(arguments: Sequence[Any], kind: str = "real", seed: int = 1) -> list[np.ndarray]:
    """Gaussian arrays, real or complex, for shapes; arrays as they are."""
    rng = np.random.default_rng(seed)
    like = np.zeros((), dtype=complex if kind == "complex" else float)
    return [normal(rng, np.broadcast_to(like, x)) if isinstance(x, tuple) else x for x in arguments]
