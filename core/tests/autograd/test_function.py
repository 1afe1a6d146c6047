"""`autograd.Function`: what a user writes, what the engine makes of it, and what it refuses."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.autograd import Function
from pullback.autograd.function import once_differentiable
from pullback.errors import AutogradError, CotangentError, NoDerivativeError, OverwrittenError


class Square(Function):
    """x * x, in the style with ctx."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, ct: Any) -> Any:
        (x,) = ctx.saved_tensors
        return ct * 2 * x

    @staticmethod
    def jvp(ctx: Any, t: Any) -> Any:
        (x,) = ctx.saved_tensors
        return t * 2 * x


class Product(Function):
    """x * y, in the style with setup_context."""

    @staticmethod
    def forward(x: Any, y: Any) -> Any:
        return x * y

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, ct: Any) -> Any:
        x, y = ctx.saved_tensors
        return ct * y, ct * x


def made(**methods: Callable[..., Any]) -> type[Function]:
    """A Function of static methods; `forward` doubles its first argument unless it is given."""
    methods = {"forward": lambda ctx, x, *rest: x * 2, "backward": lambda ctx, ct: ct * 2} | methods
    return type("Made", (Function,), {name: staticmethod(method) for name, method in methods.items()})


@pytest.fixture
def x(device: str) -> Any:
    return pb.tensor([1.0, 2.0, 3.0], requires_grad=True)


@pytest.fixture
def w(device: str) -> Any:
    return pb.tensor([4.0, 5.0, 6.0], requires_grad=True)


class TestBothStyles:
    def test_ctx(self, x: Any) -> None:
        y = Square.apply(x)
        assert y.grad_fn.name() == "SquareBackward"
        y.sum().backward()
        assert x.grad.tolist() == [2.0, 4.0, 6.0]

    def test_setup_context(self, x: Any, w: Any) -> None:
        Product.apply(x, w).sum().backward()
        assert x.grad.tolist() == w.tolist()
        assert w.grad.tolist() == x.tolist()

    def test_the_same_tensor_twice(self, x: Any) -> None:
        Product.apply(x, x).sum().backward()
        assert x.grad.tolist() == [2.0, 4.0, 6.0]

    def test_only_what_requires_grad_gets_a_gradient(self, x: Any) -> None:
        constant = pb.ones(3)
        Product.apply(x, constant).sum().backward()
        assert x.grad.tolist() == [1.0, 1.0, 1.0]
        assert constant.grad is None

    def test_nothing_is_recorded_without_need(self, x: Any) -> None:
        assert not Square.apply(pb.ones(3)).requires_grad
        with pb.no_grad():
            assert not Square.apply(x).requires_grad

    def test_grad_mode_inside(self, x: Any) -> None:
        modes = []

        def forward(ctx: Any, x: Any) -> Any:
            modes.append(pb.is_grad_enabled())
            return x * 2

        def backward(ctx: Any, ct: Any) -> Any:
            modes.append(pb.is_grad_enabled())
            return ct * 2

        y = made(forward=forward, backward=backward).apply(x).sum()
        pb.autograd.grad(y, x)
        pb.autograd.grad(y, x, create_graph=True)
        assert modes == [False, False, True]

    def test_a_method_that_is_not_static_works_too(self, x: Any) -> None:
        class Plain(Function):
            def forward(self, x: Any) -> Any:
                return x * 2

            def backward(self, ct: Any) -> Any:
                return ct * 2

        Plain.apply(x).sum().backward()
        assert x.grad.tolist() == [2.0, 2.0, 2.0]


