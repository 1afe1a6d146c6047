"""A Function under transforms, in every nesting, against the same derivatives of an ordinary function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pullback as pb
import pytest
from helpers.checks import assert_close, host, tensor
from pullback.autograd import Function
from pullback.errors import AutogradError, CotangentError, NoDerivativeError
from pullback.func import grad, hvp, jacfwd, jacrev, jvp, vjp, vmap

Rule = Callable[..., Any]


def opaque(x: Any) -> Any:
    """`x` without history, at every level: so that only a Function's own rules can differentiate."""
    return x.detach()


class Product(Function):
    """x * y * z for Tensors x and y and a number z; its rules are three times too large, to be recognised."""

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any, z: float) -> Any:
        ctx.save_for_backward(x, y)
        ctx.z = z
        return opaque(x) * opaque(y) * z

    @staticmethod
    def backward(ctx: Any, ct: Any) -> Any:
        x, y = ctx.saved_tensors
        return 3 * ct * y * ctx.z, 3 * ct * x * ctx.z, None

    @staticmethod
    def jvp(ctx: Any, t_x: Any, t_y: Any, _: Any) -> Any:
        x, y = ctx.saved_tensors
        total = 0.0
        if t_x is not None:
            total = total + 3 * t_x * y * ctx.z
        if t_y is not None:
            total = total + 3 * x * t_y * ctx.z
        return total


class Exponential(Function):
    """exp, from its saved result, in the style of setup_context."""

    @staticmethod
    def forward(x: Any) -> Any:
        return pb.exp(opaque(x))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Any, ct: Any) -> Any:
        return ct * ctx.saved_tensors[0]

    @staticmethod
    def jvp(ctx: Any, t: Any) -> Any:
        return t * ctx.saved_tensors[0]


class Circle(Function):
    """cos and sin, as two results."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        c, s = pb.cos(opaque(x)), pb.sin(opaque(x))
        ctx.save_for_backward(c, s)
        return c, s

    @staticmethod
    def backward(ctx: Any, ct_c: Any, ct_s: Any) -> Any:
        c, s = ctx.saved_tensors
        return ct_s * c - ct_c * s

    @staticmethod
    def jvp(ctx: Any, t: Any) -> Any:
        c, s = ctx.saved_tensors
        return -t * s, t * c


class Forgetful(Function):
    """x**2, from an intermediate value: no second derivative."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(2 * opaque(x))
        return opaque(x) ** 2

    @staticmethod
    def backward(ctx: Any, ct: Any) -> Any:
        return ct * ctx.saved_tensors[0]

    @staticmethod
    def jvp(ctx: Any, t: Any) -> Any:
        return t * ctx.saved_tensors[0]


def custom(x: Any) -> Any:
    c, s = Circle.apply(x)
    return Exponential.apply(x) * c + s * x


def plain(x: Any) -> Any:
    return pb.exp(x) * pb.cos(x) + pb.sin(x) * x


X = (0.3, -0.7, 1.1)
V = (0.5, 0.2, -0.4)

NESTINGS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "grad": lambda f, x, v: grad(lambda x: f(x).sum())(x),
    "jvp": lambda f, x, v: jvp(f, (x,), (v,))[1],
    "vmap": lambda f, x, v: vmap(f)(x),
    "grad of grad": lambda f, x, v: grad(lambda x: grad(lambda x: f(x).sum())(x).sum())(x),
    "forward over reverse": lambda f, x, v: hvp(lambda x: f(x).sum(), (x,), (v,)),
    "reverse over forward": lambda f, x, v: grad(lambda x: jvp(f, (x,), (v,))[1].sum())(x),
    "forward over forward": lambda f, x, v: jvp(lambda x: jvp(f, (x,), (v,))[1], (x,), (v,))[1],
    "vmap of grad": lambda f, x, v: vmap(grad(f))(x),
    "grad over vmap": lambda f, x, v: grad(lambda x: vmap(f)(x).sum())(x),
    "vmap of jvp": lambda f, x, v: vmap(lambda x, v: jvp(f, (x,), (v,))[1])(x, v),
    "jvp over vmap": lambda f, x, v: jvp(vmap(f), (x,), (v,))[1],
    "vmap of vmap": lambda f, x, v: vmap(vmap(f))(pb.stack([x, v])),
    "grad of grad over vmap": lambda f, x, v: grad(lambda x: grad(lambda x: vmap(f)(x).sum())(x).sum())(x),
    "vmap of grad of grad": lambda f, x, v: vmap(grad(grad(f)))(x),
    "grad over vmap of grad": lambda f, x, v: grad(lambda x: vmap(grad(f))(x).sum())(x),
    "jvp over vmap of grad": lambda f, x, v: jvp(vmap(grad(f)), (x,), (v,))[1],
    "grad over vmap of jvp": lambda f, x, v: grad(lambda x: vmap(lambda x, v: jvp(f, (x,), (v,))[1])(x, v).sum())(x),
    "jacfwd of jacrev": lambda f, x, v: jacfwd(jacrev(f))(x),
    "jacrev of jacfwd": lambda f, x, v: jacrev(jacfwd(f))(x),
    "jacrev of jacrev": lambda f, x, v: jacrev(jacrev(f))(x),
    "vmap of a pullback": lambda f, x, v: vmap(vjp(f, x)[1])(pb.stack([x, v]))[0],
}


