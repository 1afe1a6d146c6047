"""Calls of other libraries on Tensors: the text of a call, its arguments, and what is to come of it.

The text is evaluated twice: on NumPy arrays, for the values and, by finite differences, the derivatives; and on Tensors.
Both times `xp` is the namespace of the arguments. The same tables make `docs/consumers.md`.
"""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import array_api_compat.numpy as reference
import numpy as np
import pullback as pb
import pytest

from helpers.differences import gradient, inner

WORKS = "works"
CONSTANT = "no gradient"
SCALAR = "Python scalar"
CLOSED = "closed"
PLUGIN = "needs xp.special"
DIFFERENTIATED = (WORKS, PLUGIN)
INSTALLED = find_spec("pullback_special") is not None
BEYOND = (pb.errors.PullbackError, IndexError, TypeError)
"""What a backend that has the standard only says to a call that asks for more."""


class Table:
    """The calls of one library. `names` are what the texts may use; `context` is entered around each call."""

    def __init__(self, library: str, *, names: dict[str, Any], context: Any = nullcontext, seed: int = 0) -> None:
        self.library = library
        self.names = names
        self.context = context
        self.calls: list[Call] = []
        self._rng = np.random.default_rng(seed)

    def normal(self, *shape: int) -> np.ndarray:
        """Gaussian numbers."""
        return np.asarray(self._rng.standard_normal(shape))

    def uniform(self, *shape: int) -> np.ndarray:
        """Numbers between 0.2 and 0.8."""
        return np.asarray(self._rng.uniform(0.2, 0.8, shape))

    def works(
        self,
        text: str,
        *,
        fixed: str = "",
        beyond: str = "",
        reverse_only: str = "",
        tolerance: float = 1e-7,
        **arguments: Any,
    ) -> None:
        """The value is NumPy's, and so are the derivatives by all floating arguments but the `fixed` ones.

        `beyond`: what it asks for that is not in the standard, and only NumPy and CuPy have. `reverse_only`: why its
        derivative in forward mode is NaN.
        """
        self._add(text, WORKS, arguments, tolerance=tolerance, fixed=fixed, beyond=beyond, reverse_only=reverse_only)

    def constant(self, text: str, why: str, *, beyond: str = "", **arguments: Any) -> None:
        """The value is NumPy's; it is an integer or piecewise constant, and requires no grad."""
        self._add(text, CONSTANT, arguments, why=why, beyond=beyond)

    def scalar(self, text: str, why: str, **arguments: Any) -> None:
        """The value is NumPy's, as a Python number: the gradient is lost."""
        self._add(text, SCALAR, arguments, why=why)

    def closed(self, text: str, raises: type[Exception], why: str, **arguments: Any) -> None:
        """It raises."""
        self._add(text, CLOSED, arguments, why=why, raises=raises)

    def plugin(self, text: str, *, beyond: str = "", tolerance: float = 1e-7, **arguments: Any) -> None:
        """As `works`, with the functions of scipy.special that a plugin offers; without one the error says so."""
        raises = None if INSTALLED else pb.errors.AutogradError
        self._add(text, PLUGIN, arguments, tolerance=tolerance, beyond=beyond, raises=raises)

    def _add(self, text: str, outcome: str, arguments: dict[str, Any], **options: Any) -> None:
        arrays = {name: np.asarray(value) for name, value in arguments.items()}
        self.calls.append(Call(self, text, outcome, arrays, **options))


