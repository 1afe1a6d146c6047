"""D: second derivatives: the VJP, as a function S(x, v) = Re <u, VJP(x; v)>, against differences of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pullback as pb

from pullback_conformance.checks.base import Check, Measure, Mismatch, both, largest, require, smooth, worst
from pullback_conformance.checks.values import GATE, decided, difference_gate
from pullback_conformance.oracles import differences
from pullback_conformance.placing import host, place
from pullback_conformance.problem import Blocked, Problem
from pullback_conformance.spec import OpSpec, Sample


def pulled(
    problem: Problem, xs: Sequence[Any], vs: Sequence[Any], weights: Sequence[np.ndarray], **options: Any
) -> Any:
    """S on Tensors."""
    outs = problem.run(problem.tensors(points=xs))
    grads = problem.pull(outs, xs, vs, **options)
    return dotted(problem, grads, weights)


def dotted(problem: Problem, xs: Sequence[Any], weights: Sequence[np.ndarray]) -> Any:
    """Re <weights, xs>, as a Tensor."""
    total: Any = 0.0
    for x, weight in zip(xs, weights, strict=True):
        total = total + pb.sum(pb.real(place(np.conj(weight), problem.device) * x))
    return total


def pulled_at(problem: Problem, *points: np.ndarray) -> float:
    """S on NumPy arrays."""
    n = len(problem.wrt)
    layout = problem.sample.layout if problem.sample.layout != "broadcast" else "C"  # whose entries cannot move alone
    xs = [place(x, problem.device, layout).requires_grad_() for x in points[:n]]
    return float(pulled(problem, xs, [place(v, problem.device) for v in points[n:]], problem.tangents).detach())


def second(problem: Problem, weights: Sequence[np.ndarray] | None = None) -> list[np.ndarray]:
    """The gradient of S with respect to x and v, by the engine."""
    n = len(problem.wrt)
    at = [problem.inputs[i] for i in problem.wrt] + problem.cotangents
    leaves = [
        place(x, problem.device, problem.sample.layout if i < n else "C").requires_grad_() for i, x in enumerate(at)
    ]
    total = pulled(problem, leaves[:n], leaves[n:], weights or problem.tangents, create_graph=True)
    if not total.requires_grad:  # a constant, if the rule is right; D01 and D04 tell
        return [np.zeros_like(x) for x in at]
    return [host(g) for g in pb.autograd.grad(total, leaves, materialize_grads=True)]


def _second(problem: Problem) -> list[np.ndarray]:
    """The same, remembered."""
    problem.grads  # noqa: B018  first of all the VJP must run
    kept = vars(problem).get("second_gradients")
    if kept is None:
        kept = vars(problem)["second_gradients"] = second(problem)
    return kept


def entrywise(problem: Problem) -> Measure:
    """Each entry where there are few, a random direction where there are more."""
    found = _second(problem)
    at = [*problem.points, *problem.cotangents]
    if sum(x.size for x in at) <= 8:
        measures = []
        for n in range(len(at)):
            slope = differences.gradient(lambda *xs: pulled_at(problem, *xs), at, n)
            gate = 10 * difference_gate(slope.value)
            decided(slope, gate, "a second derivative")
            measures.append(
                require(
                    problem,
                    f"the second derivative, argument {n}",
                    found[n],
                    slope.value,
                    gate,
                    "differences of the VJP",
                )
            )
        return worst(measures)
    rng = problem.rng("directions")
    directions = [problem.normal(x, rng) for x in at]
    slope = differences.slope(lambda t: pulled_at(problem, *(x + t * d for x, d in zip(at, directions, strict=True))))
    gate = 10 * GATE * max(1.0, abs(float(slope.value)), *(largest(g) for g in found))
    decided(slope, gate, "a second derivative along a direction")
    along = sum(differences.inner(d, g) for d, g in zip(directions, found, strict=True))
    return require(
        problem, "the second derivative along a direction", along, slope.value, gate, "differences of the VJP"
    )


def symmetric(problem: Problem) -> Measure:
    """<w, H u> = <u, H w>."""
    rng = problem.rng("symmetry")
    others = [problem.normal(u, rng) for u in problem.tangents]
    n = len(problem.wrt)
    first, other = _second(problem)[:n], second(problem, others)[:n]
    left = sum(differences.inner(w, g) for w, g in zip(others, first, strict=True))
    right = sum(differences.inner(u, g) for u, g in zip(problem.tangents, other, strict=True))
    size = max(1.0, abs(left), *(largest(g) for g in first)) * max(1, sum(u.size for u in problem.tangents))
    loose = max(1.0, problem.spec.tol.get(problem.dtype, 16.0) / 16)
    return require(problem, "<w, H u>", left, right, 256 * problem.eps * size * loose, "<u, H w>")


def modes(problem: Problem) -> Measure:
    """Forward over reverse gives what reverse over reverse gives."""
    rng = problem.rng("modes")
    directions = [problem.normal(x, rng) for x in problem.tangents]
    found = _second(problem)[: len(problem.wrt)]
    right = sum(differences.inner(d, g) for d, g in zip(directions, found, strict=True))

    def reverse(*xs: Any) -> Any:
        _, pullback = pb.func.vjp(
            lambda *ys: tuple(problem.run(problem.tensors(points=ys))[k] for k in problem.floating), *xs
        )
        return dotted(problem, pullback(tuple(place(v, problem.device) for v in problem.cotangents)), problem.tangents)

    primals = tuple(place(problem.inputs[i], problem.device) for i in problem.wrt)
    _, pushed = pb.func.jvp(reverse, primals, tuple(place(d, problem.device) for d in directions))
    size = max(1.0, abs(right), *(largest(g) for g in found)) * max(1, sum(d.size for d in directions))
    loose = max(1.0, problem.spec.tol.get(problem.dtype, 16.0) / 16)
    return require(
        problem,
        "forward over reverse",
        float(pushed.detach()),
        right,
        256 * problem.eps * size * loose,
        "reverse over reverse",
    )


def connected(problem: Problem) -> Measure:
    """Under create_graph a VJP depends on its cotangent: it requires grad."""
    problem.grads  # noqa: B018  first of all the VJP must run
    leaves = problem.tensors()
    outs = problem.run(leaves)
    cotangents = [place(v, problem.device).requires_grad_() for v in problem.cotangents]
    grads = problem.pull(outs, [leaves[i] for i in problem.wrt], cotangents, create_graph=True)
    reaches = [i for i, g in zip(problem.wrt, problem.host_grads, strict=True) if np.any(g != 0)]
    for i, grad in zip(problem.wrt, grads, strict=True):
        if i in reaches and not grad.requires_grad:
            raise Mismatch(f"the gradient of argument {i} does not depend on the cotangent: computed on raw arrays")
    return Measure()


def refused(problem: Problem) -> Measure:
    """A second derivative that is not claimed raises NotImplementedError."""
    try:
        _second(problem)
    except NotImplementedError:
        return Measure()
    except Blocked as error:
        if isinstance(error.__cause__, NotImplementedError):
            return Measure()
        raise
    raise Mismatch("the second derivative works, though it is not claimed")


def _few(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return sum(x.size for x in sample.args if isinstance(x, np.ndarray)) <= 64


def _unclaimed(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return "vjp" in spec.claims and "double" not in spec.claims and sample.tag == "smooth"


CLAIMED = both(smooth("vjp", "double", double=True), _few)
FORWARD = both(smooth("vjp", "jvp", "double", double=True), _few)
CHECKS = [
    Check("D01.fd", "The second derivative equals a difference of the VJP.", 2, entrywise, CLAIMED, "O1 differences"),
    Check("D02.symmetric", "Second derivatives are symmetric.", 2, symmetric, CLAIMED, "O7 algebra"),
    Check("D03.modes", "Forward over reverse equals reverse over reverse.", 2, modes, FORWARD, "O7 algebra"),
    Check("D04.connected", "A VJP under create_graph depends on its cotangent.", 2, connected, CLAIMED),
    Check(
        "D05.unclaimed",
        "A second derivative that is not claimed is refused.",
        3,
        refused,
        both(smooth(double=True), _unclaimed),
    ),
]