@pytest.mark.parametrize("nesting", NESTINGS.values(), ids=NESTINGS)
def test_nestings_equal_those_of_an_ordinary_function(nesting: Any, device: str) -> None:
    x, v = tensor(X, device), tensor(V, device)
    assert_close(host(nesting(custom, x, v)), host(nesting(plain, x, v)), "derivative", 1e-12)


def test_its_own_rules_are_used_at_every_level() -> None:
    x, y = tensor([1.0, 2.0]), tensor([3.0, 5.0])

    def product(x: Any, y: Any) -> Any:
        return Product.apply(x, y, 2.0)

    assert jvp(product, (x, y), (x, y))[1].tolist() == [36.0, 120.0]
    assert vmap(grad(product, (0, 1)))(x, y)[0].tolist() == [18.0, 30.0]
    assert grad(lambda x: vmap(product)(x, y).sum())(x).tolist() == [18.0, 30.0]
    shared = grad(lambda y: vmap(product, in_axes=(0, None))(x, y).sum())(tensor(3.0))
    assert shared.tolist() == 18.0
    # one rule inside of the other: d/dx of 3 * x * z gives 3 * z, without another factor
    assert grad(lambda x: jvp(product, (x, y), (pb.ones_like(x), pb.zeros_like(y)))[1].sum())(x).tolist() == [0.0, 0.0]


def test_a_saved_intermediate_is_refused_where_its_derivative_is_missing() -> None:
    x = tensor(X)
    one = pb.ones_like(x)
    assert_close(host(vmap(grad(Forgetful.apply))(x)), 2 * host(x), "first derivative")
    assert_close(host(jvp(Forgetful.apply, (x,), (one,))[1]), 2 * host(x), "first derivative")
    message = "Forgetful.(backward|jvp) reads a saved Tensor that is neither an input nor an output"
    for second in (
        lambda: hvp(lambda x: Forgetful.apply(x).sum(), (x,), (one,)),
        lambda: grad(lambda x: jvp(Forgetful.apply, (x,), (one,))[1].sum())(x),
        lambda: jvp(lambda x: jvp(Forgetful.apply, (x,), (one,))[1], (x,), (one,)),
        lambda: grad(lambda x: vmap(grad(Forgetful.apply))(x).sum())(x),
        lambda: jvp(vmap(grad(Forgetful.apply)), (x,), (one,)),
    ):
        with pytest.raises(NoDerivativeError, match=message):
            second()


def test_attributes_that_are_tensors_follow_the_levels() -> None:
    class Kept(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.x = x
            return opaque(x) ** 3

        @staticmethod
        def backward(ctx: Any, ct: Any) -> Any:
            return ct * 3 * ctx.x**2

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            return t * 3 * ctx.x**2

    x = tensor(X)
    assert_close(host(vmap(grad(Kept.apply))(x)), 3 * host(x) ** 2, "vmap of grad")
    assert_close(host(grad(lambda x: vmap(Kept.apply)(x).sum())(x)), 3 * host(x) ** 2, "grad over vmap")
    assert_close(host(hvp(lambda x: Kept.apply(x).sum(), (x,), (pb.ones_like(x),))), 6 * host(x), "jvp of grad")


def test_without_a_rule_for_the_mode() -> None:
    class NoJvp(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

    with pytest.raises(NoDerivativeError, match="no jvp"):
        jvp(NoJvp.apply, (tensor(X),), (tensor(V),))
    with pytest.raises(NoDerivativeError, match="no backward"):
        grad(lambda x: vmap(NoJvp.apply)(x).sum())(tensor(X))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda t: (t, t), "NoGood.jvp returned 2 tangents for 1 outputs"),
        (
            lambda t: t[:2],
            r"NoGood.jvp returned a tangent that is float64\[2\] on cpu for output 0, which is float64\[3\]",
        ),
        (lambda t: 1.0, "NoGood.jvp returned float for output 0"),
    ],
)
def test_a_wrong_tangent_is_named(returned: Any, message: str) -> None:
    class NoGood(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            return returned(t)

    with pytest.raises(CotangentError, match=message):
        jvp(NoGood.apply, (tensor(X),), (tensor(V),))


def test_mark_dirty_is_refused() -> None:
    class Doubled(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            x *= 2
            return x

    with pytest.raises(AutogradError, match="Doubled: mark_dirty cannot be used inside vmap"):
        vmap(lambda x: Doubled.apply(x * 1))(tensor(X))