@dataclass(frozen=True, eq=False)
class Call:
    """One row of a table."""

    table: Table
    text: str
    outcome: str
    arguments: dict[str, np.ndarray]
    tolerance: float = 1e-7
    fixed: str = ""
    beyond: str = ""
    reverse_only: str = ""
    why: str = ""
    raises: type[Exception] | None = None
    differentiated: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        wanted = [n for n, x in self.arguments.items() if x.dtype.kind in "fc" and n not in self.fixed.split()]
        object.__setattr__(self, "differentiated", tuple(wanted))

    def evaluate(self, xp: Any, arguments: dict[str, Any]) -> Any:
        """The result of the text over these arguments."""
        context: AbstractContextManager[Any] = self.table.context()
        with context, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the libraries say of each other is not the matter here
            return eval(self.text, {**self.table.names, "xp": xp, **arguments})

    def check(self, device: str = "cpu") -> None:
        """Run it, and see that what the table says comes of it.

        On the host the gradients are compared with finite differences and with forward mode, elsewhere with those on
        the host.
        """
        xp, tensors = self._place(device)
        raises = BEYOND if self.beyond and device != "cpu" else self.raises
        if raises is not None:
            with pytest.raises(raises) as caught:
                self.evaluate(xp, tensors)
            assert self.outcome != PLUGIN or "pullback-special" in str(caught.value)
            return
        out = self.evaluate(xp, tensors)
        expected = np.asarray(self.evaluate(reference, self.arguments))
        if self.outcome == SCALAR:
            assert isinstance(out, (bool, int, float, complex))
            np.testing.assert_allclose(out, expected, rtol=1e-10)
            return
        assert isinstance(out, pb.Tensor)
        assert out.requires_grad == (self.outcome in DIFFERENTIATED)
        np.testing.assert_allclose(out.detach().to("cpu").numpy(), expected, rtol=1e-9, atol=1e-11, strict=True)
        if self.outcome in DIFFERENTIATED:
            weights = self._weights(expected)
            found = self._gradients(out, weights, tensors)
            if device == "cpu":
                self._compare(found, self._differences(weights))
                self._check_forward(found, weights)
            else:
                xp, tensors = self._place("cpu")
                self._compare(found, self._gradients(self.evaluate(xp, tensors), weights, tensors))

    def _place(self, device: str) -> tuple[Any, dict[str, Any]]:
        tensors = {name: pb.asarray(x).to(device) for name, x in self.arguments.items()}
        for name in self.differentiated:
            tensors[name].requires_grad_()
        return next(iter(tensors.values())).__array_namespace__(), tensors

    def _weights(self, like: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(1)
        weights = rng.standard_normal(like.shape)
        if like.dtype.kind == "c":
            weights = weights + 1j * rng.standard_normal(like.shape)
        return np.asarray(weights, dtype=like.dtype)

    def _gradients(self, out: Any, weights: np.ndarray, tensors: dict[str, Any]) -> list[np.ndarray]:
        """By pullback: the vjp for the cotangent `weights`."""
        wanted = [tensors[name] for name in self.differentiated]
        cotangent = pb.asarray(weights).to(out.device)
        found = pb.autograd.grad(out, wanted, cotangent, allow_unused=True, materialize_grads=True)
        return [np.asarray(grad.to("cpu").numpy()) for grad in found]

    def _check_forward(self, gradients: list[np.ndarray], weights: np.ndarray) -> None:
        """The jvp along random directions agrees with the vjp."""
        rng = np.random.default_rng(2)
        points = [self.arguments[name] for name in self.differentiated]
        directions = [np.asarray(rng.standard_normal(x.shape) * (1 + 1j), dtype=complex) for x in points]
        directions = [d if x.dtype.kind == "c" else d.real for d, x in zip(directions, points, strict=True)]
        constants = {n: pb.asarray(x) for n, x in self.arguments.items() if n not in self.differentiated}

        def call(*values: Any) -> Any:
            arguments = constants | dict(zip(self.differentiated, values, strict=True))
            return self.evaluate(values[0].__array_namespace__(), arguments)

        _, tangent = pb.func.jvp(call, tuple(map(pb.asarray, points)), tuple(map(pb.asarray, directions)))
        if self.reverse_only:
            assert np.all(np.isnan(tangent.detach().numpy()))
            return
        forward = inner(weights, tangent.detach().numpy())
        reverse = sum(inner(g, d) for g, d in zip(gradients, directions, strict=True))
        assert forward == pytest.approx(reverse, rel=1e-9, abs=1e-9)

    def _differences(self, weights: np.ndarray) -> list[np.ndarray]:
        """By finite differences."""

        def value(*arrays: np.ndarray) -> float:
            return inner(weights, self.evaluate(reference, dict(zip(self.arguments, arrays, strict=True))))

        points = list(self.arguments.values())
        return [gradient(value, points, list(self.arguments).index(name)) for name in self.differentiated]

    def _compare(self, found: list[np.ndarray], expected: list[np.ndarray]) -> None:
        for name, mine, theirs in zip(self.differentiated, found, expected, strict=True):
            scale = max(1.0, float(np.max(np.abs(theirs), initial=0.0)))
            np.testing.assert_allclose(
                mine, theirs, rtol=0, atol=self.tolerance * scale, err_msg=f"gradient by {name}", strict=True
            )
        assert any(np.any(theirs != 0) for theirs in expected), "a gradient of zeros shows nothing"
