"""F: values, shapes, dtypes and devices of results. A gradient of wrong values is no use."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pullback as pb

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
from pullback_conformance.oracles import exact
from pullback_conformance.placing import host, place
from pullback_conformance.problem import DOUBLE, REAL, Blocked, Problem, describe
from pullback_conformance.spec import Fails, OpSpec, Sample


def runs(problem: Problem) -> Measure:
    try:
        problem.outs  # noqa: B018  the op runs
    except Blocked as error:
        raise Mismatch(str(error)) from error
    return Measure()


def shape(problem: Problem) -> Measure:
    outs, expected = problem.outs, problem.expected
    if len(outs) != len(expected):
        raise Mismatch(f"{len(outs)} results, expected {len(expected)}")
    for k, (out, right) in enumerate(zip(outs, expected, strict=True)):
        if tuple(out.shape) != right.shape:
            raise Mismatch(f"result {k} has shape {tuple(out.shape)}, expected {right.shape}")
    return Measure()


def dtype(problem: Problem) -> Measure:
    """The dtype that the reference has in double precision, in the precision of the arguments."""
    single = {"float64": "float32", "complex128": "complex64"}
    for k, (out, right) in enumerate(zip(problem.outs, problem.expected, strict=True)):
        name = str(right.dtype)
        if problem.spec.op == "astype":
            name = problem.sample.kwargs["to"]
        elif problem.dtype in ("float32", "complex64") and problem.spec.kind != "creation":
            name = single.get(name, name)
        elif problem.spec.kind == "creation" and problem.dtype != name and name in ("float64", "complex128"):
            continue  # says something about the argument, as numbers of a default dtype
        if out.dtype.name != name and problem.spec.kind != "constant":
            raise Mismatch(f"result {k} has dtype {out.dtype.name}, expected {name}")
        if problem.spec.kind == "constant" and out.dtype.name.rstrip("0123456789") != name.rstrip("0123456789"):
            raise Mismatch(f"result {k} has dtype {out.dtype.name}, expected a kind of {name}")
    return Measure()


def device(problem: Problem) -> Measure:
    for k, out in enumerate(problem.outs):
        if str(out.device) != problem.device:
            raise Mismatch(f"result {k} is on {out.device}, its arguments are on {problem.device}")
    return Measure()


def gate_of_values(problem: Problem, right: np.ndarray) -> Any:
    """Absolute: some eps of each value, and of the largest where results are sums."""
    eps = problem.eps if right.dtype.kind in "fc" else 0.0
    loose = problem.spec.tol.get(problem.dtype, 16.0)
    scale = np.abs(right) if problem.spec.kind in ("elementwise", "structural") else largest(right)
    tiny = float(np.finfo(REAL[problem.dtype]).tiny)
    conditioning = 1.0 if problem.spec.kind != "elementwise" else _conditioning(problem, right)
    return loose * eps * np.maximum(scale, 0.0 if problem.spec.kind == "structural" else conditioning * 0.25) + tiny


def _conditioning(problem: Problem, right: np.ndarray) -> float:
    """Complex functions are accurate relative to the larger part of a result, not to each."""
    return 1.0 if right.dtype.kind == "c" else largest(right) * 1e-2 + 0.05


def value(problem: Problem) -> Measure:
    measures = []
    for k, (out, right) in enumerate(zip(problem.outs, problem.expected, strict=True)):
        measures.append(
            require(problem, f"result {k}", host(out), right, gate_of_values(problem, right), "NumPy in float64")
        )
    spec = problem.spec
    if spec.exact is not None and problem.expected[0].size:
        arguments = [
            np.asarray(x).astype(DOUBLE.get(str(np.asarray(x).dtype), "float64"))
            for x in problem._arguments(problem.inputs)
        ]
        right = exact.values(spec.exact, *arguments)
        measures.append(
            require(problem, "result", host(problem.outs[0]), right, gate_of_values(problem, right), "mpmath")
        )
    return worst(measures)


def special(problem: Problem) -> Measure:
    """Infinities, NaN and signed zeros, as NumPy has them in the same dtype."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outs = problem.outs
    for k, (out, right) in enumerate(zip(outs, problem.expected, strict=True)):
        found = host(out)
        if right.dtype.kind not in "fc":
            require(problem, f"result {k}", found, right, 0.0, "NumPy")
        elif problem.double:
            for part in (np.real, np.imag) if right.dtype.kind == "c" else (np.asarray,):
                _same_specials(f"result {k}", part(found), part(right))
    return Measure()


def _same_specials(what: str, found: np.ndarray, right: np.ndarray) -> None:
    for name, kind in (("NaN", np.isnan), ("an infinity", np.isinf)):
        if (kind(found) != kind(right)).any():
            raise Mismatch(f"{what} is {name} where NumPy has none, or the other way round: {found} and {right}")
    for name, there in (("a zero", (found == 0) & (right == 0)), ("an infinity", np.isinf(right))):
        if (np.signbit(found) != np.signbit(right))[there].any():
            raise Mismatch(f"{what} has {name} of the wrong sign: {found}, NumPy has {right}")


