"""V: the vector-Jacobian product: what it returns, what it leaves alone, and its algebra."""

from __future__ import annotations

import numpy as np

from pullback_conformance.checks.base import (
    Check,
    Measure,
    Mismatch,
    both,
    largest,
    repeats,
    require,
    smooth,
    tagged,
    worst,
)
from pullback_conformance.checks.values import difference_gate
from pullback_conformance.oracles import differences
from pullback_conformance.placing import host, place
from pullback_conformance.problem import DOUBLE, Blocked, Problem, misfit
from pullback_conformance.spec import OpSpec, Sample


def runs(problem: Problem) -> Measure:
    """An exception of any kind, but for the engine's refusal of a cotangent that does not fit: that is V02 or V03."""
    try:
        problem.grads  # noqa: B018  the VJP runs
    except Blocked as error:
        if not misfit(error):
            raise Mismatch(str(error)) from error
    return Measure()


def shape(problem: Problem) -> Measure:
    if misfit(problem.refusal) == "shape":
        raise Mismatch(str(problem.refusal), cause="a sum over broadcast axes, or keepdims, is missing")
    for i, grad in zip(problem.wrt, problem.grads, strict=True):
        for shape in (tuple(grad.shape), host(grad).shape):  # what it says, and what it holds
            if shape != problem.inputs[i].shape:
                raise Mismatch(
                    f"the gradient of argument {i} has shape {shape}, its argument {problem.inputs[i].shape}",
                    cause="a sum over broadcast axes, or keepdims, is missing",
                )
    return Measure()


def dtype(problem: Problem) -> Measure:
    """Real for real: a gradient has the dtype of its argument, also where the result is complex."""
    if misfit(problem.refusal) == "dtype":
        raise Mismatch(str(problem.refusal), cause="a cast, or the real part for a real argument, is missing")
    for i, grad in zip(problem.wrt, problem.grads, strict=True):
        for dtype in (grad.dtype.name, str(host(grad).dtype)):
            if dtype != str(problem.inputs[i].dtype):
                raise Mismatch(
                    f"the gradient of argument {i} has dtype {dtype}, its argument {problem.inputs[i].dtype}"
                )
    return Measure()


def device(problem: Problem) -> Measure:
    for i, grad in zip(problem.wrt, problem.grads, strict=True):
        if str(grad.device) != problem.device:
            raise Mismatch(f"the gradient of argument {i} is on {grad.device}, its argument on {problem.device}")
    return Measure()


def linear(problem: Problem) -> Measure:
    """VJP(2v + 3w) = 2 VJP(v) + 3 VJP(w)."""
    rng = problem.rng("linearity")
    others = [problem.normal(v, rng) for v in problem.cotangents]
    wrt = [problem.leaves[i] for i in problem.wrt]
    mixed = [np.asarray(2 * v + 3 * w, dtype=v.dtype) for v, w in zip(problem.cotangents, others, strict=True)]
    first = problem.host_grads
    second, third = (
        [host(g) for g in problem.pull(problem.outs, wrt, cts, retain_graph=True)] for cts in (others, mixed)
    )
    measures = []
    for n, i in enumerate(problem.wrt):
        right = 2 * first[n] + 3 * second[n]
        size = max(largest(first[n]), largest(second[n]), 1.0) * max(1, max((v.size for v in mixed), default=1))
        gate = 64 * problem.eps * size * max(problem.spec.tol.get(problem.dtype, 16.0) / 16, 1.0)
        measures.append(
            require(problem, f"VJP(2v + 3w) for argument {i}", third[n], right, gate, "2 VJP(v) + 3 VJP(w)")
        )
    return worst(measures)


def zero(problem: Problem) -> Measure:
    wrt = [problem.leaves[i] for i in problem.wrt]
    grads = problem.pull(problem.outs, wrt, [np.zeros_like(v) for v in problem.cotangents], retain_graph=True)
    for i, grad in zip(problem.wrt, grads, strict=True):
        require(problem, f"VJP(0) for argument {i}", host(grad), np.zeros(problem.inputs[i].shape), 0.0, "exact zero")
    return Measure()


