"""V16-V19: kinks by the published table and by convex analysis; what a non-finite cotangent may touch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb

from pullback_conformance.checks.base import (
    Check,
    Measure,
    Mismatch,
    both,
    differentiable,
    largest,
    require,
    smooth,
    tagged,
    worst,
)
from pullback_conformance.oracles import differences
from pullback_conformance.placing import host, place
from pullback_conformance.problem import Problem
from pullback_conformance.samples import Twice
from pullback_conformance.spec import Kink, OpSpec, Sample

CONTAINED = 1e-4
_COTANGENT = -3.0


def table(problem: Problem) -> Measure:
    """The gradient at a kink, with a cotangent that is not 1, is the table's."""
    kink: Kink = problem.sample.expect
    leaves = problem.tensors()
    out = problem.run(leaves)[0]
    grads = pb.autograd.grad(
        out, [leaves[i] for i in problem.wrt], pb.full_like(out, _COTANGENT), materialize_grads=True
    )
    if len(grads) != len(kink.grads):
        raise Mismatch(f"{len(grads)} gradients, the table has {len(kink.grads)}")
    measures = []
    for n, (grad, right) in enumerate(zip(grads, kink.grads, strict=True)):
        expected = _COTANGENT * np.asarray(right)
        measures.append(
            require(
                problem,
                f"the gradient of argument {n}",
                host(grad),
                expected,
                64 * problem.eps * largest(expected),
                "the table",
            )
        )
    return worst(measures)


def pushed(problem: Problem) -> Measure:
    """Forward mode chooses as the table does: the sum of J t is <table, t>."""
    kink: Kink = problem.sample.expect
    found = sum(float(np.sum(host(t))) for t in problem.jvp(problem.tangents)[:1])
    terms = [np.asarray(g) * t for g, t in zip(kink.grads, problem.tangents, strict=True)]
    expected = sum(float(np.sum(term)) for term in terms)
    size = sum(float(np.sum(np.abs(term))) for term in terms)
    return require(problem, "the sum of J t", found, expected, 64 * problem.eps * max(1.0, size), "<table, t>")


def contained(problem: Problem) -> Measure:
    """For random directions d: f'(x; d) and -f'(x; -d) enclose <g, d>. No convention is needed to say so."""
    leaves = problem.tensors()
    out = problem.run(leaves)[0]
    rng = problem.rng("containment")
    weights = np.ones(tuple(out.shape))
    grads = [
        host(g)
        for g in pb.autograd.grad(
            out,
            [leaves[i] for i in problem.wrt],
            place(weights.astype(out.dtype.name), problem.device),
            materialize_grads=True,
        )
    ]
    for _ in range(64):
        directions = [problem.normal(x, rng) for x in problem.points]

        def along(t: float, directions: list[np.ndarray] = directions) -> float:
            moved = (x + t * d for x, d in zip(problem.points, directions, strict=True))
            return float(np.sum(problem.reference(*moved)[0]))

        right, left = differences.one_sided(along)
        found = sum(differences.inner(g, d) for g, d in zip(grads, directions, strict=True))
        if not min(left, right) - CONTAINED <= found <= max(left, right) + CONTAINED:
            raise Mismatch(
                f"<g, d> = {found:.6g} is not between the one-sided slopes {left:.6g} and {right:.6g}: no subgradient",
                cause="a tie gives its gradient to more than one, or to none",
            )
    return Measure(0.0, CONTAINED / problem.eps)


def local(problem: Problem) -> Measure:
    """A NaN in the cotangent of one entry reaches only inputs that reach this entry."""
    reach = [k for k in problem.floating if problem.expected[k].size]
    if not reach:
        return Measure()
    poisoned = [np.array(v, copy=True) for v in problem.cotangents]
    spot = problem.floating.index(reach[0])
    flat = int(problem.rng("spot").integers(poisoned[spot].size))
    poisoned[spot].flat[flat] = np.nan
    clean = [np.array(v, copy=True) for v in problem.cotangents]
    clean[spot].flat[flat] = 0
    wrt = [problem.leaves[i] for i in problem.wrt]
    found, right = (
        [host(g) for g in problem.pull(problem.outs, wrt, cts, retain_graph=True)] for cts in (poisoned, clean)
    )
    for n, i in enumerate(problem.wrt):
        touched = _reached(problem, n, reach[0], flat)
        outside = np.where(touched, 0, found[n])
        require(problem, f"the gradient of argument {i} away from the NaN", outside, np.where(touched, 0, right[n]),
                64 * problem.eps * max(1.0, largest(right[n])), "what it is without the NaN")  # fmt: skip
    return Measure()


def _reached(problem: Problem, n: int, result: int, flat: int) -> np.ndarray:
    """Which entries of input `n` one entry of a result depends on: it changes with them."""
    x = problem.points[n]
    base = problem.expected[result].flat[flat]
    touched = np.zeros(x.shape, dtype=bool)
    for index in np.ndindex(*x.shape):
        moved = x.copy()
        moved[index] += 0.01 + 0.02j if np.iscomplexobj(x) else 0.01
        points: list[Any] = [*problem.points[:n], moved, *problem.points[n + 1 :]]
        touched[index] = bool(problem.reference(*points)[result].flat[flat] != base)
    return touched


def finite(problem: Problem) -> Measure:
    """At huge and tiny finite arguments, gradients are no NaN where the derivative exists."""
    for i, grad in zip(problem.wrt, problem.host_grads, strict=True):
        if not np.isfinite(grad).all():
            raise Mismatch(
                f"the gradient of argument {i} is not finite at finite arguments: {grad}", cause="an overflow, or 0/0"
            )
    return Measure()


def _contained(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return sample.expect.contained and dtype == "float64"


def _finite(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return all(np.isfinite(g).all() for g in sample.expect.grads) and _representable(spec, sample, dtype)


def _representable(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return dtype == "float64" or all(largest(x) < 1e30 for x in sample.args)


def _local(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    twice = any(x is Twice for x in sample.args)  # x - x never changes, but its gradients are those of either place
    return spec.kind in ("elementwise", "structural") and dtype == "float64" and not twice


def _smooth_claim(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return differentiable(sample, dtype)


CHECKS = [
    Check(
        "V16.kink",
        "At a kink the gradient is the published table's.",
        3,
        table,
        both(tagged("kink", "vjp"), _representable),
        "the table",
    ),
    Check(
        "J05.kink",
        "At a kink forward mode chooses as the published table does.",
        3,
        pushed,
        both(tagged("kink", "vjp", "jvp"), _finite),
        "the table",
    ),
    Check(
        "V17.contained",
        "At a kink the gradient lies between the one-sided slopes.",
        3,
        contained,
        both(tagged("kink", "vjp"), _contained),
        "convex analysis",
    ),
    Check(
        "V18.local", "A NaN in a cotangent reaches only what reaches its entry.", 3, local, both(smooth("vjp"), _local)
    ),
    Check("V19.finite", "Gradients are finite at finite smooth points.", 3, finite, both(smooth("vjp"), _smooth_claim)),
]
