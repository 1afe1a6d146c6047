"""F13, V27: neither an op nor its gradient reads a value on the host. So both can be built without being computed."""

from __future__ import annotations

from pullback_conformance.checks.base import Check, Measure, Mismatch, both, smooth
from pullback_conformance.problem import Blocked, Problem
from pullback_conformance.spec import OpSpec, Sample
from pullback_conformance.watching import HostReadError, no_reads


def forward(problem: Problem) -> Measure:
    return _decided(problem, "values", _runs(problem, gradient=False))


def backward(problem: Problem) -> Measure:
    return _decided(problem, "gradient", _runs(problem, gradient=True))


def _runs(problem: Problem, *, gradient: bool) -> HostReadError | None:
    """What read a value, if anything did. Another error is not for this check."""
    problem.outs, problem.cotangents  # noqa: B018  first of all it must run, and cotangents are drawn on the host
    leaves = problem.tensors()
    seeds = [problem.seed_of(v) for v in problem.cotangents] if gradient else []
    try:
        with no_reads(problem.device):
            outs = problem.run(leaves)
            if gradient:
                problem.pull(outs, [leaves[i] for i in problem.wrt], seeds)
    except HostReadError as error:
        return error
    except Exception as error:
        if (read := _cause(error)) is None:
            raise Blocked(f"the op does not run: {error}") from error
        return read
    return None


def _cause(error: BaseException | None) -> HostReadError | None:
    while error is not None and not isinstance(error, HostReadError):
        error = error.__cause__ or error.__context__
    return error


def _decided(problem: Problem, what: str, read: HostReadError | None) -> Measure:
    """A row says what its op reads, no less and no more."""
    if read is not None and what not in problem.spec.reads:
        raise Mismatch(f"its {what}: {read}", cause="bool(), float() or a branch on a value, where xp.where would do")
    return Measure()


def _double(spec: OpSpec, sample: Sample, dtype: str) -> bool:
    return dtype in ("float64", "complex128")


CHECKS = [
    Check("F13.lazy", "The op reads no value on the host.", 4, forward, both(smooth(), _double)),
    Check("V27.lazy", "The VJP reads no value on the host.", 4, backward, both(smooth("vjp"), _double)),
]
