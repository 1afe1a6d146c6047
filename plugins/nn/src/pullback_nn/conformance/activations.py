"""The rows of the activations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pullback_conformance import Arg, Domain, Kink, OpSpec, case

from pullback_nn.conformance import definitions as d
from pullback_nn.conformance.rows import AWAY, TOLERANCE, WIDE, claimed, each


def _softplus(np: Any, x: Any) -> Any:
    return np.logaddexp(x, 0.0)


def _sigmoid(np: Any, x: Any) -> Any:
    return np.exp(-np.logaddexp(0.0, -x))


def activations() -> Iterator[OpSpec]:
    """Elementwise functions, and those along an axis."""
    yield each("relu", lambda np, x: np.where(x > 0, x, 0.0), AWAY, kinks=[Kink((0.0,), (0.0,))])
    yield each("relu6", lambda np, x: np.clip(x, 0, 6), AWAY, kinks=[Kink((0.0,), (0.0,)), Kink((6.0,), (0.0,))])
    yield each(
        "hardtanh",
        lambda np, x, **_: np.clip(x, -1, 1),
        Domain.real(0.1, 0.9, shape_of="signed"),
        kinks=[Kink((-1.0,), (0.0,)), Kink((1.0,), (0.0,))],
    )
    yield each(
        "leaky_relu",
        lambda np, x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
        AWAY,
        kwargs={"negative_slope": [0.01, 0.3]},
        kinks=[Kink((0.0,), (0.01,))],
    )
    yield each(
        "elu", lambda np, x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)), AWAY, kwargs={"alpha": [1.0, 0.5]}
    )
    yield each(
        "celu",
        lambda np, x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x / alpha)),
        AWAY,
        kwargs={"alpha": [1.0, 0.5]},
    )
    yield each("selu", lambda np, x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)), AWAY)
    yield each("gelu", lambda np, x: x * 0.5 * (1 + d.erf(np, x / np.sqrt(2))), Domain.real(-3, 3), tol=TOLERANCE)
    yield each("silu", lambda np, x: x * _sigmoid(np, x), tol=TOLERANCE)
    yield each("mish", lambda np, x: x * np.tanh(_softplus(np, x)), tol=TOLERANCE)
    yield each("softplus", lambda np, x: _softplus(np, x))
    yield each("sigmoid", lambda np, x: _sigmoid(np, x))
    yield each("logsigmoid", lambda np, x: -_softplus(np, -x))
    yield each("tanh", lambda np, x: np.tanh(x))
    yield each("tanhshrink", lambda np, x: x - np.tanh(x), AWAY, tol=TOLERANCE)
    yield each("softsign", lambda np, x: x / (1 + abs(x)), AWAY)
    yield each(
        "hardsigmoid", lambda np, x: np.clip(x / 6 + 0.5, 0, 1), kinks=[Kink((-3.0,), (0.0,)), Kink((3.0,), (0.0,))]
    )
    yield each(
        "hardswish", lambda np, x: x * np.clip(x / 6 + 0.5, 0, 1), Domain.real(0.2, 1.2), kinks=[Kink((-3.0,), (0.0,))]
    )
    yield each("hardshrink", lambda np, x: np.where(abs(x) > 0.5, x, 0.0), Domain.real(0.7, 2, shape_of="signed"))
    yield each(
        "softshrink",
        lambda np, x: np.sign(x) * np.maximum(abs(x) - 0.5, 0),
        Domain.real(0.7, 2, shape_of="signed"),
        kinks=[Kink((0.5,), (0.0,))],
    )
    yield claimed(
        "threshold", lambda np, x, a, b: np.where(x > a, x, b), Arg("input", AWAY), cases=[case((3, 2), 0.1, 7.0)]
    )
    yield claimed("rrelu", lambda np, x: np.where(x > 0, x, x * 11 / 48), Arg("input", AWAY), cases=[case((3, 2))])
    yield claimed(
        "prelu",
        lambda np, x, w: np.where(x > 0, x, x * (w if w.size == 1 else d.per_channel(w, x.ndim))),
        Arg("input", AWAY),
        Arg("weight", WIDE),
        cases=[case((3, 2), (1,)), case((2, 3, 2), (3,)), case((3,), (1,))],
    )
    yield claimed(
        "glu",
        lambda np, x, dim=-1: np.split(x, 2, dim)[0] * _sigmoid(np, np.split(x, 2, dim)[1]),
        cases=[case((3, 4)), case((4, 3), dim=0)],
    )
    along = [case((3, 4), dim=1), case((3, 4), dim=0), case((2, 3, 2), dim=-2), case((4,), dim=0)]
    yield claimed("softmax", lambda np, x, dim: d.softmax(np, x, dim), cases=along)
    yield claimed("softmin", lambda np, x, dim: d.softmax(np, -x, dim), cases=along)
    yield claimed("log_softmax", lambda np, x, dim: np.log(d.softmax(np, x, dim)), cases=along)
