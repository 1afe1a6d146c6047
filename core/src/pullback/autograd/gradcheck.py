"""`gradcheck` and `gradgradcheck`: derivatives against finite differences of the function itself.

Differences are of 4th order and computed in double precision, whatever the dtype of the inputs: what is checked in
float32 is compared with the derivative of the function in float64. A complex input counts as two real ones, so that the
rules for complex numbers need no case of their own. Everything is compared as Python numbers: the check asks nothing of
a backend but values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pullback import namespace
from pullback import primitive as primitives
from pullback.autograd import passes
from pullback.autograd.differences import (
    STEP,
    Differences,
    Entry,
    entries,
    floating,
    inner,
    numbers_of,
    one_hot,
    random_of,
    zeros_of,
)
from pullback.errors import GradcheckError
from pullback.func.forward import jvp
from pullback.func.reverse import vjp
from pullback.func.vectorize import vmap
from pullback.grad_mode import enable_grad, no_grad

Function = Callable[..., Any]

_TOLERANCES = {"float64": (1e-8, 1e-6), "complex128": (1e-8, 1e-6), "float32": (1e-4, 1e-4), "complex64": (1e-4, 1e-4)}
"""dtype -> (absolute, relative); half precision, see `_tolerance`."""


def gradcheck(
    func: Function,
    inputs: Any,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,  # noqa: ARG001  PyTorch's signature; there are no sparse Tensors
) -> bool:
    """Check the derivatives of `func(*inputs)` with respect to the inputs that require grad.

    `func` returns a Tensor or a tuple of them. `eps` is the step, relative to elements larger than 1 (1e-3); `atol` and
    `rtol` default to 1e-8 and 1e-6 for double precision and to 1e-4 for single. Where the one-sided derivatives of an
    element differ, `func` has a kink there: the derivative must then lie between them. Also checked: that a zero
    cotangent gives zero and cotangents add up, that two passes give the same up to `nondet_tol`, that neither `func` nor
    a pass writes to its inputs or cotangents, that no two gradients share memory, cotangents that are missing
    (`check_undefined_grad`), dtypes (`check_grad_dtypes`), batches of cotangents and of tangents (`check_batched_grad`,
    `check_batched_forward_grad`), and forward mode (`check_forward_ad`). `fast_mode` compares along random directions.

    Returns True. What does not agree raises `GradcheckError`, which names output, input and index; with
    `raise_exception=False` it returns False. Raises `ValueError` if no input requires grad.

    >>> import pullback as pb
    >>> x = pb.tensor([0.5, 1.0], dtype=pb.float64, requires_grad=True)
    >>> pb.autograd.gradcheck(lambda x: pb.sin(x) * x, x)
    True
    """
    check = _Check(func, inputs, eps or STEP, atol, rtol)
    try:
        check.values()
        if check_backward_ad:
            if fast_mode:
                check.reverse_along_directions()
            else:
                check.reverse()
            check.side_effects(nondet_tol, dtypes_too=check_grad_dtypes)
            if check_undefined_grad:
                check.missing_cotangents()
            if check_batched_grad:
                check.batched_reverse()
        if check_forward_ad or check_batched_forward_grad:
            check.forward(batched=check_batched_forward_grad)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Function,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,  # noqa: ARG001  PyTorch's signature
) -> bool:
    """Check the second derivatives of `func(*inputs)`: `gradcheck` of its gradient, as a function of inputs and cotangents.

    `grad_outputs`: a cotangent for each output, random ones by default (with `gen_non_contig_grad_outputs`, ones whose
    memory is not contiguous). The other arguments are those of `gradcheck`; `check_fwd_over_rev` and
    `check_rev_over_rev` say in which modes the gradient is differentiated.

    >>> import pullback as pb
    >>> x = pb.tensor([0.5, 1.0], dtype=pb.float64, requires_grad=True)
    >>> pb.autograd.gradgradcheck(lambda x: pb.sin(x) * x, x)
    True
    """
    given = _listed(inputs)
    outputs = floating(func(*given))
    if grad_outputs is None:
        cotangents = [random_of(out, seed) for seed, out in enumerate(outputs)]
        if gen_non_contig_grad_outputs:
            cotangents = [namespace.tensors.stack([ct, ct], axis=-1)[..., 0] for ct in cotangents]
    else:
        cotangents = _listed(grad_outputs)
    cotangents = [ct.detach().requires_grad_() for ct in cotangents]
    count = len(given)

    wrt = [i for i, x in enumerate(given) if _differentiable(x)]

    def gradient(*args: Any) -> Any:
        def of_points(*points: Any) -> tuple[Any, ...]:
            full = list(args[:count])
            for i, x in zip(wrt, points, strict=True):
                full[i] = x
            return tuple(floating(func(*full)))

        _, pullback = vjp(of_points, *(args[i] for i in wrt))
        return pullback(args[count:])

    return gradcheck(
        gradient,
        (*given, *cotangents),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
    )


# --- the check -------------------------------------------------------------------------------------------------------


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value]


def _differentiable(x: Any) -> bool:
    return isinstance(x, primitives.tensor_type) and x.requires_grad


class _Check:
    """One function at one point."""

    def __init__(self, func: Function, inputs: Any, eps: float, atol: float | None, rtol: float | None) -> None:
        self.func = func
        self.given = _listed(inputs)
        self.wrt = [i for i, x in enumerate(self.given) if _differentiable(x)]
        if not self.wrt:
            raise ValueError("gradcheck: no input requires grad; call .requires_grad_() on those to be checked")
        self.points = [self.given[i] for i in self.wrt]
        self.differences = Differences(self.call, self.points, eps)
        with enable_grad():
            self.outputs = floating(func(*self.given))
        worst = max((_tolerance(x.dtype) for x in (*self.points, *self.outputs)), default=(0.0, 0.0))
        self.atol = worst[0] if atol is None else atol
        self.rtol = worst[1] if rtol is None else rtol

    def call(self, points: Sequence[Any]) -> list[Any]:
        """The floating outputs at other points."""
        args = list(self.given)
        for i, x in zip(self.wrt, points, strict=True):
            args[i] = x
        return floating(self.func(*args))

    def close(self, found: float, expected: float) -> bool:
        if math.isnan(found) or math.isnan(expected):
            return math.isnan(found) and math.isnan(expected)
        return abs(found - expected) <= self.atol + self.rtol * abs(expected)

    # --- what is compared --------------------------------------------------------------------------------------------

    def values(self) -> None:
        """The function must be one: the same outputs twice, its inputs untouched."""
        before = [numbers_of(x) for x in self.points]
        with no_grad():
            first, second = ([numbers_of(out) for out in self.call(self.points)] for _ in range(2))
        if not _same(before, [numbers_of(x) for x in self.points]):
            raise GradcheckError("gradcheck: the function writes to its inputs; differentiate a copy")
        if not _same(first, second):
            raise GradcheckError(
                "gradcheck: two calls with the same inputs gave different outputs; fix the random numbers"
            )

    def gradients(self, cotangents: Sequence[Any]) -> list[list[complex]]:
        """Those of the points, zeros where nothing depends on them."""
        pairs = [(out, ct) for out, ct in zip(self.outputs, cotangents, strict=True) if out.requires_grad]
        if not pairs:
            return [[0.0] * x.size for x in self.points]
        outs, cts = zip(*pairs, strict=True)
        grads = passes.grad(outs, self.points, cts, retain_graph=True, allow_unused=True)
        return [[0.0] * x.size if g is None else numbers_of(g) for x, g in zip(self.points, grads, strict=True)]

    def reverse(self) -> None:
        """The whole Jacobian, row by row."""
        for row in entries(self.outputs):
            cts = [
                one_hot(row, self.outputs) if o == row.tensor else zeros_of(out) for o, out in enumerate(self.outputs)
            ]
            grads = self.gradients(cts)
            for entry in entries(self.points):
                j = entry.position(self.points)
                found = inner([grads[entry.tensor][j]], [entry.part])
                self.compare("reverse", row, entry, found)
        self.linearity()

    def compare(self, mode: str, row: Entry, entry: Entry, found: float) -> None:
        """One element of the Jacobian."""
        k = row.position(self.outputs)
        expected = inner([row.part], [self.differences.column(entry)[row.tensor][k]])
        if self.close(found, expected):
            return
        left, right = (inner([row.part], [self.differences.one_sided(entry, sign)[row.tensor][k]]) for sign in (-1, 1))
        where = f"input {self.wrt[entry.tensor]}, index {entry.at}" + (" (imaginary part)" if entry.part == 1j else "")
        if abs(left - right) > 1e-3 * (1 + abs(left) + abs(right)):
            low, high = sorted((left, right))
            slack = 1e-4 * (1 + abs(low) + abs(high))
            if low - slack <= found <= high + slack:
                return
            raise GradcheckError(
                f"gradcheck: there is a kink at {where}: the derivative of output {row.tensor}, index {row.at}, is "
                f"{left:.6g} to the left and {right:.6g} to the right, and {mode} mode gives {found:.6g}, not between"
            )
        bent = abs(expected - (left + right) / 2) > 1e-5 * (1 + abs(left))  # the slope has a kink: no 4th order there
        if bent and max(abs(found - left), abs(found - right)) <= 1e-6 * (1 + abs(left)):
            return
        raise GradcheckError(
            f"gradcheck: {mode} mode gives {found:.9g} for the derivative of output {row.tensor}, index {row.at}, with "
            f"respect to {where}; differences give {expected:.9g} (allowed: {self.atol:g} + {self.rtol:g} * |expected|)"
        )

    def linearity(self) -> None:
        """What a pass returns is linear in the cotangents, which one-hot ones alone do not show."""
        cts = [random_of(out, seed) for seed, out in enumerate(self.outputs)]
        grads = self.gradients(cts)
        twice = self.gradients([ct * -2 for ct in cts])
        zero = self.gradients([zeros_of(out) for out in self.outputs])
        for i, (grad, other, nothing) in enumerate(zip(grads, twice, zero, strict=True)):
            if any(not _is_near(-2 * a, b, self.rtol, self.atol) for a, b in zip(grad, other, strict=True)):
                raise GradcheckError(
                    f"gradcheck: the gradient of input {self.wrt[i]} is not linear in the cotangent: for -2 times the "
                    f"cotangent it is not -2 times what it was"
                )
            if any(number != 0 and not math.isnan(abs(number)) for number in nothing):
                raise GradcheckError(
                    f"gradcheck: for a cotangent of zero the gradient of input {self.wrt[i]} is not zero"
                )

    def reverse_along_directions(self) -> None:
        """One number: the derivative of a random combination of outputs along a random direction, both ways."""
        cts = [random_of(out, seed) for seed, out in enumerate(self.outputs)]
        tangents = [random_of(x, 100 + seed) for seed, x in enumerate(self.points)]
        grads = self.gradients(cts)
        found = math.fsum(inner(g, numbers_of(t)) for g, t in zip(grads, tangents, strict=True))
        moved = self.differences.along([numbers_of(t) for t in tangents])
        total = math.fsum(inner(numbers_of(ct), out) for ct, out in zip(cts, moved, strict=True))
        if not self.close(found, total):
            raise GradcheckError(
                f"gradcheck: along a random direction reverse mode gives {found:.9g}, differences give {total:.9g}; run "
                f"without fast_mode to see where"
            )
        self.linearity()

    def side_effects(self, nondet_tol: float, *, dtypes_too: bool) -> None:
        """Two passes agree, write nothing, and share no memory."""
        live = [out for out in self.outputs if out.requires_grad]
        if not live:
            return
        cts = [random_of(out, 7 + seed) for seed, out in enumerate(live)]
        before = [numbers_of(ct) for ct in cts]
        points = [numbers_of(x) for x in self.points]
        first, second = (passes.grad(live, self.points, cts, retain_graph=True, allow_unused=True) for _ in range(2))
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            if a is None:
                continue
            worst = max((abs(p - q) for p, q in zip(numbers_of(a), numbers_of(b), strict=True)), default=0.0)
            if worst > nondet_tol:
                raise GradcheckError(
                    f"gradcheck: two passes gave gradients of input {self.wrt[i]} that differ by {worst:g}, allowed is "
                    f"nondet_tol={nondet_tol:g}"
                )
            if dtypes_too and (a.dtype is not self.points[i].dtype or a.shape != self.points[i].shape):
                raise GradcheckError(
                    f"gradcheck: the gradient of input {self.wrt[i]} is {a._aval}, the input {self.points[i]._aval}"
                )
        if not _same(before, [numbers_of(ct) for ct in cts]):
            raise GradcheckError("gradcheck: the pass wrote to the cotangent that it was given; compute out of place")
        if not _same(points, [numbers_of(x) for x in self.points]):
            raise GradcheckError("gradcheck: the pass wrote to an input of the function")
        owners = [x._aval.backend.storage(x._array) for x in (*cts, *(g for g in first if g is not None)) if x.shape]
        if len(set(map(id, owners))) < len(owners):
            raise GradcheckError("gradcheck: two gradients share their memory, or one shares it with a cotangent")

    def missing_cotangents(self) -> None:
        """An output without a cotangent counts as one with zeros."""
        live = [o for o, out in enumerate(self.outputs) if out.requires_grad]
        for o in live if len(live) > 1 else ():
            ct = random_of(self.outputs[o], o)
            alone = passes.grad(self.outputs[o], self.points, ct, retain_graph=True, allow_unused=True)
            filled = self.gradients([ct if k == o else zeros_of(out) for k, out in enumerate(self.outputs)])
            for i, (grad, expected) in enumerate(zip(alone, filled, strict=True)):
                numbers = [0.0] * self.points[i].size if grad is None else numbers_of(grad)
                if any(not _is_near(a, b, self.rtol, self.atol) for a, b in zip(numbers, expected, strict=True)):
                    raise GradcheckError(
                        f"gradcheck: with a cotangent for output {o} alone, the gradient of input {self.wrt[i]} is not what "
                        f"it is with zeros for the others"
                    )

    def batched_reverse(self) -> None:
        """A batch of cotangents gives the batch of what each gives."""
        for o, out in enumerate(self.outputs):
            if not out.requires_grad:
                continue
            cts = [random_of(out, seed) for seed in (1, 2)]
            together = passes.grad(
                out,
                self.points,
                namespace.tensors.stack(cts),
                retain_graph=True,
                is_grads_batched=True,
                materialize_grads=True,
            )
            apart = [
                self.gradients([ct if k == o else zeros_of(other) for k, other in enumerate(self.outputs)])
                for ct in cts
            ]
            for i, batch in enumerate(together):
                numbers = numbers_of(batch)
                expected = [number for part in apart for number in part[i]]
                if any(not _is_near(a, b, self.rtol, self.atol) for a, b in zip(numbers, expected, strict=True)):
                    raise GradcheckError(
                        f"gradcheck: for a batch of cotangents of output {o}, the gradient of input {self.wrt[i]} is not "
                        f"the batch of the gradients"
                    )

    def forward(self, *, batched: bool) -> None:
        """The whole Jacobian, column by column, and the same in one batch."""
        primals = tuple(x.detach() for x in self.points)

        def tangents_of(direction: Entry) -> tuple[Any, ...]:
            return tuple(
                one_hot(direction, primals) if i == direction.tensor else zeros_of(x) for i, x in enumerate(primals)
            )

        def push(*tangents: Any) -> tuple[Any, ...]:
            return tuple(jvp(lambda *points: tuple(self.call(points)), primals, tangents)[1])

        columns = list(entries(primals))
        results = [push(*tangents_of(entry)) for entry in columns]
        for entry, tangents in zip(columns, results, strict=True):
            for row in entries(self.outputs):
                k = row.position(self.outputs)
                self.compare("forward", row, entry, inner([row.part], [numbers_of(tangents[row.tensor])[k]]))
        if batched and columns:
            stacked = [namespace.tensors.stack(list(parts)) for parts in zip(*map(tangents_of, columns), strict=True)]
            together = vmap(push)(*stacked)
            for o, batch in enumerate(together):
                expected = [number for result in results for number in numbers_of(result[o])]
                if any(
                    not _is_near(a, b, self.rtol, self.atol) for a, b in zip(numbers_of(batch), expected, strict=True)
                ):
                    raise GradcheckError(
                        f"gradcheck: for a batch of tangents, that of output {o} is not the batch of the tangents"
                    )


def _tolerance(dtype: Any) -> tuple[float, float]:
    return _TOLERANCES.get(dtype.name, (1e-2, 1e-2))


def _is_near(a: complex, b: complex, rtol: float, atol: float) -> bool:
    return a == b or abs(a - b) <= atol + rtol * abs(b) or (math.isnan(abs(a)) and math.isnan(abs(b)))


def _same(a: list[list[complex]], b: list[list[complex]]) -> bool:
    return all(x == y or (x != x and y != y) for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True))