def refuses(problem: Problem) -> Measure:
    fails: Fails = problem.sample.expect
    problem.seed = 0  # a Gaussian cotangent of one seed in a hundred almost is one that is allowed
    try:
        pb.compute(_attempt(problem, fails.mode))  # a lazy library finds out when it computes
    except fails.exc as error:
        import re  # noqa: PLC0415  only here

        if not re.search(fails.match, str(error)):
            raise Mismatch(f"the error does not say {fails.match!r}: {describe(error)}") from error
        return Measure()
    except Exception as error:
        raise Mismatch(f"expected {fails.exc}, got {describe(error)}") from error
    raise Mismatch(f"nothing was raised; expected {fails.exc}")


def _attempt(problem: Problem, mode: str) -> Any:
    """What the call gives, or one of its derivatives, with Gaussian cotangents or tangents."""
    if mode == "values":
        return problem.run([place(x, problem.device) if isinstance(x, np.ndarray) else x for x in problem.inputs])
    leaves = problem.tensors()
    outs = problem.run(leaves)  # the values themselves must not be refused
    wrt = [leaves[i] for i in problem.wrt]
    if mode == "jvp":
        return problem.jvp(problem.tangents)
    if mode == "vjp":
        return problem.pull(outs, wrt, problem.cotangents)
    grads = problem.pull(outs, wrt, problem.cotangents, create_graph=True)
    return pb.autograd.grad(grads, wrt, [problem.seed_of(u) for u in problem.tangents], materialize_grads=True)


def unchanged(problem: Problem) -> Measure:
    leaves = problem.tensors()
    problem.run(leaves)
    for i, (leaf, x) in enumerate(zip(leaves, problem.inputs, strict=True)):
        if isinstance(x, np.ndarray):
            require(problem, f"argument {i} afterwards", host(leaf), x, 0.0, "its value before")
    return Measure()


def layout(problem: Problem) -> Measure:
    """As from contiguous memory: bitwise where elements are copied, to a few eps where they are summed."""
    plain = Problem(problem.spec, Sample(problem.sample.id, problem.sample.args, problem.sample.kwargs), problem.dtype,
                    problem.device, problem.seed)  # fmt: skip
    plain.inputs = problem.inputs
    measures = []
    for k, (out, right) in enumerate(zip(problem.outs, plain.outs, strict=True)):
        gate = 0.0 if problem.spec.kind == "structural" else 16 * problem.eps * max(1.0, largest(host(right)))
        measures.append(
            require(problem, f"result {k}", host(out), host(right), gate, "the same from contiguous memory")
        )
    return worst(measures)


def deterministic(problem: Problem) -> Measure:
    again = problem.run(problem.tensors())
    pairs = zip(problem.outs, again, strict=True)
    return worst([repeats(problem, "result", host(b), host(a), "the first run") for a, b in pairs])


def own_arrays(problem: Problem) -> Measure:
    """The named backend has done the work: its arrays come out, of its own types."""
    backend = pb.device(problem.device).backend
    for k, out in enumerate(problem.outs):
        array = backend.to_array(out.detach()._array)
        if not isinstance(array, backend.array_types):
            raise Mismatch(f"result {k} holds a {type(array)}, not an array of the backend {backend.name!r}")
    return Measure()


def _in_layout(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return sample.layout != "C"


ANY = smooth()
CHECKS = [
    Check("F01.runs", "The op runs.", 0, runs, ANY),
    Check("F02.shape", "Number and shapes of the results are those of the standard.", 0, shape, ANY),
    Check("F03.dtype", "Results have the dtype that the standard says.", 0, dtype, ANY),
    Check("F04.device", "Results are where the arguments are.", 0, device, ANY),
    Check(
        "F05.value", "Values agree with NumPy in float64, and with mpmath, to some eps.", 0, value, ANY, "NumPy, mpmath"
    ),
    Check(
        "F06.special",
        "Infinities, NaN and signed zeros are where NumPy has them.",
        3,
        special,
        tagged("special"),
        "NumPy",
    ),
    Check("F07.refuses", "What makes no sense is refused with the right error.", 3, refuses, tagged("refused")),
    Check("F08.unchanged", "The op does not write into its arguments.", 0, unchanged, ANY),
    Check("F09.layout", "The result does not depend on how memory lies.", 3, layout, both(ANY, _in_layout)),
    Check("F10.deterministic", "The same twice.", 4, deterministic, ANY),
    Check("F11.backend", "The results are arrays of the backend that is checked.", 0, own_arrays, ANY),
]
