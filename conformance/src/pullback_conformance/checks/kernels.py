"""F14: what a kernel of a plugin's op gives is what the generic form gives, and so is the gradient through it."""

from __future__ import annotations

import numpy as np
from pullback.extend import generic_kernels

from pullback_conformance.checks.base import Check, Measure, differentiable, largest, require, smooth, worst
from pullback_conformance.placing import host
from pullback_conformance.problem import Problem
from pullback_conformance.spec import OpSpec, Sample


def kernel(problem: Problem) -> Measure:
    """Where no kernel takes the call, the two are one function, and agree to the last bit or nearly so."""
    plain = Problem(problem.spec, problem.sample, problem.dtype, problem.device, problem.seed)
    with_gradient = "vjp" in problem.spec.claims and differentiable(problem.sample, problem.dtype)
    with generic_kernels():
        outs = [host(out) for out in plain.outs]
        grads = plain.host_grads if with_gradient else []
    pairs = [
        *((f"result {k}", host(out), right) for k, (out, right) in enumerate(zip(problem.outs, outs, strict=True))),
        *(
            (f"the gradient of argument {i}", found, right)
            for i, found, right in zip(problem.wrt, problem.host_grads if with_gradient else [], grads, strict=False)
        ),
    ]
    return worst([
        require(problem, what, found, right, _gate(problem, right), "the generic form") for what, found, right in pairs
    ])  # fmt: skip


def _gate(problem: Problem, right: np.ndarray) -> float:
    """Some eps of the largest number: a kernel may add in another order."""
    loose = max(64.0, problem.spec.tol.get(problem.dtype, 0.0))
    return loose * problem.eps * max(1.0, largest(right)) if right.dtype.kind in "fc" else 0.0


def _of_a_plugin(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return "::" in spec.op and smooth()(spec, sample, dtype)


CHECKS = [
    Check(
        "F14.kernel",
        "A kernel agrees with the generic form, in value and gradient.",
        1,
        kernel,
        _of_a_plugin,
        "the generic form",
    ),
]
