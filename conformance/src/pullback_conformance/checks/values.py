"""V05-V09, V15, V25: the numbers of a gradient, against oracles that do not know how it was made."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.checks.base import Check, Measure, Undecided, both, largest, require, smooth, worst
from pullback_conformance.oracles import complex_step, differences, exact
from pullback_conformance.oracles.transpose import matrix
from pullback_conformance.placing import host, place
from pullback_conformance.problem import DOUBLE, REAL, Problem
from pullback_conformance.samples import Twice
from pullback_conformance.spec import OpSpec, Sample

GATE = 2e-8
_NOT_COMPLEX_LINEAR = ("vecdot", "irfft", "hfft", "irfftn")
"""Linear over the reals only: they conjugate, or drop an imaginary part."""


def difference_gate(expected: Any) -> Any:
    """2e-8 of each entry, at least of 1 and of a thousandth of the largest."""
    return GATE * np.maximum(np.abs(expected), max(1.0, 1e-3 * largest(expected)))


def decided(slope: differences.Slope, gate: Any, what: str) -> None:
    """`Undecided` where the differences are not as good as their gate."""
    error, bound = np.max(np.asarray(slope.error) / gate, initial=0.0), 1.0
    if error > bound:
        raise Undecided(
            f"{what}: the differences themselves are only good to {error:.1g} of the gate; is there a kink?"
        )


def entrywise(problem: Problem) -> Measure:
    measures = []
    for n, i in enumerate(problem.wrt):
        step = 0.5 if problem.spec.kind in ("linear", "structural") else differences.STEP
        slope = differences.gradient(problem.loss, problem.points, n, step)
        gate = difference_gate(slope.value)
        what = f"the gradient of argument {i}"
        found = problem.host_grads[n]
        try:
            decided(slope, gate, what)
        except Undecided:
            if np.all(np.abs(found - slope.value) <= gate):
                raise
            require(problem, what, found, slope.value, gate + 2 * slope.error, "fourth-order differences")
            raise
        measures.append(require(problem, what, found, slope.value, gate, "fourth-order differences"))
    return worst(measures)


def high_precision(problem: Problem) -> Measure:
    """conj(f') * cotangent, summed over broadcast axes, from mpmath."""
    exact_function: Any = problem.spec.exact
    arguments = [np.asarray(x) for x in problem.inputs]
    arguments = [x.astype(DOUBLE.get(str(x.dtype), "float64")) for x in arguments]
    measures = []
    for n, i in enumerate(problem.wrt):
        slopes = exact.partial(exact_function, i, *arguments)
        terms = problem.cotangents[0] * np.conj(slopes)
        if not np.iscomplexobj(arguments[i]):
            terms = np.real(terms)
        right = _summed(terms, arguments[i].shape)
        scale = _summed(np.abs(terms), arguments[i].shape)
        gate = 64 * problem.eps * np.maximum(scale, 1e-300)
        measures.append(require(problem, f"the gradient of argument {i}", problem.host_grads[n], right, gate, "mpmath"))
    return worst(measures)


def _summed(terms: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Undo broadcasting by sums."""
    terms = terms.sum(axis=tuple(range(terms.ndim - len(shape))))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and terms.shape[i] != 1)
    return np.asarray(terms.sum(axis=axes, keepdims=True))


def imaginary(problem: Problem) -> Measure:
    measures = []
    for n, i in enumerate(problem.wrt):
        right = complex_step.gradient(lambda *xs: problem.reference(*xs)[0], problem.points, n, problem.cotangents[0])
        gate = 256 * problem.eps * max(1.0, largest(right))
        measures.append(
            require(problem, f"the gradient of argument {i}", problem.host_grads[n], right, gate, "the complex step")
        )
    return worst(measures)


def transposed(problem: Problem) -> Measure:
    """With integer data: the VJP's matrix is the adjoint of the op's, to the last bit where elements are only moved."""
    exactly = problem.spec.kind == "structural"
    points = [np.rint(4 * x) if exactly else x for x in problem.points]
    inputs = list(problem.inputs)
    for i, x in zip(problem.wrt, points, strict=True):
        inputs[i] = np.asarray(x, dtype=problem.inputs[i].dtype)
    measures = []
    joint = problem.spec.kind != "matrix"
    for n, i in enumerate(problem.wrt):
        others = [0 * x if joint and m != n else x for m, x in enumerate(points)]

        def forward(x: Any, n: int = n, others: list[Any] = others) -> Any:
            outs = problem.reference(*others[:n], x, *others[n + 1 :])
            return np.concatenate([np.ravel(outs[k]) for k in problem.floating])

        right = np.conj(matrix(forward, inputs[i].shape, points[n].dtype)).T
        tensors = [place(x, problem.device) if isinstance(x, np.ndarray) else x for x in inputs]
        leaf = tensors[i].requires_grad_()
        outs = problem.run(tensors)
        rows = []
        sizes = [int(np.prod(outs[k].shape, dtype=int)) for k in problem.floating]
        for j in range(sum(sizes)):
            unit = np.zeros(sum(sizes))
            unit[j] = 1
            parts = np.split(unit, np.cumsum(sizes)[:-1])
            cts = [
                np.reshape(part, tuple(outs[k].shape)).astype(outs[k].dtype.name)
                for part, k in zip(parts, problem.floating, strict=True)
            ]
            rows.append(np.ravel(host(problem.pull(outs, [leaf], cts, retain_graph=True)[0])))
        if not rows or not right.size:
            continue
        found = np.stack(rows, axis=-1)
        if not np.iscomplexobj(inputs[i]):
            right = np.real(right)
        gate = 0.0 if exactly else 8 * problem.eps * max(1.0, largest(right)) * max(found.shape)
        measures.append(require(problem, f"the transpose for argument {i}", found, right, gate, "the op's own matrix"))
    return worst(measures)


def along(problem: Problem) -> Measure:
    """<v, J u> by differences of the reference along u, against <VJP(v), u>."""
    slope = differences.slope(
        lambda t: problem.loss(*(x + t * u for x, u in zip(problem.points, problem.tangents, strict=True)))
    )
    gate = GATE * max(1.0, abs(float(slope.value)), *(largest(g) for g in problem.host_grads))
    decided(slope, gate, "the slope along a direction")
    found = sum(differences.inner(g, u) for g, u in zip(problem.host_grads, problem.tangents, strict=True))
    return require(problem, "<VJP(v), u>", found, slope.value, gate, "a difference along u")


def _in_double(problem: Problem) -> list[np.ndarray]:
    """The gradients on NumPy in double precision, at the same rounded inputs and cotangents."""
    args = [
        x.astype(DOUBLE[str(x.dtype)]) if isinstance(x, np.ndarray) and x.dtype.kind in "fc" else x
        for x in problem.inputs
    ]
    rest = iter(args)
    given = tuple(x if twice else next(rest) for x, twice in zip(problem.sample.args, problem.twice, strict=True))
    wide = Problem(
        problem.spec,
        Sample(problem.sample.id, given, problem.sample.kwargs),
        DOUBLE[problem.dtype],
        "cpu",
        problem.seed,
    )
    wide.cotangents = [v.astype(DOUBLE[str(v.dtype)]) for v in problem.cotangents]
    return wide.host_grads


def _scale(problem: Problem, right: np.ndarray) -> float:
    """What rounding is relative to: the largest gradient, and for sums over broadcast axes the terms of the sums."""
    terms = max((v.size for v in problem.cotangents), default=1) / max(right.size, 1)
    return max(largest(right), 0.05) * max(1.0, terms)


def ladder(problem: Problem) -> Measure:
    """Single precision against double, at the same rounded inputs."""
    loose = max(64.0, problem.spec.tol.get(problem.dtype, 0.0))
    tiny = float(np.finfo(REAL[problem.dtype]).tiny)
    measures = []
    for i, found, right in zip(problem.wrt, problem.host_grads, _in_double(problem), strict=True):
        gate = loose * problem.eps * _scale(problem, right) + problem.inputs[i].size * tiny
        measures.append(
            require(problem, f"the gradient of argument {i}", found, right, gate, "the same in double precision")
        )
    return worst(measures)


def across(problem: Problem) -> Measure:
    """This backend against the NumPy backend on the same inputs, in double precision."""
    loose = max(64.0, problem.spec.tol.get(problem.dtype, 0.0))
    measures = []
    for i, found, right in zip(problem.wrt, problem.host_grads, _in_double(problem), strict=True):
        gate = loose * problem.eps * max(1.0, _scale(problem, right))
        measures.append(require(problem, f"the gradient of argument {i}", found, right, gate, "the NumPy backend"))
    return worst(measures)


def _entries(sample: Sample) -> int:
    return sum(x.size for x in sample.args if isinstance(x, np.ndarray))


def _few(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return _entries(sample) <= 64


def _exact(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    arrays = not any(isinstance(x, np.ndarray) and x.dtype.kind in "iub" for x in sample.args)
    holomorphic = spec.complex != "general" or not dtype.startswith("complex")
    return (
        spec.exact is not None
        and arrays
        and holomorphic
        and not any(x is Twice for x in sample.args)
        and sample.layout == "C"
    )


def _analytic(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    written = spec.op.startswith("__i")  # NumPy cannot write a complex number into a real array
    return (
        spec.complex == "holomorphic" and dtype == "float64" and spec.kind in ("elementwise", "general") and not written
    )


def _linear(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    bilinear = spec.kind == "matrix" and spec.op.rpartition(".")[2] in (
        "matmul",
        "tensordot",
        "vecdot",
        "outer",
        "cross",
    )
    if dtype.startswith("complex") and spec.op.rpartition(".")[2] in _NOT_COMPLEX_LINEAR:
        return False
    return (spec.kind in ("linear", "structural") or bilinear or spec.op.endswith("matmul__")) and sample.layout == "C"


DOUBLES = smooth("vjp", double=True)
CHECKS = [
    Check(
        "V05.fd", "Every entry equals a fourth-order difference.", 1, entrywise, both(DOUBLES, _few), "O1 differences"
    ),
    Check(
        "V06.mpmath",
        "The gradient agrees with mpmath's derivative to 64 eps.",
        1,
        high_precision,
        both(DOUBLES, _exact),
        "O2 mpmath",
    ),
    Check(
        "V07.complex",
        "The gradient agrees with the complex step.",
        1,
        imaginary,
        both(DOUBLES, _analytic),
        "O3 complex step",
    ),
    Check(
        "V08.transpose",
        "The VJP of a linear op is its transpose, exactly.",
        1,
        transposed,
        both(both(DOUBLES, _linear), _few),
        "O5 transpose",
    ),
    Check(
        "V09.along", "The VJP agrees with a difference along a random direction.", 1, along, DOUBLES, "O1 differences"
    ),
    Check(
        "V15.ladder",
        "Single precision agrees with double at the same inputs.",
        1,
        ladder,
        smooth("vjp", double=False),
        "O8 ladder",
    ),
    Check("V25.backend", "The gradient agrees with the NumPy backend's.", 1, across, DOUBLES, "O9 NumPy backend"),
]
