"""Hooks of Tensors, nodes and leaves: when they run, what they see, what they may change, and what they may not."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host
from pullback.errors import AutogradError, CotangentError


def leaf(*values: float) -> Any:
    return pb.tensor(values, requires_grad=True)


# --- the order -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_order_at_a_node_is_tensor_retained_pre_rule_post(create_graph: bool) -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    y.retain_grad()
    seen: list[tuple[str, Any]] = []
    y.register_hook(lambda ct: seen.append(("tensor", ct.tolist())) or 10 * ct)
    y.grad_fn.register_hook(lambda ins, outs: seen.append(("post", ins[0].tolist(), outs[0].tolist())))
    y.grad_fn.register_prehook(lambda outs: seen.append(("pre", outs[0].tolist())))
    y.sum().backward(create_graph=create_graph)
    assert seen == [("tensor", [1.0, 1.0]), ("pre", [10.0, 10.0]), ("post", [30.0, 30.0], [10.0, 10.0])]
    assert y.grad.tolist() == [10.0, 10.0]
    assert x.grad.tolist() == [30.0, 30.0]


def test_the_order_at_a_leaf_is_tensor_pre_addition_post_accumulated() -> None:
    x = leaf(1.0)
    seen: list[str] = []
    accumulator = (x * 1).grad_fn.next_functions[0][0]
    x.register_post_accumulate_grad_hook(lambda p: seen.append(f"accumulated {p.grad.tolist()}"))
    accumulator.register_hook(lambda ins, outs: seen.append(f"post {len(ins)} {outs[0].tolist()} {x.grad.tolist()}"))
    accumulator.register_prehook(lambda outs: seen.append(f"pre {outs[0].tolist()} {x.grad}") or (outs[0] + 1,))
    x.register_hook(lambda ct: seen.append(f"tensor {ct.tolist()} {x.grad}"))
    (x * 2).sum().backward()
    assert seen == ["tensor [2.0] None", "pre [2.0] None", "post 0 [3.0] [3.0]", "accumulated [3.0]"]


def test_a_leaf_hook_runs_once_with_all_that_arrived() -> None:
    x = leaf(1.0, 2.0)
    seen: list[Any] = []
    x.register_hook(lambda ct: seen.append(ct.tolist()))
    (x * 2 + x * 3).sum().backward()
    assert seen == [[5.0, 5.0]]


def test_hooks_run_in_the_order_in_which_they_were_registered_each_on_what_the_one_before_returned() -> None:
    x = leaf(1.0)
    x.register_hook(lambda ct: ct + 1)
    x.register_hook(lambda ct: ct * 10)
    x.sum().backward()
    assert x.grad.tolist() == [20.0]


# --- what they see and change ----------------------------------------------------------------------------------------


def test_hooks_run_in_each_kind_of_pass(device: str) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y.register_hook(lambda ct: 2 * ct)
    x.register_hook(lambda ct: 3 * ct)
    z = y.sum()
    assert [g.tolist() for g in pb.autograd.grad(z, [x, y], retain_graph=True)] == [[12.0, 24.0], [2.0, 2.0]]
    assert [g.tolist() for g in pb.autograd.grad(z, [x, y], create_graph=True)] == [[12.0, 24.0], [2.0, 2.0]]
    z.backward(inputs=[x], retain_graph=True)
    assert x.grad.tolist() == [12.0, 24.0]
    with pb.autograd.ieee_products():
        z.backward()
    assert x.grad.tolist() == [24.0, 48.0]


def test_what_a_hook_computes_is_differentiated_again() -> None:
    x = leaf(3.0)
    y = x * x
    y.register_hook(lambda ct: ct * x)  # x * 2x
    (first,) = pb.autograd.grad(y.sum(), x, create_graph=True)
    assert first.tolist() == [18.0]
    (second,) = pb.autograd.grad(first.sum(), x)
    assert second.tolist() == [12.0]


def test_a_hook_in_a_pass_that_is_not_recorded_is_not_recorded() -> None:
    x = leaf(3.0)
    y = x * x
    seen: list[bool] = []
    y.register_hook(lambda ct: seen.append((ct * x).requires_grad))
    y.sum().backward(retain_graph=True)
    pb.autograd.grad(y.sum(), x, create_graph=True)
    assert seen == [False, True]


def test_hooks_of_the_outputs_of_an_op_with_several() -> None:
    x = pb.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    a, b = pb.unstack(x)
    a.register_hook(lambda ct: 10 * ct)
    seen: list[Any] = []
    a.grad_fn.register_prehook(lambda outs: seen.append([None if o is None else o.tolist() for o in outs]))
    (a * 2).sum().backward(retain_graph=True)
    assert x.grad.tolist() == [[20.0, 20.0], [0.0, 0.0]]
    (b * 3).sum().backward()
    assert x.grad.tolist() == [[20.0, 20.0], [3.0, 3.0]]


def test_a_hook_that_writes_its_cotangent_harms_nobody() -> None:
    x = leaf(1.0, 1.0)
    y = x * 2

    def spoil(ct: Any) -> None:
        ct *= 100

    (y + x).register_hook(spoil)
    z = y + x
    z.register_hook(spoil)
    z.grad_fn.register_prehook(lambda outs: spoil(outs[0]))
    x.register_hook(spoil)
    z.backward(pb.ones(2))
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_constant_that_a_hook_returns_is_not_written() -> None:
    x = leaf(1.0)
    mine = pb.tensor([5.0])
    x.register_hook(lambda _: mine)
    x.sum().backward()
    x.sum().backward()
    assert mine.tolist() == [5.0]
    assert x.grad.tolist() == [10.0]


def test_a_hook_registered_while_the_pass_runs_waits_for_its_node() -> None:
    x = leaf(2.0)
    y = x * x
    z = y * 1
    z.register_hook(lambda ct: y.register_hook(lambda ct: 5 * ct) and None)
    z.sum().backward()
    assert x.grad.tolist() == [20.0]


def test_a_hook_stays_with_the_value_that_its_tensor_had() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    given: list[object] = []
    y.register_hook(lambda ct: given.append(("old", ct.tolist())))
    y[0] *= 3
    y.register_hook(lambda ct: given.append(("new", ct.tolist())))
    (y * 5).sum().backward()
    assert given == [("new", [5.0, 5.0]), ("old", [15.0, 5.0])]


@pytest.mark.parametrize("depth", [1, 2])
def test_a_write_without_history_leaves_the_hooks_of_a_view(depth: int) -> None:
    x = leaf(1.0, 2.0)
    base = x * 1
    view = base[:]
    for _ in range(depth - 1):
        view = view[:]
    view.retain_grad()
    view.register_hook(lambda ct: ct * 10)
    with pb.no_grad():
        base += 1
    (view * 3).sum().backward()
    assert x.grad.tolist() == view.grad.tolist() == [30.0, 30.0]


# --- retain_grad -----------------------------------------------------------------------------------------------------


def test_retained_gradients_add_up_and_are_nobody_elses() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    assert y.retains_grad
    assert y.grad is None
    seed = pb.ones(2)
    y.backward(seed, retain_graph=True)
    y.grad[0] = 9.0
    y.backward(seed)
    assert y.grad.tolist() == [10.0, 2.0]
    assert seed.tolist() == [1.0, 1.0]
    assert x.grad.tolist() == [4.0, 4.0]


def test_what_is_retained_is_the_gradient_of_the_newest_value() -> None:
    y = leaf(1.0, 2.0) * 1
    y.retain_grad()
    first = (y * 5).sum()
    y *= 3
    (y * 7).sum().backward(retain_graph=True)
    assert y.grad.tolist() == [7.0, 7.0]
    first.backward()  # through the old value alone
    assert y.grad.tolist() == [7.0, 7.0]


def test_a_view_retains_the_gradient_of_its_newest_value() -> None:
    base = leaf(1.0, 2.0) * 1
    view, sibling = base[:], base[:]
    view.retain_grad()
    sibling.retain_grad()
    old = view * 5
    view *= 2
    (view + sibling).sum().backward(retain_graph=True)
    assert view.grad.tolist() == sibling.grad.tolist() == [1.0, 1.0]
    base += 1
    old.sum().backward()  # nobody has looked at the views since the write
    assert view.grad.tolist() == [1.0, 1.0]


def test_a_view_that_lost_its_history_retains_nothing() -> None:
    y = leaf(1.0) * 1
    y.retain_grad()
    z = y * 2
    y.zero_()
    z.sum().backward()
    assert y.grad is None


def test_retain_grad_on_a_leaf_changes_nothing() -> None:
    x = leaf(1.0)
    x.retain_grad()
    assert not x.retains_grad
    x.sum().backward()
    assert x.grad.tolist() == [1.0]


def test_the_grad_of_another_non_leaf_warns() -> None:
    y = leaf(1.0) * 2
    with pytest.warns(UserWarning, match="retain_grad"):
        assert y.grad is None


def test_nothing_can_be_retained_or_hooked_without_a_gradient() -> None:
    x = pb.tensor([1.0])
    for call in (x.retain_grad, lambda: x.register_hook(print), lambda: x.register_post_accumulate_grad_hook(print)):
        with pytest.raises(AutogradError, match="does not require grad"):
            call()
    with pytest.raises(AutogradError, match="at leaves only"):
        (leaf(1.0) * 2).register_post_accumulate_grad_hook(print)
    with pytest.raises(TypeError, match="a hook is a function, got int"):
        leaf(1.0).register_hook(3)


# --- handles ---------------------------------------------------------------------------------------------------------


def test_a_removed_hook_does_not_run() -> None:
    x = leaf(1.0)
    handle = x.register_hook(lambda ct: 10 * ct)
    handle.remove()
    handle.remove()
    with x.register_hook(lambda ct: 3 * ct):
        x.sum().backward()
    x.sum().backward()
    assert x.grad.tolist() == [4.0]


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "match"),
    [
        (3.0, "hook 'wrong'.*returned a float"),
        (pb.ones(3), r"has shape \(2,\), the hook returned one of shape \(3,\)"),
        (pb.ones(2, dtype=pb.float64), "has dtype .*float32.*float64"),
        (pb.ones(2, device="strict"), "has device cpu.*strict"),
    ],
)
@pytest.mark.parametrize("where", ["node", "leaf", "prehook", "posthook"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_that_does_not_fit_is_refused_and_no_grad_changes(
    returned: Any, match: str, where: str, create_graph: bool
) -> None:
    x, other = leaf(1.0, 2.0), leaf(1.0, 1.0)
    y = x * 2

    def wrong(*_: Any) -> Any:
        return returned if where in ("node", "leaf") else (returned,)

    register = {
        "node": y.register_hook,
        "leaf": x.register_hook,
        "prehook": y.grad_fn.register_prehook,
        "posthook": y.grad_fn.register_hook,
    }
    register[where](wrong)
    with pytest.raises(CotangentError, match=match):
        (y + other).sum().backward(create_graph=create_graph)
    assert x.grad is None
    assert other.grad is None


def test_a_hook_must_return_as_many_gradients_as_there_are() -> None:
    y = leaf(1.0) * 2
    y.grad_fn.register_hook(lambda ins, outs: (ins[0], ins[0]))
    with pytest.raises(CotangentError, match="returned 2 gradients for 1"):
        y.sum().backward()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("where", ["tensor", "leaf", "retained", "multi"])
def test_a_hook_that_raises_leaves_every_grad_as_it_was(error: type[BaseException], where: str) -> None:
    x, other = leaf(1.0), leaf(2.0)
    other.grad = pb.tensor([7.0])
    y = x * other
    y.retain_grad()

    def fail(*_: Any) -> None:
        raise error("on purpose")

    if where == "multi":
        pb.autograd.graph.register_multi_grad_hook([x, y], fail)
    else:
        {"tensor": y, "retained": y, "leaf": x}[where].register_hook(fail)
    with pytest.raises(error, match="on purpose"):
        y.sum().backward()
    assert x.grad is None
    assert y.grad is None
    assert other.grad.tolist() == [7.0]


def test_an_error_after_the_addition_leaves_the_new_gradients() -> None:
    x = leaf(1.0)

    def fail(_: Any) -> None:
        raise RuntimeError("too late")

    x.register_post_accumulate_grad_hook(fail)
    with pytest.raises(RuntimeError, match="too late"):
        (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]


# --- several Tensors -------------------------------------------------------------------------------------------------


def test_one_hook_for_several_tensors_is_called_once_a_pass_with_all() -> None:
    x, y, unused = leaf(1.0), leaf(2.0), leaf(3.0)
    product = x * y
    seen: list[Any] = []
    handle = pb.autograd.graph.register_multi_grad_hook([x, product, unused], seen.append)
    (product + x).sum().backward(retain_graph=True)
    assert [None if ct is None else ct.tolist() for ct in seen[0]] == [[3.0], [1.0], None]
    handle.remove()
    product.sum().backward()
    assert len(seen) == 1


def test_any_is_called_with_the_first_alone() -> None:
    x = leaf(1.0)
    y = x * 2
    z = y * 3
    seen: list[Any] = []
    pb.autograd.graph.register_multi_grad_hook([x, y, z], lambda ct: seen.append(ct.tolist()), mode="any")
    z.sum().backward()
    z2 = (x * 5).sum()
    z2.backward()
    assert seen == [[1.0], [5.0]]
    with pytest.raises(ValueError, match="mode is 'all' or 'any'"):
        pb.autograd.graph.register_multi_grad_hook([x], print, mode="some")


def test_a_pass_inside_a_hook_gathers_for_itself() -> None:
    x, w = leaf(2.0), leaf(1.0)
    seen: list[Any] = []
    pb.autograd.graph.register_multi_grad_hook([x, w], lambda cts: seen.append([c is not None for c in cts]))
    y = x * 3

    def inner(_: Any) -> None:
        with pb.enable_grad():
            (w * 2).sum().backward()

    y.register_hook(inner)
    y.sum().backward()
    assert seen == [[False, True], [True, False]]
    assert w.grad.tolist() == [2.0]


# --- memory ----------------------------------------------------------------------------------------------------------


def test_hooks_make_no_cycles() -> None:
    gc.disable()
    try:
        x = leaf(1.0)
        y = x * 2
        y.retain_grad()
        y.register_hook(lambda ct: ct)
        y.grad_fn.register_prehook(lambda outs: None)
        x.register_post_accumulate_grad_hook(lambda p: None)
        y.sum().backward()
        dead = weakref.ref(x), weakref.ref(y)
        del x, y
        assert [ref() for ref in dead] == [None, None]
    finally:
        gc.enable()


def test_hooks_see_batches_under_vmap_and_constants_of_forward_mode() -> None:
    def f(x: Any) -> Any:
        y = x * x
        y.register_hook(lambda ct: 2 * ct)
        return y.sum()

    batch = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(host(pb.func.vmap(pb.func.grad(f))(batch)), 4 * host(batch))
    _, tangent = pb.func.jvp(pb.func.grad(f), (batch[0],), (pb.ones(2),))
    assert tangent.tolist() == [4.0, 4.0]
