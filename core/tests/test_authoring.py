"""`pb.op` at its three levels: a function, a rule of each kind, a kernel; and what it says to those who get it wrong."""

from __future__ import annotations

import inspect
from typing import Any

import pullback as pb
import pytest
from helpers.checks import check_derivatives, gaussian
from pullback.autograd import gradcheck, gradgradcheck
from pullback.errors import ArgumentError, NoDerivativeError


@pb.op
def swish(xp: Any, x: Any, *, beta: float = 1.0) -> Any:
    """x times a sigmoid."""
    return x / (1 + xp.exp(-beta * x))


@pb.op.elementwise(x=lambda xp, t, x, power: t * (power * x ** (power - 1)), singular=False)
def powered(xp: Any, x: Any, *, power: int = 3) -> Any:
    """x to a fixed power."""
    return x**power


@pb.op.elementwise(
    x=lambda xp, t, y, z: t * (y * z), y=lambda xp, t, x, z: t * (x * z), z=lambda xp, t, x, y: t * (x * y)
)
def product(xp: Any, x: Any, y: Any, z: Any) -> Any:
    """The product of three."""
    return x * y * z


@pb.op.linear(x=lambda xp, ct, shape, times: xp.broadcast_to(ct * times, shape))
def total(xp: Any, x: Any, *, times: float = 2.0) -> Any:
    """The sum of all elements, several times."""
    return xp.sum(x) * times


@pb.op.explicit(
    vjp={"x": lambda xp, ct, x, out: ct * (x / out)},
    jvp={"x": lambda xp, t, x, out: xp.sum(t * x) / out},
)
def length(xp: Any, x: Any) -> Any:
    """The length of a vector."""
    return xp.sqrt(xp.sum(x * x))


@pb.op.nondifferentiable
def largest(xp: Any, x: Any) -> Any:
    """Where the largest element is."""
    return xp.argmax(x)


def leaf(*values: float) -> Any:
    return pb.tensor(list(values), dtype=pb.float64, requires_grad=True)


OPS: dict[str, Any] = {
    "composite": (swish, 1),
    "composite with a parameter": (lambda x: swish(x, beta=0.5), 1),
    "elementwise": (powered, 1),
    "elementwise with a parameter": (lambda x: powered(x, power=4), 1),
    "elementwise of three": (product, 3),
    "linear": (total, 1),
    "explicit": (length, 1),
}


