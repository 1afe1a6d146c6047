"""The rows of the losses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pullback_conformance import Arg, Domain, Kink, OpSpec, case

from pullback_nn.conformance import definitions as d
from pullback_nn.conformance.rows import AWAY, POSITIVE, UNIT, WIDE, Reference, claimed


def losses() -> Iterator[OpSpec]:
    """Losses, distances and similarities."""
    pair = (Arg("input", WIDE), Arg("target", Domain.real(2.5, 4.0)))
    shapes = [case((3, 2), (3, 2)), case((4,), (4,))]
    every = [*shapes, case((3, 2), (3, 2), reduction="sum"), case((3, 2), (3, 2), reduction="none")]

    def loss(name: str, of: Reference, *args: Arg, cases: Any = tuple(every), **options: Any) -> OpSpec:
        def reference(np: Any, *arrays: Any, reduction: str = "mean", **kwargs: Any) -> Any:
            losses = np.asarray(of(np, *arrays, **kwargs))
            return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()

        return claimed(name, reference, *(args or pair), cases=cases, **options)

    yield loss("mse_loss", lambda np, x, y: (x - y) ** 2)
    yield loss("l1_loss", lambda np, x, y: abs(x - y), kinks=[Kink(([1.0], [1.0]), ([0.0], [0.0]))])
    for name, scale in (("huber_loss", 1.0), ("smooth_l1_loss", 1.0)):
        yield loss(
            name, lambda np, x, y, s=scale: np.where(abs(x - y) < s, 0.5 * (x - y) ** 2, s * (abs(x - y) - 0.5 * s))
        )
    probabilities = (Arg("input", UNIT), Arg("target", UNIT))
    yield loss("binary_cross_entropy", lambda np, p, q: -(q * np.log(p) + (1 - q) * np.log(1 - p)), *probabilities)
    yield loss(
        "binary_cross_entropy_with_logits",
        lambda np, x, q: q * np.logaddexp(0, -x) + (1 - q) * np.logaddexp(0, x),
        Arg("input", WIDE),
        Arg("target", UNIT),
    )
    yield loss("kl_div", lambda np, x, q: q * (np.log(q) - x), Arg("input", WIDE), Arg("target", UNIT))
    yield loss("poisson_nll_loss", lambda np, x, y: np.exp(x) - y * x, Arg("input", WIDE), Arg("target", POSITIVE))
    yield loss(
        "gaussian_nll_loss",
        lambda np, x, y, v: 0.5 * (np.log(v) + (x - y) ** 2 / v),
        Arg("input", WIDE),
        Arg("target", WIDE),
        Arg("var", POSITIVE),
        cases=[case((3, 2), (3, 2), (3, 2))],
    )
    yield loss("soft_margin_loss", lambda np, x, y: np.logaddexp(0, -x * y), Arg("input", WIDE), Arg("target", AWAY))
    signs = _signs(3)
    yield loss(
        "hinge_embedding_loss",
        lambda np, x, y: np.where(y > 0, x, np.maximum(1 - x, 0)),
        Arg("input", UNIT),
        Arg("target"),
        cases=[case((3,), signs)],
    )
    yield loss(
        "margin_ranking_loss",
        lambda np, a, b, y: np.maximum(-y * (a - b), 0),
        Arg("input1", POSITIVE),
        Arg("input2", Domain.real(2.5, 3.0)),
        Arg("target"),
        cases=[case((3,), (3,), signs)],
    )
    yield loss(
        "cosine_embedding_loss",
        lambda np, a, b, y: np.where(
            y > 0, 1 - _cosine(np, a, b, 1, 1e-12), np.maximum(_cosine(np, a, b, 1, 1e-12), 0)
        ),
        Arg("input1", POSITIVE),
        Arg("input2", POSITIVE),
        Arg("target"),
        cases=[case((3, 2), (3, 2), signs)],
    )
    yield loss(
        "triplet_margin_loss",
        lambda np, a, p, n: np.maximum(_distance(np, a, p) - _distance(np, a, n) + 1, 0),
        Arg("anchor", POSITIVE),
        Arg("positive", Domain.real(2.5, 3.0)),
        Arg("negative", POSITIVE),
        cases=[case((3, 2), (3, 2), (3, 2))],
    )
    vectors = (Arg("x1", POSITIVE), Arg("x2", Domain.real(2.5, 3.5)))
    yield claimed(
        "cosine_similarity",
        lambda np, a, b, dim=1: _cosine(np, a, b, dim),
        *vectors,
        cases=[case((3, 2), (3, 2)), case((3, 2), (3, 2), dim=0)],
    )
    yield claimed("pairwise_distance", _distance, *vectors, cases=[case((3, 2), (3, 2)), case((2,), (2,))])
    yield claimed(
        "normalize",
        lambda np, x, dim=1: x / np.sqrt((x**2).sum(axis=dim, keepdims=True)),
        Arg("input", POSITIVE),
        cases=[case((3, 2)), case((3, 2), dim=0)],
    )
    classes = Arg("target", Domain(0, 2, shape_of="bits"), "integer")
    weight = Arg("weight", POSITIVE)
    chosen = [case((4, 3), (4,)), case((4, 3), (4,), (3,)), case((2, 3, 2), (2, 2), (3,))]
    yield claimed(
        "nll_loss", lambda np, x, t, w=None: d.picked(np, x, t, w), Arg("input", WIDE), classes, weight, cases=chosen
    )
    yield claimed(
        "cross_entropy",
        lambda np, x, t, w=None: d.picked(np, np.log(d.softmax(np, x, 1)), t, w),
        Arg("input", WIDE),
        classes,
        weight,
        cases=chosen,
    )


def _signs(count: int) -> Any:
    """Targets of 1 and -1."""
    import numpy as np  # noqa: PLC0415  rows are read by programs that need no NumPy

    return np.asarray([1, -1] * count)[:count]


def _cosine(np: Any, a: Any, b: Any, axis: int, more: float = 0.0) -> Any:
    """With `more` added to both squares, as PyTorch does in the loss."""
    return (a * b).sum(axis) / np.sqrt(((a * a).sum(axis) + more) * ((b * b).sum(axis) + more))


def _distance(np: Any, a: Any, b: Any) -> Any:
    return np.sqrt(((a - b + 1e-6) ** 2).sum(axis=-1))