def pure(problem: Problem) -> Measure:
    """A VJP changes neither arguments nor results nor cotangents, and gives the same a second time."""
    leaves = problem.tensors()
    outs = problem.run(leaves)
    cotangents = [place(v, problem.device) for v in problem.cotangents]
    before = [host(out) for out in outs]
    wrt = [leaves[i] for i in problem.wrt]
    first = [host(g) for g in problem.pull(outs, wrt, cotangents, retain_graph=True)]
    second = [host(g) for g in problem.pull(outs, wrt, cotangents, retain_graph=True)]
    for i, x in enumerate(problem.inputs):
        if isinstance(x, np.ndarray):
            require(problem, f"argument {i} afterwards", host(leaves[i]), x, 0.0, "its value before")
    for k, (out, was) in enumerate(zip(outs, before, strict=True)):
        require(problem, f"result {k} afterwards", host(out), was, 0.0, "its value before")
    for v, was in zip(cotangents, problem.cotangents, strict=True):
        require(problem, "the cotangent afterwards", host(v), was, 0.0, "its value before")
    pairs = zip(first, second, strict=True)
    return worst([repeats(problem, "the second VJP", b, a, "the first") for a, b in pairs])


def unaliased(problem: Problem) -> Measure:
    """Writing to one gradient changes no other, no argument, no result and no cotangent."""
    leaves = problem.tensors()
    outs = problem.run(leaves)
    cotangents = [place(v, problem.device) for v in problem.cotangents]
    grads = problem.pull(outs, [leaves[i] for i in problem.wrt], cotangents, retain_graph=True)
    bystanders = [*(x for x in leaves if hasattr(x, "_node")), *outs, *cotangents]
    for n, grad in enumerate(grads):
        rest = [g for m, g in enumerate(grads) if m != n] + bystanders
        before = [host(x) for x in rest]
        grad += 1  # noqa: PLW2901  in place, on purpose
        for x, was in zip(rest, before, strict=True):
            what = f"something else, after writing to the gradient of argument {problem.wrt[n]},"
            require(problem, what, host(x), was, 0.0, "its value before")
    return Measure()


def layout(problem: Problem) -> Measure:
    plain = Problem(problem.spec, Sample(problem.sample.id, problem.sample.args, problem.sample.kwargs), problem.dtype,
                    problem.device, problem.seed)  # fmt: skip
    plain.inputs = problem.inputs
    gate = 16 * problem.eps * max(1.0, *(largest(g) for g in plain.host_grads))
    return worst(
        [
            require(problem, "the gradient", a, b, gate, "the same from contiguous memory")
            for a, b in zip(problem.host_grads, plain.host_grads, strict=True)
        ]
    )


def subset(problem: Problem) -> Measure:
    """The gradient of one argument alone is that of it among all."""
    measures = []
    for n, i in enumerate(problem.wrt):
        leaves = problem.tensors(requires=[i])
        (found,) = problem.pull(problem.run(leaves), [leaves[i]], problem.cotangents)
        gate = 16 * problem.eps * max(1.0, largest(problem.host_grads[n]))
        measures.append(
            require(
                problem, f"the gradient of argument {i} alone", host(found), problem.host_grads[n], gate, "among all"
            )
        )
    return worst(measures)


def missing(problem: Problem) -> Measure:
    """A cotangent for one of several results only: as zeros for the others."""
    if len(problem.floating) < 2:
        return Measure()
    wrt = [problem.leaves[i] for i in problem.wrt]
    measures = []
    for chosen in range(len(problem.floating)):
        if not problem.outs[problem.floating[chosen]].requires_grad:
            continue
        alone = [v if k == chosen else None for k, v in enumerate(problem.cotangents)]
        zeros = [v if k == chosen else np.zeros_like(v) for k, v in enumerate(problem.cotangents)]
        found, right = (
            [host(g) for g in problem.pull(problem.outs, wrt, cts, retain_graph=True)] for cts in (alone, zeros)
        )
        for a, b in zip(found, right, strict=True):
            gate = 16 * problem.eps * max(1.0, largest(b))
            measures.append(
                require(problem, f"with a cotangent for result {chosen} alone", a, b, gate, "zeros for the others")
            )
    return worst(measures)


