"""The reverse pass: order, accumulation, freeing, aliasing, failure."""

from __future__ import annotations

import linecache
import math
import sys
import threading
import warnings
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import DEVICES, host, tensor
from pullback import graph
from pullback.errors import AutogradError, CotangentError, GraphFreedError
from pullback.rules import Rule


class TestOrder:
    def test_fan_out(self, device: str) -> None:
        x = pb.tensor(3.0, requires_grad=True)
        (x * x + x * 5 + pb.sin(x) * 0).backward()
        assert float(x.grad) == 11.0

    def test_the_same_tensor_as_both_operands(self, device: str) -> None:
        x = pb.tensor([3.0, -1.0], requires_grad=True)
        for y in (x + x, x * x, x - x, x / x, pb.maximum(x, x), pb.matmul(x, x), pb.atan2(x, x)):
            y.sum().backward()
        # 2, 2x, 0, 0, 1, 2x, 0
        np.testing.assert_allclose(host(x.grad), [3 + 4 * 3, 3 - 4], atol=1e-6)

    def test_a_diamond_with_sides_of_unequal_length(self, device: str) -> None:
        # y = (x^2)^2 * x^2 = x^6: the node of x^2 is reached twice, at different depths
        x = pb.tensor(2.0, requires_grad=True)
        a = x * x
        (a * a * a).backward()
        assert float(x.grad) == 6 * 2.0**5

    def test_a_long_way_and_a_short_way(self, device: str) -> None:
        x = pb.tensor(1.0, requires_grad=True)
        a = x * 2
        long = a
        for _ in range(50):
            long = long * 1
        (long * a).backward()  # 4 x^2
        assert float(x.grad) == 8.0

    def test_each_node_runs_once_however_many_paths_lead_to_it(self, device: str) -> None:
        x = pb.tensor(1.0, requires_grad=True, dtype=pb.float64)
        y = x
        for _ in range(60):  # 2 ** 60 paths
            y = y + y
        y.backward()
        assert float(x.grad) == 2.0**60

    def test_several_outputs_at_once(self, device: str) -> None:
        x = pb.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        pb.autograd.backward([y.sum(), (y * y).sum(), y], [None, None, pb.tensor([10.0, 20.0])])
        np.testing.assert_allclose(host(x.grad), [3 + 18 + 30, 3 + 36 + 60])

    def test_the_same_output_twice(self, device: str) -> None:
        x = pb.tensor(2.0, requires_grad=True)
        y = x * 3
        pb.autograd.backward([y, y])
        assert float(x.grad) == 6.0

    def test_an_output_that_is_also_an_intermediate(self, device: str) -> None:
        x = pb.tensor(2.0, requires_grad=True)
        y = x * x
        pb.autograd.backward([y, y * y])  # 2x + 4x^3
        assert float(x.grad) == 4.0 + 32.0

    def test_a_leaf_is_its_own_gradient(self, device: str) -> None:
        x = pb.tensor(2.0, requires_grad=True)
        x.backward()
        assert float(x.grad) == 1.0
        v = pb.ones(3, requires_grad=True)
        v.backward(pb.tensor([1.0, 2.0, 3.0]))
        assert v.grad.tolist() == [1.0, 2.0, 3.0]


class TestHigherOrder:
    def test_to_the_fourth_derivative(self, device: str) -> None:
        x = pb.tensor(3.0, requires_grad=True)
        y = x**3
        expected = [27.0, 18.0, 6.0]
        for value in expected:
            (y,) = pb.autograd.grad(y, x, create_graph=True)
            assert y.item() == value
        assert float(pb.autograd.grad(y * x, x)[0]) == 6.0

    def test_three_derivatives_through_every_kind_of_rule(self, device: str) -> None:
        # f = sum((A sin(x))^2) at x; compared with forward mode
        a = tensor([[1.0, 2.0], [0.5, -1.0]], device)
        x = tensor([0.3, 0.7], device, requires_grad=True)
        u = tensor([1.0, -2.0], device)

        def f(x: Any) -> Any:
            y = a @ pb.sin(x)
            return (y * y).sum()

        value = f(x)
        for _ in range(3):
            (g,) = pb.autograd.grad(value, x, create_graph=True)
            value = (g * u).sum()

        def pushed(n: int, x: Any) -> Any:
            return f(x) if n == 0 else pb.func.jvp(lambda x: pushed(n - 1, x), (x,), (u,))[1]

        np.testing.assert_allclose(value.item(), float(pushed(3, x.detach())), rtol=1e-12)

    def test_create_graph_accumulates_tensors_that_can_be_differentiated(self, device: str) -> None:
        x = pb.tensor(2.0, requires_grad=True)
        (x**3).backward(create_graph=True)
        assert x.grad.requires_grad
        first = x.grad
        x.grad = None
        first.backward()
        assert float(x.grad) == 12.0

    def test_create_graph_keeps_the_graph(self, device: str) -> None:
        x = pb.tensor(2.0, requires_grad=True)
        y = pb.exp(x)
        pb.autograd.grad(y, x, create_graph=True)
        pb.autograd.grad(y, x)

    def test_the_cotangent_can_be_differentiated(self, device: str) -> None:
        x = pb.tensor([1.0, 2.0], requires_grad=True)
        v = pb.ones(2, requires_grad=True)
        (g,) = pb.autograd.grad(x * x, x, v, create_graph=True)
        assert pb.autograd.grad(g.sum(), v)[0].tolist() == [2.0, 4.0]