class TestHigherOrder:
    def test_twice(self, x: Any) -> None:
        (first,) = pb.autograd.grad(Square.apply(Square.apply(x)).sum(), x, create_graph=True)  # 4 x^3
        (second,) = pb.autograd.grad(first.sum(), x)
        np.testing.assert_allclose(host(second), [12.0, 48.0, 108.0])

    def test_through_a_saved_output(self, x: Any) -> None:
        class Exp(Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                y = pb.exp(x)
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                (y,) = ctx.saved_tensors
                return ct * y

        value = Exp.apply(x).sum()
        for _ in range(3):
            (value,) = pb.autograd.grad(value.sum(), x, create_graph=True)
        np.testing.assert_allclose(host(value), np.exp([1.0, 2.0, 3.0]), rtol=1e-6)

    def test_through_a_saved_output_of_several(self, x: Any) -> None:
        class Both(Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                first, second = pb.sin(x), pb.exp(x)
                ctx.save_for_backward(second, x)
                return first, second

            @staticmethod
            def backward(ctx: Any, ct_first: Any, ct_second: Any) -> Any:
                second, x = ctx.saved_tensors
                return ct_first * pb.cos(x) + ct_second * second

        first, second = Both.apply(x)
        (g,) = pb.autograd.grad((first + second).sum(), x, create_graph=True)
        (h,) = pb.autograd.grad(g.sum(), x)
        at = np.array([1.0, 2.0, 3.0])
        np.testing.assert_allclose(host(h), np.exp(at) - np.sin(at), rtol=1e-6)

    def test_a_saved_intermediate_is_refused_rather_than_zero(self, x: Any) -> None:
        class Fourth(Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                square = x * x
                ctx.save_for_backward(x, square)
                return square * square

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                x, square = ctx.saved_tensors
                return ct * 4 * square * x

        y = Fourth.apply(x).sum()
        assert pb.autograd.grad(y, x, retain_graph=True)[0].tolist() == [4.0, 32.0, 108.0]
        with pytest.raises(NoDerivativeError, match=r"Fourth.backward reads a saved Tensor that is neither an input"):
            pb.autograd.grad(y, x, create_graph=True)

    @pytest.mark.parametrize("how", ["input", "output", "intermediate", "list"])
    def test_attributes_of_ctx_have_their_derivative_too(self, how: str, x: Any) -> None:
        class Exp(Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                y = pb.exp(x)
                ctx.kept = {"input": x, "output": y, "intermediate": y * 1, "list": [y, 5]}[how]
                return y

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                kept = ctx.kept
                return ct * (pb.exp(kept) if how == "input" else kept[0] if how == "list" else kept)

        y = Exp.apply(x).sum()
        expected = np.exp([1.0, 2.0, 3.0])
        np.testing.assert_allclose(host(pb.autograd.grad(y, x, retain_graph=True)[0]), expected, rtol=1e-6)
        if how == "intermediate":
            with pytest.raises(NoDerivativeError, match="neither an input nor an output"):
                pb.autograd.grad(y, x, create_graph=True)
            return
        (first,) = pb.autograd.grad(y, x, create_graph=True)
        np.testing.assert_allclose(host(pb.autograd.grad(first.sum(), x)[0]), expected, rtol=1e-6)

    def test_an_output_stored_on_ctx_does_not_keep_itself_alive(self, device: str) -> None:
        class Keeps(Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.y = x * 2
                return ctx.y

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                return ct * 2

        gc.disable()
        try:
            x = pb.ones(3, requires_grad=True)
            y = Keeps.apply(x)
            alive = weakref.ref(y)
            leaf = weakref.ref(x)
            del x, y
            assert alive() is None
            assert leaf() is None
        finally:
            gc.enable()


class TestOnceDifferentiable:
    @staticmethod
    def function() -> type[Function]:
        class Cube(Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            @once_differentiable
            def backward(ctx: Any, ct: Any) -> Any:
                (x,) = ctx.saved_tensors
                assert not x.requires_grad
                assert not ct.requires_grad
                assert not pb.is_grad_enabled()
                return ct * 3 * x**2

        return Cube

    def test_once(self, x: Any) -> None:
        self.function().apply(x).sum().backward()
        assert x.grad.tolist() == [3.0, 12.0, 27.0]

    def test_twice_is_refused_also_for_a_constant_cotangent(self, x: Any) -> None:
        (first,) = pb.autograd.grad(self.function().apply(x).sum(), x, create_graph=True)
        assert first.tolist() == [3.0, 12.0, 27.0]
        with pytest.raises(NoDerivativeError, match=r"Cube.backward is once_differentiable"):
            pb.autograd.grad(first.sum(), x)

    def test_twice_is_refused_with_respect_to_the_cotangent(self, x: Any) -> None:
        ct = pb.ones(3, requires_grad=True)
        (first,) = pb.autograd.grad(self.function().apply(x), x, ct, create_graph=True)
        with pytest.raises(NoDerivativeError, match="once_differentiable"):
            pb.autograd.grad(first.sum(), ct)

    def test_under_transforms(self, device: str) -> None:
        cube = self.function()
        at = pb.tensor(2.0)
        assert float(pb.func.grad(cube.apply)(at)) == 12.0
        assert pb.func.vmap(pb.func.grad(cube.apply))(pb.tensor([1.0, 2.0])).tolist() == [3.0, 12.0]
        with pytest.raises(NoDerivativeError, match="once_differentiable"):
            pb.func.grad(pb.func.grad(cube.apply))(at)


class TestArguments:
    def test_what_is_no_tensor_is_passed_on(self, x: Any) -> None:
        class Scale(Function):
            @staticmethod
            def forward(ctx: Any, x: Any, factor: float, name: str) -> Any:
                assert name == "a name"
                ctx.factor = factor
                return x * factor

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                assert ctx.needs_input_grad == (True, False, False)
                return ct * ctx.factor, None, None

        Scale.apply(x, 3.0, "a name").sum().backward()
        assert x.grad.tolist() == [3.0, 3.0, 3.0]

    def test_keywords_take_their_place(self, x: Any, w: Any) -> None:
        class Affine(Function):
            @staticmethod
            def forward(ctx: Any, x: Any, factor: Any = 2.0, shift: Any = 0.0) -> Any:
                ctx.factor, ctx.x = factor, x
                return x * factor + shift

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                grads = (ct * ctx.factor, ct * ctx.x, ct)
                return tuple(g if need else None for g, need in zip(grads, ctx.needs_input_grad, strict=False))

        Affine.apply(x).sum().backward()
        assert x.grad.tolist() == [2.0, 2.0, 2.0]
        Affine.apply(x, shift=w).sum().backward()
        assert w.grad.tolist() == [1.0, 1.0, 1.0]
        Affine.apply(factor=w, x=x).sum().backward()
        assert w.grad.tolist() == [2.0, 3.0, 4.0]
        assert x.grad.tolist() == [8.0, 9.0, 10.0]
        with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
            Affine.apply(x, other=1)

    def test_constants_by_keyword_only(self, x: Any, w: Any) -> None:
        class Scale(Function):
            @staticmethod
            def forward(ctx: Any, x: Any, *, factor: Any = 2.0, **others: Any) -> Any:
                ctx.factor = factor
                return x * factor + others.get("shift", 0)

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                return ct * ctx.factor

        out = Scale.apply(x, factor=5.0, shift=w.detach())
        assert out.tolist() == (x * 5 + w).tolist()
        assert out.grad_fn.name() == "ScaleBackward"
        assert pb.autograd.grad(out.sum(), x)[0].tolist() == [5.0, 5.0, 5.0]
        assert pb.autograd.grad(Scale.apply(x).sum(), x)[0].tolist() == [2.0, 2.0, 2.0]
        assert pb.func.vmap(pb.func.grad(lambda x: Scale.apply(x, factor=3.0)))(x.detach()).tolist() == [3.0, 3.0, 3.0]

    def test_a_tensor_by_keyword_only_has_no_place_for_a_cotangent(self, x: Any, w: Any) -> None:
        function = made(forward=lambda ctx, x, *, factor: x * factor[0])
        with pytest.raises(TypeError, match="factor requires grad and can be given to forward by keyword only"):
            function.apply(x, factor=[w])

    def test_vjp_is_another_name_for_backward(self, x: Any) -> None:
        forward, rule = staticmethod(lambda ctx, x: x * 2), staticmethod(lambda ctx, ct: ct * 7)
        for name in ("backward", "vjp"):
            function = type("Named", (Function,), {"forward": forward, name: rule})
            assert function.vjp is function.backward
            assert pb.autograd.grad(function.apply(x).sum(), x)[0].tolist() == [7.0, 7.0, 7.0]
            below = type("Below", (function,), {"vjp": staticmethod(lambda ctx, ct: ct * 9)})
            assert pb.autograd.grad(below.apply(x).sum(), x)[0].tolist() == [9.0, 9.0, 9.0]
        with pytest.raises(RuntimeError, match="Both: backward and vjp are two names of one method"):
            type("Both", (Function,), {"forward": forward, "backward": rule, "vjp": rule})

    def test_a_list(self, x: Any, w: Any) -> None:
        class Dot(Function):
            @staticmethod
            def forward(ctx: Any, xs: list[Any], ws: list[Any]) -> Any:
                assert type(xs) is list
                ctx.save_for_backward(*xs, *ws)
                return sum(x * w for x, w in zip(xs, ws, strict=True))

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                assert ctx.needs_input_grad == (True, True)
                a, b, c, d = ctx.saved_tensors
                return [ct * c, ct * d], [ct * a, ct * b]

        y = Dot.apply([x, x], [w, pb.ones(3)]).sum()
        (gx,) = pb.autograd.grad(y, x, create_graph=True)
        assert gx.tolist() == [5.0, 6.0, 7.0]
        assert pb.autograd.grad(gx.sum(), w)[0].tolist() == [1.0, 1.0, 1.0]

    def test_a_dict_inside_a_dataclass(self, x: Any, w: Any) -> None:
        @dataclass
        class Layer:
            weights: dict[str, Any]
            name: str

        class Apply(Function):
            @staticmethod
            def forward(ctx: Any, layer: Layer, x: Any) -> Any:
                assert layer.name == "first"
                ctx.save_for_backward(layer.weights["a"], x)
                return layer.weights["a"] * x + layer.weights["b"]

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                a, x = ctx.saved_tensors
                return Layer({"a": ct * x, "b": ct}, None), ct * a

        b = pb.zeros(3, requires_grad=True)
        Apply.apply(Layer({"a": w, "b": b}, "first"), x).sum().backward()
        assert w.grad.tolist() == [1.0, 2.0, 3.0]
        assert b.grad.tolist() == [1.0, 1.0, 1.0]
        assert x.grad.tolist() == [4.0, 5.0, 6.0]

    def test_one_container_alone(self, x: Any, w: Any) -> None:
        function = made(forward=lambda ctx, xs: xs[0] + 2 * xs[1], backward=lambda ctx, ct: [ct, 2 * ct])
        function.apply([x, w]).sum().backward()
        assert (x.grad.tolist(), w.grad.tolist()) == ([1.0] * 3, [2.0] * 3)

    def test_none_for_a_container(self, x: Any, w: Any) -> None:
        function = made(forward=lambda ctx, x, rest: x + rest["w"], backward=lambda ctx, ct: (ct, None))
        function.apply(x, {"w": w}).sum().backward()
        assert x.grad.tolist() == [1.0] * 3
        assert w.grad is None

    @pytest.mark.parametrize("wrong", [1.0, [1.0], {"v": 1.0}, (1.0, 2.0)], ids=repr)
    def test_another_structure_is_refused(self, wrong: Any, x: Any, w: Any) -> None:
        function = made(forward=lambda ctx, x, rest: x + rest["w"] + rest["b"], backward=lambda ctx, ct: (ct, wrong))
        with pytest.raises(CotangentError, match=r"Made.backward returned \w+ for argument 1, a dict of 2"):
            function.apply(x, {"w": w, "b": w}).sum().backward()
        assert x.grad is None


class TestOutputs:
    def test_several(self, x: Any) -> None:
        seen = []

        def backward(ctx: Any, *cts: Any) -> Any:
            seen.append([ct.tolist() for ct in cts])
            return cts[0] * 2 + cts[1] * 3

        function = made(forward=lambda ctx, x: (x * 2, x * 3), backward=backward)
        one, other = function.apply(x)
        (other * 5).sum().backward()
        assert seen == [[[0.0] * 3, [5.0] * 3]]
        assert x.grad.tolist() == [15.0] * 3
        assert one.requires_grad

    def test_without_materializing(self, x: Any) -> None:
        seen = []

        def forward(ctx: Any, x: Any) -> Any:
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        def backward(ctx: Any, *cts: Any) -> Any:
            seen.append(tuple(ct is None for ct in cts))
            return cts[1] * 3

        made(forward=forward, backward=backward).apply(x)[1].sum().backward()
        assert seen == [(True, False)]

    def test_what_is_no_tensor_is_passed_on(self, x: Any) -> None:
        seen = []
        function = made(forward=lambda ctx, x: (x * 2, "text", 7), backward=lambda ctx, *cts: seen.append(cts[1:]))
        y, text, number = function.apply(x)
        y.sum().backward()
        assert (text, number, seen) == ("text", 7, [(None, None)])

    def test_nested(self, x: Any) -> None:
        def backward(ctx: Any, first: Any, rest: Any) -> Any:
            assert list(rest) == ["a", "b"]
            return first + 10 * rest["a"] + 100 * rest["b"][0]

        function = made(forward=lambda ctx, x: (x * 1, {"a": x * 10, "b": [x * 100]}), backward=backward)
        first, rest = function.apply(x)
        (first + rest["a"] + rest["b"][0]).sum().backward()
        assert x.grad.tolist() == [111.0] * 3

    def test_one_list(self, x: Any) -> None:
        function = made(forward=lambda ctx, x: [x * 1, x * 2], backward=lambda ctx, cts: cts[0] + 2 * cts[1])
        outputs = function.apply(x)
        assert type(outputs) is list
        outputs[1].sum().backward()
        assert x.grad.tolist() == [2.0] * 3

    def test_integers_never_require_grad(self, x: Any) -> None:
        function = made(forward=lambda ctx, x: (x * 2, pb.argmax(x)), backward=lambda ctx, ct, none: ct * 2)
        y, index = function.apply(x)
        assert not index.requires_grad
        y.sum().backward()
        assert x.grad.tolist() == [2.0] * 3

    def test_mark_non_differentiable(self, x: Any) -> None:
        def forward(ctx: Any, x: Any) -> Any:
            mask = x * 0 + 1
            ctx.mark_non_differentiable(mask)
            return x * 2, mask

        def backward(ctx: Any, ct: Any, of_mask: Any) -> Any:
            assert of_mask.tolist() == [0.0] * 3
            return ct * 2

        y, mask = made(forward=forward, backward=backward).apply(x)
        assert not mask.requires_grad
        assert mask.is_leaf
        (y * mask).sum().backward()
        assert x.grad.tolist() == [2.0] * 3

    def test_marking_what_is_not_returned_is_refused(self, x: Any) -> None:
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_non_differentiable(x * 1)
            return x * 2

        with pytest.raises(AutogradError, match="marked non-differentiable was not returned"):
            made(forward=forward).apply(x)

    @pytest.mark.parametrize("give", [lambda x: x, lambda x: x[:2], lambda x: x.T, lambda x: x.detach()], ids="isTd")
    @pytest.mark.parametrize("history", [False, True])
    def test_an_input_that_is_returned_becomes_a_copy(self, give: Any, history: bool, device: str) -> None:
        x = pb.tensor([1.0, 2.0, 3.0], requires_grad=history)
        function = made(forward=lambda ctx, x: give(x), backward=lambda ctx, ct: None)
        y = function.apply(x)
        assert y is not x
        with pb.no_grad():
            y += 10
        assert x.tolist() == [1.0, 2.0, 3.0]
        assert y.requires_grad is history

    def test_an_output_that_is_returned_twice(self, x: Any) -> None:
        def forward(ctx: Any, x: Any) -> Any:
            y = x * 2
            return y, y

        one, other = made(forward=forward, backward=lambda ctx, a, b: 2 * a + 20 * b).apply(x)
        with pb.no_grad():
            one += 1
        assert other.tolist() == [2.0, 4.0, 6.0]
        (one + other).sum().backward()
        assert x.grad.tolist() == [22.0] * 3


class TestInPlace:
    @staticmethod
    def doubling(*, mark: bool = True, give_back: bool = True, late: bool = False) -> type[Function]:
        def forward(ctx: Any, x: Any) -> Any:
            if mark and not late:
                ctx.mark_dirty(x)
            x *= 2
            if mark and late:
                ctx.mark_dirty(x)
            return x if give_back else x * 1

        return made(forward=forward)

    def test_mark_dirty(self, x: Any) -> None:
        y = x * 1
        z = self.doubling().apply(y)
        assert z is y
        assert y._version > 0
        assert y.grad_fn.name() == "MadeBackward"
        (y * y).sum().backward()
        assert x.grad.tolist() == [8.0, 16.0, 24.0]

    def test_through_a_view(self, x: Any) -> None:
        y = x * 1
        self.doubling().apply(y[:2])
        assert y.tolist() == [2.0, 4.0, 3.0]
        y.sum().backward()
        assert x.grad.tolist() == [2.0, 2.0, 1.0]

    def test_a_leaf_is_refused_before_it_is_written(self, x: Any) -> None:
        for part in (x, x[:2]):
            with pytest.raises(AutogradError, match=r"mark_dirty: a (view of a )?leaf that requires grad"):
                self.doubling().apply(part)
        assert x.tolist() == [1.0, 2.0, 3.0]

    def test_it_must_be_returned(self, x: Any) -> None:
        with pytest.raises(AutogradError, match="marked dirty was not returned"):
            self.doubling(give_back=False).apply(x * 1)

    @pytest.mark.parametrize("give_back", [False, True])
    def test_without_the_mark_it_is_refused(self, give_back: bool, x: Any) -> None:
        with pytest.raises(AutogradError, match=r"Made: forward wrote argument 0 in place; call ctx.mark_dirty"):
            self.doubling(mark=False, give_back=give_back).apply(x * 1)

    def test_a_buffer_without_gradient_may_be_written(self, x: Any) -> None:
        def forward(ctx: Any, x: Any, count: Any) -> Any:
            count += 1
            return x * 2

        count = pb.zeros(())
        made(forward=forward, backward=lambda ctx, ct: (ct * 2, None)).apply(x, count).sum().backward()
        assert float(count) == 1.0
        assert x.grad.tolist() == [2.0] * 3

    def test_a_saved_value_that_is_overwritten_is_noticed(self, x: Any) -> None:
        a = x * 1
        y = Square.apply(a)
        with pb.no_grad():
            a += 1
        with pytest.raises(OverwrittenError, match=r"SquareBackward: saved_tensors\[0\]"):
            y.sum().backward()
        assert x.grad is None

    def test_so_is_an_attribute(self, x: Any) -> None:
        def forward(ctx: Any, x: Any) -> Any:
            ctx.y = pb.exp(x)
            return ctx.y

        y = made(forward=forward, backward=lambda ctx, ct: ct * ctx.y).apply(x)
        with pb.no_grad():
            y += 1
        with pytest.raises(OverwrittenError, match=r"MadeBackward: ctx.y"):
            y.sum().backward()

    @pytest.mark.parametrize("create_graph", [False, True])
    @pytest.mark.parametrize("write", ["iadd", "mul_", "setitem", "under no_grad", "data"])
    def test_a_backward_that_writes_its_cotangent_is_harmless(
        self, write: str, create_graph: bool, device: str
    ) -> None:
        def backward(ctx: Any, ct: Any) -> Any:
            if write == "iadd":
                ct += 1
            elif write == "mul_":
                ct.mul_(2)
            elif write == "setitem":
                ct[0] = 7
            elif write == "data":
                ct.data.zero_()
            else:
                with pb.no_grad():
                    ct.zero_()
            return ct

        function = made(forward=lambda ctx, x: x * 1, backward=backward)
        a, b = pb.ones(3, requires_grad=True), pb.ones(3, requires_grad=True)
        given = pb.tensor([1.0, 2.0, 3.0])
        y = b * 1 + function.apply(a)
        pb.autograd.backward(y, given, create_graph=create_graph, retain_graph=False)
        assert b.grad.tolist() == [1.0, 2.0, 3.0]
        assert given.tolist() == [1.0, 2.0, 3.0]
        expected = {"iadd": [2.0, 3.0, 4.0], "mul_": [2.0, 4.0, 6.0], "setitem": [7.0, 2.0, 3.0]}
        assert a.grad.tolist() == expected.get(write, [0.0, 0.0, 0.0])


class TestRefusals:
    """A backward that returns what does not fit. No `.grad` changes."""

    @pytest.mark.parametrize(
        ("backward", "message"),
        [
            (lambda ctx, ct: (ct, ct, ct), r"Made.backward returned 3 cotangents for 2 arguments"),
            (lambda ctx, ct: ct, r"Made.backward returned 1 cotangents for 2 arguments"),
            (lambda ctx, ct: (), r"Made.backward returned 0 cotangents for 2 arguments"),
            (lambda ctx, ct: (1.0, None), r"Made.backward returned float for argument 0; return a Tensor or None"),
            (lambda ctx, ct: (np.ones(3), None), r"Made.backward returned ndarray for argument 0"),
            (lambda ctx, ct: (ct[:2], None), r"is float32\[2\] on .* for argument 0, which is float32\[3\]"),
            (lambda ctx, ct: (ct.sum(), None), r"is float32\[\] on .* for argument 0, which is float32\[3\]"),
            (lambda ctx, ct: (pb.stack([ct, ct]), None), r"is float32\[2, 3\] on .* for argument 0"),
            (lambda ctx, ct: (ct.double(), None), r"is float64\[3\] on .* which is float32\[3\]"),
            (lambda ctx, ct: (ct * 1j, None), r"is complex64\[3\] on .* which is float32\[3\]"),
            (lambda ctx, ct: (ct > 0, None), r"is bool\[3\] on .* which is float32\[3\]"),
            (lambda ctx, ct: (ct, ct), r"returned a cotangent for argument 1, which is not a Tensor"),
        ],
    )
    @pytest.mark.parametrize("create_graph", [False, True])
    def test_the_wrong_thing(self, backward: Any, message: str, create_graph: bool, x: Any, w: Any) -> None:
        y = made(backward=backward).apply(x, 2) * w
        with pytest.raises(CotangentError, match=message):
            y.sum().backward(create_graph=create_graph)
        assert x.grad is None
        assert w.grad is None

    def test_the_wrong_device(self) -> None:
        x = pb.ones(3, device="cpu", requires_grad=True)
        with pytest.raises(
            CotangentError, match=r"float32\[3\] on strict for argument 0, which is float32\[3\] on cpu"
        ):
            made(backward=lambda ctx, ct: ct.to("strict")).apply(x).sum().backward()

    def test_more_nones_are_fine(self, x: Any) -> None:
        made(backward=lambda ctx, ct: (ct, None, None)).apply(x).sum().backward()
        assert x.grad.tolist() == [1.0] * 3

    def test_none_is_no_gradient(self, x: Any) -> None:
        made(backward=lambda ctx, ct: None).apply(x).sum().backward()
        assert x.grad is None

    def test_no_backward(self, x: Any) -> None:
        class Forward(Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x * 2

        y = Forward.apply(x).sum()
        with pytest.raises(NotImplementedError, match="Forward defines no backward"):
            y.backward()

    def test_no_forward(self, x: Any) -> None:
        class Nothing(Function):
            pass

        with pytest.raises(NotImplementedError, match="must define forward"):
            Nothing.apply(x)

    def test_an_instance_says_how_it_is_written_today(self) -> None:
        with pytest.raises(RuntimeError, match=r"Square: a Function is not instantiated.*call Square.apply\(...\)"):
            Square()

    def test_saving_what_is_no_tensor(self, x: Any) -> None:
        for method in ("save_for_backward", "save_for_forward", "mark_dirty", "mark_non_differentiable"):
            function = made(forward=lambda ctx, x, method=method: getattr(ctx, method)(x, 3))
            with pytest.raises(TypeError, match=f"{method}: argument 1 is of type int"):
                function.apply(x)

    def test_none_may_be_saved(self, x: Any) -> None:
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(None, x)
            return x * x

        def backward(ctx: Any, ct: Any) -> Any:
            nothing, x = ctx.saved_tensors
            assert nothing is None
            return ct * 2 * x

        made(forward=forward, backward=backward).apply(x).sum().backward()
        assert x.grad.tolist() == [2.0, 4.0, 6.0]

    def test_an_attribute_that_was_never_stored(self, x: Any) -> None:
        with pytest.raises(AttributeError, match="ctx has no attribute 'factor': forward did not store it"):
            made(backward=lambda ctx, ct: ct * ctx.factor).apply(x).sum().backward()

    def test_a_second_pass(self, x: Any) -> None:
        y = Square.apply(x).sum()
        y.backward()
        with pytest.raises(RuntimeError, match=r"SquareBackward.*retain_graph=True"):
            y.backward()
        assert x.grad.tolist() == [2.0, 4.0, 6.0]


class TestGradients:
    def test_a_constant_that_backward_returns_is_not_written(self, x: Any) -> None:
        constant = pb.ones(3)
        function = made(backward=lambda ctx, ct: constant)
        for _ in range(3):
            function.apply(x).sum().backward()
        assert x.grad.tolist() == [3.0] * 3
        assert constant.tolist() == [1.0] * 3

    def test_one_tensor_for_two_arguments(self, x: Any, w: Any) -> None:
        function = made(forward=lambda ctx, x, w: x + w, backward=lambda ctx, ct: (ct, ct))
        function.apply(x, w).sum().backward()
        x.grad += 1
        assert w.grad.tolist() == [1.0] * 3


class Affine(Function):
    """Nested arguments and outputs, with all three rules."""

    @staticmethod
    def forward(ctx: Any, params: dict[str, Any], x: Any) -> Any:
        ctx.save_for_backward(params["a"], x)
        return {"y": params["a"] * x * x, "rest": (params["b"] * 1, "text")}

    @staticmethod
    def backward(ctx: Any, cts: dict[str, Any]) -> Any:
        a, x = ctx.saved_tensors
        return {"a": cts["y"] * x * x, "b": cts["rest"][0]}, cts["y"] * 2 * a * x

    @staticmethod
    def jvp(ctx: Any, moved: dict[str, Any], t: Any) -> Any:
        a, x = ctx.saved_tensors
        return {"y": moved["a"] * x * x + 2 * a * x * t, "rest": (moved["b"], None)}


def affine(a: Any, x: Any) -> Any:
    out = Affine.apply({"a": a, "b": a}, x)
    return out["y"] * 3 + out["rest"][0]


def plain(a: Any, x: Any) -> Any:
    return a * x * x * 3 + a


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: pb.func.grad(lambda a, x: f(a, x).sum(), (0, 1)),
        lambda f: pb.func.vmap(f),
        lambda f: pb.func.vmap(f, in_axes=(None, 0)),
        lambda f: pb.func.vmap(pb.func.grad(f, (0, 1))),
        lambda f: lambda a, x: pb.func.jvp(f, (a, x), (x, a)),
        lambda f: lambda a, x: pb.func.jvp(lambda x: f(a, x), (x,), (a,)),
        lambda f: pb.func.jacrev(f, (0, 1)),
        lambda f: pb.func.jacfwd(f, (0, 1)),
        lambda f: pb.func.hessian(lambda a, x: f(a, x).sum(), (0, 1)),
        lambda f: pb.func.grad(lambda a, x: pb.func.vmap(f)(a, x).sum(), (0, 1)),
    ],
)
def test_nested_values_under_transforms(transform: Any, device: str) -> None:
    a, x = (tensor(np.array(v), device) for v in ([1.5, -2.0], [0.5, 3.0]))
    found, expected = transform(affine)(a, x), transform(plain)(a, x)
    for one, other in zip(_leaves(found), _leaves(expected), strict=True):
        np.testing.assert_allclose(host(one), host(other), rtol=1e-12)


def _leaves(value: Any) -> list[Any]:
    return [leaf for part in value for leaf in _leaves(part)] if isinstance(value, tuple) else [value]


def test_save_for_forward_is_what_jvp_reads(device: str) -> None:
    class Cube(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            ctx.save_for_forward(x, x)
            return x**3

        @staticmethod
        def backward(ctx: Any, ct: Any) -> Any:
            (x,) = ctx.saved_tensors
            return ct * 3 * x**2

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            x, again = ctx.saved_tensors
            return t * 3 * x * again

    at = pb.tensor(2.0)
    assert float(pb.func.jvp(Cube.apply, (at,), (pb.tensor(1.0),))[1]) == 12.0
    assert float(pb.func.grad(Cube.apply)(at)) == 12.0


@pytest.mark.parametrize("materialize", [False, True])
def test_tangents_of_constants_in_jvp(materialize: bool, device: str) -> None:
    seen = []

    def forward(ctx: Any, x: Any, y: Any, n: int) -> Any:
        ctx.set_materialize_grads(materialize)
        return x + y

    def jvp(ctx: Any, t: Any, of_y: Any, of_n: Any) -> Any:
        seen.append((None if of_y is None else of_y.tolist(), of_n))
        return t

    function = made(forward=forward, jvp=jvp)
    pb.func.jvp(lambda x: function.apply(x, pb.ones(2), 3), (pb.ones(2),), (pb.ones(2),))
    assert seen == [([0.0, 0.0] if materialize else None, None)]