def integer(problem: Problem) -> Measure:
    """An integer argument gets no gradient; the other one gets the right one."""
    leaves = problem.tensors()
    outs = problem.run(leaves)
    if not outs[0].requires_grad:
        raise Mismatch("the result does not require grad, though a floating argument does")
    (n,) = range(len(problem.wrt))
    found = host(problem.pull(outs, [leaves[problem.wrt[n]]], problem.cotangents)[0])
    slope = differences.gradient(problem.loss, problem.points, n)
    return require(
        problem, "the gradient beside an integer", found, slope.value, difference_gate(slope.value), "differences"
    )


def deterministic(problem: Problem) -> Measure:
    again = problem.tensors()
    found = problem.pull(problem.run(again), [again[i] for i in problem.wrt], problem.cotangents)
    pairs = zip(problem.host_grads, found, strict=True)
    return worst([repeats(problem, "the gradient", host(b), a, "the first run") for a, b in pairs])


def constant(problem: Problem) -> Measure:
    """An op that claims no derivative: its results do not require grad, or their VJP raises NotImplementedError."""
    leaves = [place(x, problem.device) if isinstance(x, np.ndarray) else x for x in problem.inputs]
    floats = [x for x in leaves if hasattr(x, "dtype") and x.dtype.name in DOUBLE]
    for x in floats:
        x.requires_grad_()
    try:
        outs = problem.run(leaves)
        for k, out in enumerate(outs):
            if out.requires_grad and problem.spec.kind in ("constant", "creation"):
                raise Mismatch(f"result {k} requires grad, though no derivative is claimed")
            if out.requires_grad:
                problem.pull(outs, floats, [np.ones(tuple(out.shape), out.dtype.name) for out in outs])
                raise Mismatch(f"the VJP of result {k} works, though it is not claimed")
    except NotImplementedError:
        pass
    return Measure()


def _double(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return dtype in ("float64", "complex128")


def _laid_out(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return sample.layout != "C"


def _unclaimed(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return "vjp" not in spec.claims and sample.tag == "smooth"


VJP = smooth("vjp")
CHECKS = [
    Check("V01.runs", "The VJP runs.", 1, runs, VJP),
    Check("V02.shape", "One gradient per argument, of its shape.", 1, shape, VJP),
    Check("V03.dtype", "A gradient has the dtype of its argument; real for real.", 1, dtype, VJP),
    Check("V04.device", "A gradient is where its argument is.", 1, device, VJP),
    Check("V10.linear", "The VJP is linear in the cotangent.", 1, linear, VJP, "O7 algebra"),
    Check("V11.zero", "A zero cotangent gives exact zeros.", 1, zero, VJP, "O7 algebra"),
    Check("V12.pure", "The VJP changes nothing that it reads, and repeats itself.", 1, pure, VJP),
    Check("V13.alias", "Gradients share no memory with anything.", 1, unaliased, VJP),
    Check("V14.layout", "The gradient does not depend on how memory lies.", 3, layout, both(VJP, _laid_out)),
    Check("V20.subset", "The gradient of one argument alone is that of it among all.", 3, subset, VJP),
    Check("V21.missing", "A missing cotangent is a zero cotangent.", 3, missing, VJP),
    Check(
        "V22.integer",
        "Integers get no gradient, and disturb no other.",
        3,
        integer,
        both(tagged("integer", "vjp"), _double),
        "O1 differences",
    ),
    Check("V23.deterministic", "The same twice.", 4, deterministic, VJP),
    Check("V24.unclaimed", "What is not claimed is refused.", 3, constant, both(smooth(), _unclaimed)),
]