class TestFreeing:
    def test_a_second_pass_raises_and_changes_nothing(self, device: str) -> None:
        x = pb.tensor([1.0, 2.0], requires_grad=True)
        y = (x * x).sum()
        y.backward()
        before = x.grad.tolist()
        with pytest.raises(GraphFreedError, match=r"MulBackward0.*retain_graph=True"):
            y.backward()
        with pytest.raises(GraphFreedError):
            pb.autograd.grad(y, x)
        assert x.grad.tolist() == before

    def test_a_graph_that_saved_nothing_can_be_used_again(self, device: str) -> None:
        x = pb.tensor([1.0, 2.0], requires_grad=True)
        y = (x + 1).sum()
        y.backward()
        y.backward()
        assert x.grad.tolist() == [2.0, 2.0]

    def test_retain_graph(self, device: str) -> None:
        x = pb.tensor(2.0, requires_grad=True)
        y = pb.exp(x) * x
        y.backward(retain_graph=True)
        y.backward(retain_graph=True)
        y.backward()
        np.testing.assert_allclose(float(x.grad), 9 * math.exp(2), rtol=1e-6)
        with pytest.raises(GraphFreedError):
            y.backward()

    def test_create_graph_without_retain_frees(self, device: str) -> None:
        x = pb.tensor(2.0, requires_grad=True)
        y = x * x
        (first,) = pb.autograd.grad(y, x, create_graph=True, retain_graph=False)
        with pytest.raises(GraphFreedError):
            y.backward()
        assert float(pb.autograd.grad(first, x)[0]) == 2.0

    def test_a_part_that_was_freed_by_another_pass(self, device: str) -> None:
        x = pb.tensor(2.0, requires_grad=True)
        shared = x * x
        one, other = shared * 2, pb.sin(shared)
        one.backward()
        with pytest.raises(GraphFreedError):
            other.backward()

    def test_a_failed_second_pass_does_not_spoil_the_rest_of_the_graph(self, device: str) -> None:
        x, y = pb.tensor(2.0, requires_grad=True), pb.tensor(3.0, requires_grad=True)
        used = x * x
        used.backward()
        total = used * y
        with pytest.raises(GraphFreedError):
            total.backward()
        assert float(x.grad) == 4.0
        assert y.grad is None


