"""J: the Jacobian-vector product, alone and together with the VJP."""

from __future__ import annotations

import numpy as np
import pullback as pb

from pullback_conformance.checks.base import Check, Measure, Mismatch, both, largest, require, smooth, worst
from pullback_conformance.checks.values import decided, difference_gate
from pullback_conformance.oracles import differences
from pullback_conformance.placing import host, place
from pullback_conformance.problem import Problem
from pullback_conformance.spec import OpSpec, Sample


def slope(problem: Problem) -> Measure:
    """Shape, dtype and device of a tangent are those of its result; its values are those of a difference."""
    measures = []
    for n, k in enumerate(problem.floating):
        pushed, out = problem.pushed[n], host(problem.outs[k])
        if (pushed.shape, pushed.dtype) != (out.shape, out.dtype):
            raise Mismatch(
                f"the tangent of result {k} is {pushed.shape} {pushed.dtype}, the result {out.shape} {out.dtype}"
            )
        found = differences.along(lambda *xs, k=k: problem.reference(*xs)[k], problem.points, problem.tangents)
        gate = difference_gate(found.value)
        decided(found, gate, f"the slope of result {k}")
        measures.append(
            require(problem, f"the tangent of result {k}", pushed, found.value, gate, "fourth-order differences")
        )
    return worst(measures)


def dot(problem: Problem) -> Measure:
    """<v, J u> = <VJP(v), u>, in any dtype, with v and u Gaussian."""
    left = [(v, t) for v, t in zip(problem.cotangents, problem.pushed, strict=True)]
    right = [(g, u) for g, u in zip(problem.host_grads, problem.tangents, strict=True)]
    wide = [(a.astype(complex), b.astype(complex)) for a, b in (*left, *right)]
    size = sum(float(np.sum(np.abs(a) * np.abs(b))) for a, b in wide)
    found = sum(differences.inner(a, b) for a, b in wide[: len(left)])
    other = sum(differences.inner(a, b) for a, b in wide[len(left) :])
    loose = max(1.0, problem.spec.tol.get(problem.dtype, 16.0) / 16)
    return require(problem, "<v, J u>", found, other, 32 * problem.eps * max(1.0, size) * loose, "<VJP(v), u>")


def linearized(problem: Problem) -> Measure:
    """JVP(2u + 3w) = 2 JVP(u) + 3 JVP(w)."""
    rng = problem.rng("tangents again")
    others = [problem.normal(u, rng) for u in problem.tangents]
    second = [host(t) for t in problem.jvp(others)]
    mixed = [np.asarray(2 * u + 3 * w, dtype=u.dtype) for u, w in zip(problem.tangents, others, strict=True)]
    third = [host(t) for t in problem.jvp(mixed)]
    measures = []
    for k, (a, b, c) in enumerate(zip(problem.pushed, second, third, strict=True)):
        terms = max((u.size for u in problem.tangents), default=1)
        loose = max(1.0, problem.spec.tol.get(problem.dtype, 16.0) / 16)
        gate = 64 * problem.eps * max(1.0, largest(a), largest(b)) * max(1, terms) * loose
        measures.append(require(problem, f"JVP(2u + 3w) of result {k}", c, 2 * a + 3 * b, gate, "2 JVP(u) + 3 JVP(w)"))
    return worst(measures)


def refused(problem: Problem) -> Measure:
    """A JVP that is not claimed raises NotImplementedError."""
    tensors = [place(x, problem.device) if isinstance(x, np.ndarray) else x for x in problem.inputs]
    places = [i for i, x in enumerate(problem.inputs) if isinstance(x, np.ndarray) and x.dtype.kind in "fc"]

    def function(*xs: object) -> object:
        given = list(tensors)
        for i, x in zip(places, xs, strict=True):
            given[i] = x
        return tuple(problem.run(given))

    primals = tuple(tensors[i] for i in places)
    try:
        pb.func.jvp(function, primals, tuple(pb.ones_like(x) for x in primals))
    except NotImplementedError:
        return Measure()
    raise Mismatch("the JVP works, though it is not claimed")


def _unclaimed(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return bool(spec.claims) and "jvp" not in spec.claims and sample.tag == "smooth"


CHECKS = [
    Check(
        "J01.fd",
        "The JVP equals a fourth-order difference along the tangent.",
        2,
        slope,
        smooth("jvp", double=True),
        "O1 differences",
    ),
    Check(
        "J02.dot", "Forward and reverse mode are each other's transpose.", 2, dot, smooth("vjp", "jvp"), "O4 dot test"
    ),
    Check("J03.linear", "The JVP is linear in the tangent.", 2, linearized, smooth("jvp"), "O7 algebra"),
    Check("J04.unclaimed", "A JVP that is not claimed is refused.", 3, refused, both(smooth(), _unclaimed)),
]
