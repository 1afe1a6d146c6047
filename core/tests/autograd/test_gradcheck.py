"""`gradcheck` passes what is right, names what is wrong, and knows kinks: each fault is one that a user could write."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pullback as pb
import pytest
from pullback.autograd import Function, gradcheck, gradgradcheck
from pullback.backend import Backend
from pullback.errors import GradcheckError

EVERYTHING = {
    "check_forward_ad": True,
    "check_batched_grad": True,
    "check_batched_forward_grad": True,
    "check_grad_dtypes": True,
}


def leaf(values: Any, dtype: Any = pb.float64) -> Any:
    return pb.tensor(values, dtype=dtype, requires_grad=True)


def rule(forward: Callable[[Any], Any], backward: Callable[[Any, Any], Any], jvp: Any = None) -> Any:
    """A Function of one argument with these rules."""

    class Rule(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            ctx.x = x.detach()
            return forward(x)

        @staticmethod
        def backward(ctx: Any, ct: Any) -> Any:
            return backward(ct, ctx.saved_tensors[0])

    if jvp is not None:
        Rule.jvp = staticmethod(lambda ctx, t: jvp(t, ctx.x))  # type: ignore[attr-defined]
    return Rule.apply


HEALTHY: list[tuple[Callable[..., Any], Any]] = [
    (lambda x: pb.sin(x) * x, leaf([0.5, 1.0])),
    (lambda x: (x * 2, x[0] ** 2), leaf([0.5, 1.0])),
    (lambda x: x @ x.mT, leaf([[0.5, 1.0], [2.0, -1.0]])),
    (lambda x, y: pb.where(x > 0, x * y, y), (leaf([0.5, -1.0]), leaf(3.0))),
    (lambda z: pb.sin(z) * pb.conj(z), leaf([0.5 + 1j, 1.0 - 0.3j], pb.complex128)),
    (lambda z: pb.abs(z) * z, leaf([0.5 + 1j, 1.0 - 0.3j], pb.complex128)),
    (lambda z, x: (z * x).real, (leaf([0.5 + 1j], pb.complex128), leaf([2.0]))),
    (lambda x: x * 1e6, leaf([1e6, 1e-6])),
    (pb.sum, leaf([])),
]


@pytest.mark.parametrize(("function", "inputs"), HEALTHY)
def test_what_is_right_passes_every_check(function: Any, inputs: Any, device: str) -> None:
    inputs = tuple(x.detach().to(device).requires_grad_() for x in (inputs if isinstance(inputs, tuple) else (inputs,)))
    assert gradcheck(function, inputs, **EVERYTHING)
    assert gradcheck(function, inputs, fast_mode=True)
    assert gradgradcheck(function, inputs, check_fwd_over_rev=True)


def test_single_precision_is_judged_by_the_derivative_in_double_precision() -> None:
    x = leaf([0.5, 1.0, 2.0], pb.float32)
    assert gradcheck(lambda x: pb.exp(pb.sin(x)) / x, x, **EVERYTHING)
    slightly_off = rule(lambda x: x * x, lambda ct, x: ct * 2 * x * 1.001)
    with pytest.raises(GradcheckError):
        gradcheck(slightly_off, x)


def test_inputs_that_require_no_grad_are_handed_through() -> None:
    assert gradcheck(lambda x, n, y: x**n + y, (leaf([2.0]), 3, pb.ones(1, dtype=pb.float64)))


FAULTS: dict[str, tuple[Any, Any, str]] = {
    "a sign": (
        rule(pb.sin, lambda ct, x: -ct * pb.cos(x)),
        [0.5, 1.0],
        r"reverse mode gives -0.877.*differences give 0.877",
    ),
    "a factor": (rule(lambda x: x * x, lambda ct, x: ct * x), [0.5, 1.0], "gives 0.5 .*differences give 1 "),
    "one part in a million": (rule(pb.exp, lambda ct, x: ct * pb.exp(x) * (1 + 2e-6)), [0.5], "reverse mode gives"),
    "one entry": (
        rule(pb.exp, lambda ct, x: ct * pb.exp(x) * pb.tensor([1.0, 1.1, 1.0], dtype=pb.float64)),
        [0.5, 1.0, 2.0],
        r"input 0, index \(1,\)",
    ),
    "not linear in the cotangent": (rule(lambda x: x * 1, lambda ct, x: ct * pb.abs(ct)), [0.5], "is not linear"),
    "the cotangent ignored": (rule(lambda x: x * 1, lambda ct, x: pb.ones_like(ct)), [0.5], "is not linear"),
    "cut": (lambda x: x.detach() * x, [0.5, 1.0], "gives 0.5 .*differences give 1 "),
    "nothing at all": (lambda x: x.detach() * 2 + x * 0, [0.5], "gives 0 .*differences give 2 "),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_what_is_wrong_is_named(fault: Any) -> None:
    function, point, match = fault
    with pytest.raises(GradcheckError, match=match):
        gradcheck(function, leaf(point))
    assert not gradcheck(function, leaf(point), raise_exception=False)


def test_a_forgotten_conjugate_is_seen() -> None:
    wrong = rule(lambda z: z * z, lambda ct, z: ct * 2 * z)
    right = rule(lambda z: z * z, lambda ct, z: ct * 2 * pb.conj(z))
    z = leaf([0.5 + 1j], pb.complex128)
    assert gradcheck(right, z)
    with pytest.raises(GradcheckError, match="imaginary part"):
        gradcheck(wrong, z)


def test_a_wrong_forward_rule_is_named() -> None:
    wrong = rule(pb.sin, lambda ct, x: ct * pb.cos(x), lambda t, x: t * pb.sin(x))
    assert gradcheck(wrong, leaf([0.5]))
    with pytest.raises(GradcheckError, match="forward mode gives"):
        gradcheck(wrong, leaf([0.5]), check_forward_ad=True)
    with pytest.raises(GradcheckError, match="forward mode gives"):
        gradcheck(wrong, leaf([0.5]), check_forward_ad=True, check_backward_ad=False)


def test_a_wrong_second_derivative_is_named() -> None:
    wrong = rule(lambda x: x**3, lambda ct, x: ct * 3 * (x * x.detach()))
    assert gradcheck(wrong, leaf([0.5]))
    with pytest.raises(GradcheckError, match=r"reverse mode gives 1.5 .*differences give 3 "):
        gradgradcheck(wrong, leaf([0.5]), pb.ones(1, dtype=pb.float64))


# --- kinks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (pb.abs, 0.0),
        (lambda x: pb.maximum(x, 0.0), 0.0),
        (lambda x: pb.clip(x, -1.0, 1.0), 1.0),
        (lambda x: abs(x) * x, 0.0),
    ],
)
def test_at_a_kink_every_subgradient_passes(function: Any, at: float) -> None:
    assert gradcheck(function, leaf([at, 0.3]), check_forward_ad=True)


def test_at_a_kink_anything_else_is_called_one() -> None:
    wrong = rule(pb.abs, lambda ct, x: ct * pb.where(x == 0, 3.0, pb.sign(x)))
    match = r"a kink at input 0, index \(1,\): .* is -1 to the left and 1 to the right, and reverse mode gives 3"
    with pytest.raises(GradcheckError, match=match):
        gradcheck(wrong, leaf([0.3, 0.0]))


# --- side effects ----------------------------------------------------------------------------------------------------


def test_a_function_that_is_none_is_refused() -> None:
    with pytest.raises(GradcheckError, match="two calls with the same inputs gave different outputs"):
        gradcheck(lambda x: x * pb.rand(1, dtype=pb.float64), leaf([1.0]))

    def writes(x: Any) -> Any:
        with pb.no_grad():
            x += 1e-9
        return x * 1

    with pytest.raises(GradcheckError, match="writes to its inputs"):
        gradcheck(writes, leaf([1.0]))


def test_a_pass_that_differs_from_the_next_is_refused_beyond_the_tolerance() -> None:
    noisy = rule(lambda x: x * 1, lambda ct, x: ct * (1 + 1e-9 * pb.rand(1, dtype=pb.float64)))
    with pytest.raises(GradcheckError, match="two passes gave gradients of input 0 that differ"):
        gradcheck(noisy, leaf([1.0]))
    assert gradcheck(noisy, leaf([1.0]), nondet_tol=1e-7)


def test_a_backward_that_writes_to_its_cotangent_is_harmless() -> None:
    def spoil(ct: Any, x: Any) -> Any:
        ct *= 2
        return ct

    assert gradcheck(rule(lambda x: x * 2, spoil), leaf([1.0, 2.0]))


# --- the face --------------------------------------------------------------------------------------------------------


def test_something_must_require_grad() -> None:
    with pytest.raises(ValueError, match="no input requires grad"):
        gradcheck(pb.sin, pb.ones(2))


def test_the_signatures_are_those_of_pytorch() -> None:
    assert " ".join(inspect.signature(gradcheck).parameters) == (
        "func inputs eps atol rtol raise_exception nondet_tol check_undefined_grad check_grad_dtypes check_batched_grad "
        "check_batched_forward_grad check_forward_ad check_backward_ad fast_mode masked"
    )
    assert " ".join(inspect.signature(gradgradcheck).parameters) == (
        "func inputs grad_outputs eps atol rtol gen_non_contig_grad_outputs raise_exception nondet_tol check_undefined_grad "
        "check_grad_dtypes check_batched_grad check_fwd_over_rev check_rev_over_rev fast_mode masked"
    )


def test_given_and_non_contiguous_cotangents() -> None:
    x = leaf([0.5, 1.0])
    assert gradgradcheck(pb.sin, x, pb.tensor([2.0, 3.0], dtype=pb.float64))
    assert gradgradcheck(pb.sin, x, gen_non_contig_grad_outputs=True)


def test_a_backend_without_random_numbers_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    x = pb.tensor([0.5, -1.0], dtype=pb.float64, requires_grad=True)
    monkeypatch.setattr(type(x.device.backend), "generator", Backend.generator)
    assert gradcheck(pb.sin, x, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(pb.sin, x)
    assert gradcheck(pb.sin, x, fast_mode=True)