class TestAliasing:
    """No gradient shares memory with another, with an array of the user's, or with the cotangent passed in."""

    def test_two_gradients(self, device: str) -> None:
        a, b = pb.ones(3, requires_grad=True), pb.ones(3, requires_grad=True)
        v = pb.tensor([1.0, 2.0, 3.0])
        ga, gb = pb.autograd.grad(a + b, [a, b], v)
        ga *= 5
        assert gb.tolist() == [1.0, 2.0, 3.0]
        assert v.tolist() == [1.0, 2.0, 3.0]
        v *= 7
        assert ga.tolist() == [5.0, 10.0, 15.0]

    def test_two_leaves_and_the_cotangent(self, device: str) -> None:
        a, b = pb.ones(3, requires_grad=True), pb.ones(3, requires_grad=True)
        v = pb.tensor([1.0, 2.0, 3.0])
        (a + b).backward(v)
        a.grad *= 5
        assert b.grad.tolist() == [1.0, 2.0, 3.0]
        (a + b).backward(v)
        assert v.tolist() == [1.0, 2.0, 3.0]

    def test_a_view_of_the_cotangent(self, device: str) -> None:
        a = pb.ones(3, requires_grad=True)
        v = pb.ones(1, 3)
        a.reshape(1, 3).backward(v)
        a.reshape(1, 3).backward(v)
        assert v.tolist() == [[1.0, 1.0, 1.0]]
        assert a.grad.tolist() == [2.0, 2.0, 2.0]

    def test_the_leaf_itself(self, device: str) -> None:
        a = pb.ones(3, requires_grad=True)
        v = pb.ones(3)
        a.backward(v)
        a.grad += 1
        assert v.tolist() == [1.0, 1.0, 1.0]

    def test_saved_values(self, device: str) -> None:
        # d(a * b) / da is b's own values times 1
        a, b = pb.ones(3, requires_grad=True), pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = a * b
        ga, gb = pb.autograd.grad(y, [a, b], pb.ones(3), retain_graph=True)
        ga *= 0
        gb *= 0
        assert b.tolist() == [1.0, 2.0, 3.0]
        assert pb.autograd.grad(y, [a], pb.ones(3))[0].tolist() == [1.0, 2.0, 3.0]

    def test_the_same_input_twice(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        one, other = pb.autograd.grad((x * 3).sum(), [x, x])
        one *= 0
        assert other.tolist() == [3.0, 3.0]

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_recorded_gradients(self, create_graph: bool, device: str) -> None:
        a, b = pb.ones(3, requires_grad=True), pb.ones(3, requires_grad=True)
        v = pb.tensor([1.0, 2.0, 3.0], requires_grad=create_graph)
        ga, gb = pb.autograd.grad(a + b, [a, b], v, create_graph=create_graph)
        assert ga is not gb
        assert ga is not v
        ga *= 5
        assert gb.tolist() == v.tolist() == [1.0, 2.0, 3.0]
        (a + b).backward(v, create_graph=create_graph)
        assert a.grad is not b.grad
        assert a.grad is not v
        with pb.no_grad():
            a.grad *= 5
        assert b.grad.tolist() == v.tolist() == [1.0, 2.0, 3.0]

    def test_a_fan_in_of_shared_buffers(self, device: str) -> None:
        # every parent of these sums gets the same cotangent; adding up must not write into it
        a, b, c = (pb.zeros(2, requires_grad=True) for _ in range(3))
        s = a + b
        ((s + c) + (s + a) + (b + c) + s).sum().backward()
        assert a.grad.tolist() == [4.0, 4.0]
        assert b.grad.tolist() == [4.0, 4.0]
        assert c.grad.tolist() == [2.0, 2.0]

    def test_forgotten_gradients_stay_as_they_were(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        (x * 2).sum().backward()
        kept, x.grad = x.grad, None
        (x * 3).sum().backward()
        assert kept.tolist() == [2.0, 2.0]
        assert x.grad.tolist() == [3.0, 3.0]


class TestAccumulation:
    def test_into_the_same_object(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        (x * 2).sum().backward()
        first = x.grad
        (x * 3).sum().backward()
        assert x.grad is first
        assert first.tolist() == [5.0, 5.0]

    def test_into_the_same_memory_on_numpy(self) -> None:
        x = pb.ones(2, requires_grad=True)
        (x * 2).sum().backward()
        window = x.grad.numpy()
        (x * 3).sum().backward()
        assert window.tolist() == [5.0, 5.0]

    def test_onto_a_gradient_that_the_user_assigned(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        mine = pb.tensor([10.0, 20.0])
        x.grad = mine
        (x * 2).sum().backward()
        assert x.grad is mine
        assert mine.tolist() == [12.0, 22.0]

    def test_after_zero(self, device: str) -> None:
        x = pb.ones(2, requires_grad=True)
        for _ in range(3):
            (x * 2).sum().backward()
            assert x.grad.tolist() == [2.0, 2.0]
            x.grad.zero_()

    def test_a_window_on_the_gradient_cannot_be_written(self) -> None:
        x = pb.ones(2, requires_grad=True)
        (x * 2).sum().backward()
        with pytest.raises(ValueError, match="read-only"):
            x.grad.numpy()[0] = 5

    def test_0d(self, device: str) -> None:
        x = pb.tensor(1.0, requires_grad=True)
        (x * 2).backward()
        first = x.grad
        (x * 3).backward()
        assert x.grad is first
        assert float(first) == 5.0

    def test_across_create_graph(self, device: str) -> None:
        x = pb.tensor(2.0, requires_grad=True)
        (x**3).backward()
        (x**3).backward(create_graph=True)
        assert x.grad.item() == 24.0


class TestFailure:
    """A pass that fails leaves every `.grad` as it was, also where some leaves already had their share."""

    @staticmethod
    def failing(error: BaseException) -> Any:
        class Failing(pb.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x * 1

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                raise error

        return Failing.apply

    @pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), MemoryError()], ids=repr)
    @pytest.mark.parametrize("create_graph", [False, True])
    def test_a_rule_raises(self, error: BaseException, create_graph: bool, device: str) -> None:
        x, y = pb.ones(2, requires_grad=True), pb.ones(2, requires_grad=True)
        (y * 5).sum().backward()
        total = (self.failing(error)(x) + x * y * y).sum()
        with pytest.raises(type(error)):
            total.backward(create_graph=create_graph)
        assert x.grad is None
        assert y.grad.tolist() == [5.0, 5.0]

    def test_a_rule_returns_the_wrong_shape(self, device: str) -> None:
        wrong = pb.extend.linear("test::wrong", x=lambda xp, ct: xp.sum(ct), forward=lambda xp, x: x * 2)
        x, y = pb.ones(2, requires_grad=True), pb.ones(2, requires_grad=True)
        with pytest.raises(CotangentError, match=r"test::wrong: the rule for operand 0, which has shape \(2,\)"):
            (wrong(x) + y * y).sum().backward()
        assert x.grad is None
        assert y.grad is None

    def test_a_rule_returns_the_wrong_dtype(self, device: str) -> None:
        wrong = pb.extend.elementwise(
            "test::dtype", x=lambda xp, t, x: xp.astype(t, xp.float64), forward=lambda xp, x: x * 2
        )
        x = pb.ones(2, requires_grad=True)
        with pytest.raises(CotangentError, match=r"test::dtype.* float32, returned as its cotangent one of .*float64"):
            wrong(x).sum().backward()
        assert x.grad is None

    def test_a_rule_returns_no_array(self, device: str) -> None:
        wrong = pb.extend.linear("test::none", x=lambda xp, ct: 1.0, forward=lambda xp, x: x * 2)
        x = pb.ones(2, requires_grad=True)
        with pytest.raises(CotangentError, match=r"test::none.* returned as its cotangent a float"):
            wrong(x).sum().backward()

    def test_the_graph_can_be_used_again_if_it_was_retained(self, device: str) -> None:
        attempts = []

        class Sometimes(pb.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x * 1

            @staticmethod
            def backward(ctx: Any, ct: Any) -> Any:
                attempts.append(1)
                if len(attempts) == 1:
                    raise ValueError("not yet")
                return ct

        x = pb.ones(2, requires_grad=True)
        y = (Sometimes.apply(x) * x).sum()
        with pytest.raises(ValueError, match="not yet"):
            y.backward(retain_graph=True)
        y.backward()
        assert x.grad.tolist() == [2.0, 2.0]


class TestWarnings:
    def test_derivatives_do_not_warn_where_values_did_not(self, device: str) -> None:
        x = tensor([0.0, 4.0], device, requires_grad=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y = pb.sqrt(x)
            y.backward(pb.ones_like(y), retain_graph=True)
            pb.autograd.grad(y, x, pb.ones_like(y), create_graph=True)
            pb.func.jvp(pb.sqrt, (x.detach(),), (pb.ones_like(y),))
        assert x.grad.tolist() == [math.inf, 0.25]


class TestThreads:
    def test_threads_that_share_a_leaf_add_up(self) -> None:
        x = pb.ones(3, requires_grad=True)

        def work() -> None:
            for _ in range(200):
                (x * 2).sum().backward()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert x.grad.tolist() == [3200.0] * 3

    def test_independent_graphs(self) -> None:
        wrong: list[float] = []

        def work(a: float) -> None:
            x = pb.tensor(a, requires_grad=True, dtype=pb.float64)
            for _ in range(100):
                (g,) = pb.autograd.grad(x * x * x, x)
                if float(g) != 3 * a * a:
                    wrong.append(float(g))

        threads = [threading.Thread(target=work, args=(float(a),)) for a in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64, pb.complex64, pb.complex128], ids=repr)
def test_gradients_have_the_aval_of_their_leaf(dtype: Any, device: str) -> None:
    x = pb.ones(2, 3, dtype=dtype, device=device, requires_grad=True)
    y = x * 2 + 1
    (y * y.conj()).real.sum().backward()
    assert (x.grad.shape, x.grad.dtype, x.grad.device) == (x.shape, x.dtype, x.device)


def _large(*shape: int) -> Any:
    values = np.arange(math.prod(shape), dtype=np.float64).reshape(shape)
    return tensor(np.cos(values), requires_grad=True)


@pytest.mark.parametrize(
    ("call", "slope"),
    [
        (lambda x: x + x, lambda x: 2 + 0 * x),
        (lambda x: x * x, lambda x: 2 * x),
        (lambda x: x + x + x * x + x, lambda x: 3 + 2 * x),
        (lambda x: (x + x) * (x + 1.0) - x, lambda x: 4 * x + 1),
        (lambda x: pb.exp(x) + x * pb.exp(x) + x, lambda x: (2 + x) * np.exp(x) + 1),
        (lambda x: pb.sin(x) + pb.sin(x) * pb.sin(x) + x, lambda x: np.cos(x) * (1 + 2 * np.sin(x)) + 1),
    ],
)
def test_large_cotangents_are_added_in_memory_that_nobody_sees(call: Any, slope: Any) -> None:
    x = _large(300, 100)
    before = host(x).copy()
    seed = pb.asarray(np.sin(before))
    y = call(x)
    value = host(y).copy()
    for count in (1, 2, 3):
        y.backward(seed, retain_graph=True)
        np.testing.assert_allclose(host(x.grad), count * np.sin(before) * slope(before), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(host(x), before)
    np.testing.assert_array_equal(host(y), value)
    np.testing.assert_array_equal(host(seed), np.sin(before))


def test_a_leaf_that_nothing_depends_on_gets_nothing(device: str) -> None:
    x, unused = pb.ones(2, requires_grad=True), pb.ones(2, requires_grad=True)
    x.sum().backward()
    assert unused.grad is None


def test_detach_cuts(device: str) -> None:
    x = pb.tensor(3.0, requires_grad=True)
    y = x * x
    (y.detach() * x + y).backward()
    assert float(x.grad) == 9.0 + 6.0
    assert not y.detach().requires_grad
    z = pb.ones(2, requires_grad=True)
    assert not z.detach().requires_grad
    with pytest.raises(AutogradError):
        (y.detach() * 2).backward()


class TestAllOrNothing:
    """Whatever happens in a pass, wherever it happens: every `.grad` gets its share, or none does."""

    ERRORS = (ValueError, KeyboardInterrupt, MemoryError)
    ATOMIC = ("with ", "try:", "mine = memory", "mine += array")
    """Lines at which no interrupt comes: Python looks for one after calls and at the end of a round of a loop."""

    @staticmethod
    def leaves(device: str) -> list[Any]:
        """One leaf without a gradient, one with, one whose gradient is a view, one whose gradient is 0-d."""
        made = [tensor(np.ones(shape), device, requires_grad=True) for shape in ((3,), (3,), (3,), ())]
        made[1].grad = tensor(np.full(3, 5.0), device)
        made[2].grad = tensor(np.full(6, 7.0), device)[::2]
        made[3].grad = tensor(np.array(9.0), device)
        return made

    @staticmethod
    def loss(leaves: list[Any]) -> Any:
        a, b, c, d = leaves
        e = pb.sin(a * b) + c * d
        one, other = pb.unstack(pb.stack([e * e, e + a]))
        return (one * pb.exp(other) - pb.broadcast_to(d, (3,)) * b).sum() + (e[0] * c[1:]).sum()

    @staticmethod
    def gradients(leaves: list[Any]) -> list[Any]:
        return [None if x.grad is None else host(x.grad).tolist() for x in leaves]

    @staticmethod
    def nodes(loss: Any) -> list[Any]:
        order, seen = [loss._node], set()
        for node in order:
            for parent in graph.parents(node):
                if graph.is_node(parent) and id(parent) not in seen:
                    seen.add(id(parent))
                    order.append(parent)
        return order

    @pytest.mark.parametrize("error", ERRORS)
    @pytest.mark.parametrize(
        "options", [{}, {"retain_graph": True}, {"create_graph": True}, {"create_graph": True, "retain_graph": False}]
    )
    def test_at_every_node(self, options: dict[str, bool], error: type[BaseException], device: str) -> None:
        reference = self.leaves(device)
        self.loss(reference).backward()
        expected = self.gradients(reference)
        count = len(self.nodes(self.loss(self.leaves(device))))
        assert count > 15
        for k in range(count):
            leaves = self.leaves(device)
            before = self.gradients(leaves)
            loss = self.loss(leaves)
            node = self.nodes(loss)[k]
            original = node[graph.PULLBACK]

            class Failing(Rule):
                name = "Failing"
                rule = original.rule

                def __call__(self, ct: Any, x: Any, y: Any) -> Any:
                    raise error

                def over(self, xp: Any, mode: Any) -> Any:
                    return self

                def as_tensors(self, node: Any, wrap: Any) -> Any:
                    return None, None

            failing = Failing()
            failing.rule = failing
            node[graph.PULLBACK] = failing
            with pytest.raises(error):
                loss.backward(**options)
            assert self.gradients(leaves) == before
            node[graph.PULLBACK] = original
            kept = options.get("retain_graph", options.get("create_graph", False))
            try:
                loss.backward()
            except GraphFreedError:
                assert not kept, "the graph was to be kept"
                assert self.gradients(leaves) == before
            else:
                for found, right in zip(self.gradients(leaves), expected, strict=True):
                    np.testing.assert_allclose(found, right, rtol=1e-12)

    @pytest.mark.parametrize("error", ERRORS)
    def test_in_a_hook(self, error: type[BaseException], device: str) -> None:
        def fail(ct: Any) -> None:
            raise error

        for k in range(4):
            leaves = self.leaves(device)
            before = self.gradients(leaves)
            leaves[k].register_hook(fail)
            with pytest.raises(error):
                self.loss(leaves).backward()
            assert self.gradients(leaves) == before

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_at_every_line_of_adding_up(self, create_graph: bool, device: str) -> None:
        watched = {"accumulate", "begin_additions", "owned", "claim", "_write_through", "_written", "wrap", "copy"}

        def attempt(stop: int) -> tuple[bool, list[Any], list[Any]]:
            leaves = self.leaves(device)
            loss = self.loss(leaves)
            before = self.gradients(leaves)
            lines = 0

            def trace(frame: Any, event: str, arg: Any) -> Any:
                nonlocal lines
                if frame.f_code.co_name not in watched:
                    return None
                text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
                if event == "line" and not text.startswith(self.ATOMIC):
                    lines += 1
                    if lines == stop:
                        raise KeyboardInterrupt
                return trace

            sys.settrace(trace)
            try:
                loss.backward(create_graph=create_graph)
            except KeyboardInterrupt:
                done = False
            else:
                done = True
            finally:
                sys.settrace(None)
            return done, before, self.gradients(leaves)

        _, _, expected = attempt(-1)
        stop, unchanged = 1, 0
        while True:
            done, before, after = attempt(stop)
            if done:
                break
            pairs = [(a == b, a == c) for a, b, c in zip(after, before, expected, strict=True)]
            assert all(old for old, _ in pairs) or all(new for _, new in pairs), f"line {stop}: {pairs}"
            unchanged += all(old for old, _ in pairs)
            stop += 1
            assert stop < 1000
        assert unchanged > 20

    def test_a_gradient_of_another_shape(self, device: str) -> None:
        leaves = self.leaves(device)
        loss = sum(x.sum() for x in leaves)
        leaves[1].data = pb.ones(2, dtype=pb.float64)
        before = self.gradients(leaves)
        with pytest.raises(CotangentError, match=r"a gradient of shape \(3,\) arrived at a leaf of shape \(2,\)"):
            loss.backward()
        assert self.gradients(leaves) == before

    def test_a_warning_that_is_an_error(self) -> None:
        leaves = [pb.tensor([1.0], requires_grad=True) for _ in range(3)]
        for x in leaves:
            x.grad = pb.tensor([3e38])
        with np.errstate(over="raise"):
            sum(x + 0.0 for x in leaves).backward(pb.tensor([3e38]))
        assert [x.grad.tolist() for x in leaves] == [[math.inf]] * 3

    def test_two_leaves_with_one_gradient_object(self, device: str) -> None:
        a, b = pb.ones(2, requires_grad=True), pb.ones(2, requires_grad=True)
        a.grad = b.grad = pb.zeros(2)
        (a * 2 + b * 3).sum().backward()
        assert a.grad.tolist() == [5.0, 5.0]

    def test_a_gradient_that_is_a_part_of_a_buffer(self, device: str) -> None:
        buffer = pb.zeros(4)
        a, b = pb.ones(2, requires_grad=True), pb.ones(2, requires_grad=True)
        a.grad, b.grad = buffer[:2], buffer[2:]
        for _ in range(2):
            (a * 2 + b * 3).sum().backward()
        assert buffer.tolist() == [4.0, 4.0, 6.0, 6.0]
        assert a.grad.tolist() == [4.0, 4.0]
