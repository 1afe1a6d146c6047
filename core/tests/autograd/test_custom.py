"""custom_derivative: both rules are used, in every mode and order, and nothing is differentiated behind them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.errors import ArgumentError, CotangentError, NoDerivativeError, OverwrittenError

custom_derivative = pb.autograd.custom_derivative


def times(x: Any, y: Any) -> Any:
    """x * sin(y), computed by ops without a derivative of their own in the graph."""
    return x * pb.sin(y)


def rules(log: list[str]) -> dict[str, Any]:
    def vjp(ct: Any, out: Any, x: Any, y: Any) -> Any:
        log.append("vjp")
        return ct * pb.sin(y), ct * x * pb.cos(y)

    def jvp(tangents: Any, out: Any, x: Any, y: Any) -> Any:
        log.append("jvp")
        return tangents[0] * pb.sin(y) + tangents[1] * x * pb.cos(y)

    return {"vjp": vjp, "jvp": jvp}


def points(device: str, *, requires_grad: bool = False) -> tuple[Any, Any]:
    return tuple(tensor(np.asarray(v), device, requires_grad=requires_grad) for v in ([0.5, 1.5], [2.0, -1.0]))  # type: ignore[return-value]


def test_each_mode_runs_its_rule(device: str) -> None:
    log: list[str] = []
    function = custom_derivative(**rules(log))(times)
    x, y = points(device, requires_grad=True)
    function(x, y).sum().backward()
    assert log == ["vjp"]
    plain = pb.autograd.grad(times(x, y).sum(), (x, y))
    for t, expected in zip((x, y), plain, strict=True):
        np.testing.assert_allclose(host(t.grad), host(expected), rtol=1e-14)
    tangents = points(device)
    out, tangent = pb.func.jvp(function, points(device), tangents)
    assert log == ["vjp", "jvp"]
    for found, expected in zip((out, tangent), pb.func.jvp(times, points(device), tangents), strict=True):
        np.testing.assert_allclose(host(found), host(expected), rtol=1e-14)


def test_the_derivatives_agree_to_second_order_in_all_modes() -> None:
    function = custom_derivative(**rules([]))(times)
    assert pb.autograd.gradcheck(function, points("cpu", requires_grad=True), check_forward_ad=True)
    assert pb.autograd.gradgradcheck(function, points("cpu", requires_grad=True), check_fwd_over_rev=True)
    batches = tuple(pb.stack([p, p + 1]) for p in points("cpu"))
    np.testing.assert_allclose(host(pb.func.vmap(function)(*batches)), host(times(*batches)), rtol=1e-14)
    slopes = pb.func.vmap(pb.func.grad(lambda x, y: function(x, y).sum()))(*batches)
    np.testing.assert_allclose(host(slopes), host(pb.sin(batches[1])), rtol=1e-14)


def test_a_mode_without_a_rule_is_refused(device: str) -> None:
    x, y = points(device, requires_grad=True)
    both = rules([])
    with pytest.raises(NoDerivativeError, match="times defines no backward"):
        custom_derivative(jvp=both["jvp"])(times)(x, y).sum().backward()
    with pytest.raises(NoDerivativeError, match="times defines no jvp"):
        pb.func.jvp(custom_derivative(vjp=both["vjp"])(times), points(device), points(device))
    with pytest.raises(ArgumentError, match="vjp, jvp, or both"):
        custom_derivative()


def test_nested_arguments_numbers_and_several_results(device: str) -> None:
    @custom_derivative(
        vjp=lambda cts, out, p, n: ({"w": n * cts[0] + cts[1], "b": cts[0]}, None),
        jvp=lambda ts, out, p, n: (n * ts[0]["w"] + ts[0]["b"], ts[0]["w"]),
    )
    def affine(p: dict[str, Any], n: int = 3) -> Any:
        """n * w + b, and w."""
        return n * p["w"] + p["b"], p["w"] * 1

    w, b = points(device, requires_grad=True)
    first, second = affine({"w": w, "b": b})
    (first.sum() + 10 * second.sum()).backward()
    assert host(w.grad).tolist() == [13.0, 13.0]
    assert host(b.grad).tolist() == [1.0, 1.0]
    assert host(pb.autograd.grad(affine({"w": w, "b": b}, n=5)[0].sum(), w)[0]).tolist() == [5.0, 5.0]
    _, tangents = pb.func.jvp(lambda w: affine({"w": w, "b": b.detach()}), (w.detach(),), (pb.ones_like(w),))
    assert [host(t).tolist() for t in tangents] == [[3.0, 3.0], [1.0, 1.0]]
    assert (affine.__name__, affine.__doc__) == ("affine", "n * w + b, and w.")


def test_an_argument_that_was_written_is_noticed_and_a_wrong_rule_named(device: str) -> None:
    x, y = points(device, requires_grad=True)
    z = x * 1
    out = custom_derivative(**rules([]))(times)(z, y).sum()
    z.detach().mul_(2)
    with pytest.raises(OverwrittenError):
        out.backward()
    with pytest.raises(CotangentError, match=r"times.backward returned 1 cotangents for 2 arguments"):
        custom_derivative(vjp=lambda ct, out, x, y: ct)(times)(x, y).sum().backward()


def test_an_argument_that_has_no_place_in_the_rules_is_refused() -> None:
    with pytest.raises(ArgumentError, match="scale can be given by keyword only"):

        @custom_derivative(vjp=lambda ct, out, x: ct)
        def f(x: Any, *, scale: float = 2.0) -> Any:
            return x * scale