@pytest.mark.parametrize("case", OPS)
def test_both_modes_and_both_orders(device: str, case: str) -> None:
    op, count = OPS[case]
    inputs = [leaf(0.5, -1.0, 2.0), leaf(1.5, 0.25, -1.0), leaf(-0.5, 1.0, 3.0)][:count]
    assert gradcheck(op, inputs, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(op, inputs, check_fwd_over_rev=True)


def test_complex_numbers_and_broadcasting_come_with_the_kind(device: str) -> None:
    check_derivatives(lambda xp, x, y, z: product(x, y, z) if xp is pb else x * y * z, gaussian([(2, 3), (3,), (2, 1)]))
    z = pb.tensor([0.5 + 1j, -1.0 + 0.25j], dtype=pb.complex128, requires_grad=True)
    assert gradcheck(powered, z, check_forward_ad=True)


def test_an_op_without_derivative(device: str) -> None:
    assert largest(leaf(1.0, 3.0, 2.0)).item() == 1
    assert not largest(leaf(1.0)).requires_grad


def test_a_composite_runs_on_the_backend_and_device_of_its_operands() -> None:
    @pb.op
    def shifted(xp: Any, x: Any) -> Any:
        return x + xp.ones(x.shape, dtype=x.dtype, device=x.device)

    assert str(shifted(pb.zeros(2, device="strict:device1")).device) == "strict:device1"


def test_it_reads_like_the_function_of_its_author() -> None:
    assert swish.__name__ == "swish"
    assert swish.__module__ == __name__
    assert swish.__doc__ == "x times a sigmoid."
    assert str(inspect.signature(product)) == "(x: 'Any', y: 'Any', z: 'Any') -> 'Any'"
    assert str(inspect.signature(powered)) == "(x: 'Any', *, power: 'int' = 3) -> 'Any'"
    assert "PoweredBackward" in repr(powered(leaf(1.0)))


def test_a_name_of_its_own() -> None:
    @pb.op(name="acme::half")
    def half(xp: Any, x: Any) -> Any:
        return x / 2

    assert half.definition.name == "acme::half"
    assert swish.definition.name.endswith("::swish")


def test_a_rule_is_read_when_it_is_written(device: str) -> None:
    """What the author gave is what runs: a wrong rule is seen by the check, in each mode."""

    @pb.op.elementwise(x=lambda xp, t, x: t * xp.sin(x))
    def wrong(xp: Any, x: Any) -> Any:
        return xp.sin(x)

    with pytest.raises(pb.errors.GradcheckError, match="reverse"):
        gradcheck(wrong, leaf(0.5))
    with pytest.raises(pb.errors.GradcheckError, match="forward"):
        gradcheck(wrong, leaf(0.5), check_backward_ad=False, check_forward_ad=True)


def test_an_operand_without_rule_is_named() -> None:
    @pb.op.elementwise(x=lambda xp, t, y: t * y)
    def scaled(xp: Any, x: Any, y: Any) -> Any:
        return x * y

    assert gradcheck(lambda x: scaled(x, pb.tensor([2.0], dtype=pb.float64)), leaf(1.0))
    with pytest.raises(NoDerivativeError, match=r"scaled.*'y'"):
        scaled(leaf(1.0), leaf(2.0)).sum().backward()


def make(kind: str, function: Any, **rules: Any) -> Any:
    return lambda: getattr(pb.op, kind)(**rules)(function)


def f(xp: Any, x: Any, *, a: float = 1.0) -> Any:
    return x * a


def without_xp(x: Any) -> Any:
    return x


def starred(xp: Any, *xs: Any) -> Any:
    return xs[0]


def defaulted(xp: Any, x: Any, y: float = 1.0) -> Any:
    return x * y


ZERO = lambda xp, t: t  # noqa: E731  a rule, as in a declaration
MISUSES: dict[str, tuple[Any, str]] = {
    "no function": (lambda: pb.op(3), r"a function `f\(xp, ...\)` is needed, got 3"),
    "no xp": (lambda: pb.op(without_xp), r"first parameter must be `xp`.*def without_xp\(xp"),
    "a rule for no operand": (make("elementwise", f, y=ZERO), r"rule for 'y', but its operands are \(x\)"),
    "a rule for a parameter": (make("elementwise", f, a=ZERO), r"rule for 'a', but its operands are \(x\)"),
    "a rule that is none": (make("linear", f, x=2.0), "rule for 'x' must be a function, got 2.0"),
    "a rule that reads something else": (
        make("elementwise", f, x=lambda xp, t, x2: t * x2),
        r"rule for 'x' reads 'x2'; .* operands \(x\), parameters \(a\)",
    ),
    "one mode": (make("explicit", f, vjp={"x": ZERO}, jvp={}), r"both modes are needed: vjp has \['x'\], jvp has \[\]"),
    "any number of operands": (make("elementwise", starred), "fixed number of operands.*after a \\*"),
    "an operand with a default": (make("elementwise", defaulted, x=ZERO), "none with a default"),
    "a kernel of a composite": (lambda: swish.kernel("numpy"), "swish is a composite.*give it a rule"),
    "a kernel of nothing": (lambda: powered.kernel(f)(f), r'write @powered.kernel\("numpy"\)'),
    "a kernel for a native dtype": (lambda: powered.kernel("numpy", dtypes=["float32"])(f), "pb.float32 and so on"),
    "a Tensor as a parameter": (
        lambda: powered(pb.tensor(1.0), power=pb.tensor(2)),
        "parameter 'power' is a Tensor.*before the \\*",
    ),
    "no Tensor": (lambda: swish([1.0, 2.0]), "swish: at least one operand must be a Tensor, got builtins.float"),
}


@pytest.mark.parametrize("misuse", MISUSES)
def test_misuse_says_what_to_write(misuse: str) -> None:
    act, message = MISUSES[misuse]
    kernels = powered.primitive.kernels
    with pytest.raises(ArgumentError, match=message):
        act()
    assert powered.primitive.kernels is kernels


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: powered(x, exponent=2), r"no parameter 'exponent'; its parameters are \(power\)"),
        (lambda x: required(x), "parameter 'scale' is missing"),
        (lambda x: product(x, x), "takes 3 positional arguments"),
    ],
)
def test_a_wrong_call_is_a_type_error(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(pb.tensor(1.0))


@pb.op.elementwise(x=lambda xp, t, scale: t * scale)
def required(xp: Any, x: Any, *, scale: float) -> Any:
    """A parameter without default."""
    return x * scale


@pb.op.elementwise(x=lambda xp, t: t)
def shifted(xp: Any, x: Any, *, by: float = 1.0) -> Any:
    """A parameter that the rule does not read."""
    return x + by


def test_a_parameter_that_no_rule_reads(device: str) -> None:
    x = leaf(0.5, -1.0)
    assert host_list(shifted(x)) == [1.5, 0.0]
    assert host_list(shifted(x, by=3.0)) == [3.5, 2.0]
    assert gradcheck(lambda x: shifted(x, by=2.0), x, check_forward_ad=True)


def host_list(x: Any) -> list[float]:
    return x.detach().tolist()  # type: ignore[no-any-return]
