"""The twelve places where PyTorch 2.13 is silently wrong: here each gives the right value, or refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.errors import AnomalyError, AutogradError, CotangentError, NoDerivativeError, OverwrittenError

once_differentiable = pb.autograd.function.once_differentiable


def leaf(*values: float, device: str = "cpu") -> Any:
    return tensor(np.asarray(values), device, requires_grad=True)


class Cube(pb.autograd.Function):
    """x**3, with a backward that saves what it likes."""

    save_intermediate = False

    @classmethod
    def of(cls, **body: Any) -> type[pb.autograd.Function]:
        return type("Cube", (cls,), body)

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, ct: Any) -> Any:
        return ct * 3 * ctx.saved_tensors[0] ** 2


# --- 1 and 2: second derivatives ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cotangent", ["implied", "constant", "requires grad"])
def test_1_once_differentiable_refuses_whatever_the_cotangent_is(cotangent: str, device: str) -> None:
    once = Cube.of(backward=staticmethod(once_differentiable(Cube.backward)))
    x = leaf(2.0, device=device)
    seed = {"implied": None, "constant": tensor([1.0], device), "requires grad": leaf(1.0, device=device)}[cotangent]
    assert host(pb.autograd.grad(once.apply(x), x, seed)[0]).tolist() == [12.0]
    (first,) = pb.autograd.grad(once.apply(x), x, seed, create_graph=True)
    assert host(first).tolist() == [12.0]
    with pytest.raises(NoDerivativeError, match="once_differentiable"):
        pb.autograd.grad(first.sum(), x)
    with pytest.raises(NoDerivativeError, match="once_differentiable"):
        pb.func.grad(lambda x: pb.func.grad(lambda x: once.apply(x).sum())(x).sum())(x.detach())


def test_2_a_saved_intermediate_refuses_and_a_saved_input_or_output_does_not(device: str) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x * x)
        return x * x * x

    def backward(ctx: Any, ct: Any) -> Any:
        return ct * 3 * ctx.saved_tensors[0]

    lost = Cube.of(forward=staticmethod(forward), backward=staticmethod(backward))
    x = leaf(2.0, device=device)
    assert host(pb.autograd.grad(lost.apply(x), x)[0]).tolist() == [12.0]
    with pytest.raises(NoDerivativeError, match="neither an input nor an output"):
        pb.autograd.grad(lost.apply(x), x, create_graph=True)
    (first,) = pb.autograd.grad(Cube.apply(x), x, create_graph=True)
    assert host(pb.autograd.grad(first.sum(), x)[0]).tolist() == [12.0]


# --- 3: det ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    ("matrix", "adjugate"),
    [
        ([[1.0, 2.0], [2.0, 4.0]], [[4.0, -2.0], [-2.0, 1.0]]),
        ([[0.0, 0.0], [0.0, 3.0]], [[3.0, 0.0], [0.0, 0.0]]),
        ([[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]),
        (
            [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
            [[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]],
        ),
    ],
)
def test_3_det_is_right_at_singular_matrices(matrix: Any, adjugate: Any, create_graph: bool, device: str) -> None:
    """The gradient of det is the transpose of the adjugate, which these symmetric cofactors are."""
    a = tensor(np.asarray(matrix), device, requires_grad=True)
    (grad,) = pb.autograd.grad(pb.linalg.det(a), a, create_graph=create_graph)
    np.testing.assert_allclose(host(grad), adjugate, atol=1e-13)
    unit = np.zeros_like(matrix)
    unit[0, 0] = 1.0
    _, tangent = pb.func.jvp(pb.linalg.det, (a.detach(),), (tensor(unit, device),))
    np.testing.assert_allclose(host(tangent), adjugate[0][0], atol=1e-13)


# --- 4: a backward that writes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
def test_4_a_backward_that_writes_its_cotangent_harms_nobody_else(create_graph: bool, device: str) -> None:
    class Doubles(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, ct: Any) -> Any:
            return ct.mul_(2)

    a, b = leaf(1.0, 2.0, device=device), leaf(3.0, 4.0, device=device)
    seed = tensor([1.0, 1.0], device)
    grads = pb.autograd.grad(Doubles.apply(a) + b, (a, b), seed, create_graph=create_graph)
    assert [host(g).tolist() for g in grads] == [[2.0, 2.0], [1.0, 1.0]]
    assert host(seed).tolist() == [1.0, 1.0]


# --- 5: aliasing -------------------------------------------------------------------------------------------------------


def test_5_no_gradient_shares_memory_with_the_user_or_another(device: str) -> None:
    a, b = leaf(1.0, 2.0, device=device), leaf(3.0, 4.0, device=device)
    seed = tensor([1.0, 1.0], device)
    a.backward(seed)
    a.backward(seed)
    pb.reshape(b, (2,)).backward(seed)
    b.grad.mul_(5)
    assert [host(t).tolist() for t in (seed, a.grad, b.grad)] == [[1.0, 1.0], [2.0, 2.0], [5.0, 5.0]]
    ga, gb = pb.autograd.grad(a + b, (a, b), seed)
    ga.mul_(7)
    assert [host(t).tolist() for t in (seed, ga, gb)] == [[1.0, 1.0], [7.0, 7.0], [1.0, 1.0]]


# --- 6: aliases of memory -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["data", "detach"])
def test_6_a_write_through_data_or_detach_is_noticed(name: str, device: str) -> None:
    x = leaf(1.0, 2.0, device=device)
    y = x * 1
    z = (y * y).sum()
    alias = y.data if name == "data" else y.detach()
    alias[0] = 100.0
    with pytest.raises(OverwrittenError):
        z.backward()
    assert x.grad is None


def test_6_numpy_gets_a_window_that_cannot_be_written() -> None:
    x = leaf(1.0, 2.0)
    for window in (x.detach().numpy(), np.asarray(x.detach()), x.data.numpy()[:1]):
        with pytest.raises(ValueError, match="read-only"):
            window *= 5
    assert x.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("create_graph", [False, True])
def test_6_fingerprints_notice_writes_to_memory_that_was_shared_before(create_graph: bool) -> None:
    memory = np.asarray([1.0, 2.0])
    shared, x = pb.from_numpy(memory), leaf(3.0, 4.0)
    with pb.autograd.graph.fingerprints():
        good, bad = (shared * x).sum(), (shared * x).sum()
    assert host(pb.autograd.grad(good, x, create_graph=create_graph)[0]).tolist() == [1.0, 2.0]
    memory[0] = 100.0
    with pytest.raises(OverwrittenError, match=r"x1, of shape \(2,\), .* not through a Tensor"):
        pb.autograd.grad(bad, x, create_graph=create_graph)
    with pytest.raises(OverwrittenError):
        bad.backward()
    assert x.grad is None


def test_6_fingerprints_know_what_general_ops_and_functions_save(device: str) -> None:
    x = leaf(1.0, 2.0, 3.0, device=device)

    def all_of(x: Any) -> Any:
        return pb.prod(x) + Cube.apply(x).sum() + pb.cumulative_prod(x).sum() + (x @ x) + pb.where(x > 1, x, 0.0).sum()

    (plain,) = pb.autograd.grad(all_of(x), x)
    with pb.autograd.graph.fingerprints():
        out = all_of(x)
    np.testing.assert_array_equal(host(pb.autograd.grad(out, x)[0]), host(plain))


def test_6_fingerprints_guard_functions_of_the_user() -> None:
    memory = np.asarray([1.0, 2.0])
    x = pb.from_numpy(memory).requires_grad_()
    with pb.autograd.graph.fingerprints():
        out = Cube.apply(x).sum()
    memory[0] = 100.0
    with pytest.raises(OverwrittenError, match="saved_tensors"):
        out.backward()


def test_6_increment_version_says_that_memory_was_written(device: str) -> None:
    x = leaf(1.0, 2.0, device=device)
    w = tensor([1.0, 1.0], device)
    before, unrelated = (w * x).sum(), (x * x).sum()
    version = w._version
    pb.autograd.graph.increment_version([w])
    assert w._version == version + 1
    with pytest.raises(OverwrittenError):
        before.backward()
    unrelated.backward()
    (w * x).sum().backward()
    assert host(x.grad).tolist() == [3.0, 5.0]


# --- 7: NaN of the forward computation ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of the logarithm of a negative number, rightly
def test_7_a_nan_of_the_forward_computation_is_an_anomaly(device: str) -> None:
    x = leaf(1.0, 2.0, device=device)
    with pb.autograd.detect_anomaly():
        loss = pb.log(-x).sum()
        with pytest.raises(AnomalyError, match=r"(?s)output 0 is nan.*LogBackward0.*test_silent_failures"):
            loss.backward()
    assert x.grad is None


# --- 8: what was not taken ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: pb.where(x > 0, pb.sqrt(x), 0.0),
        lambda x: pb.where(x != 0, pb.sin(x) / x, 1.0) * (x > 0),
        lambda x: pb.where(x > 0, pb.log(x), 0.0),
        lambda x: pb.sqrt(x)[x > 0],
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the branch not taken is computed all the same
def test_8_the_branch_not_taken_contributes_nothing(function: Any, device: str) -> None:
    x = leaf(0.0, -1.0, 4.0, device=device)
    function(x).sum().backward()
    assert host(x.grad)[:2].tolist() == [0.0, 0.0]
    assert np.isfinite(host(x.grad)[2])
    assert host(x.grad)[2] != 0.0


# --- 9 and 10: what a Function takes and returns -----------------------------------------------------------------------


def test_9_tensors_in_a_list_argument_are_tracked(device: str) -> None:
    class Dot(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, pair: list[Any], scale: dict[str, Any]) -> Any:
            ctx.save_for_backward(*pair, scale["by"])
            return (pair[0] * pair[1]).sum() * scale["by"]

        @staticmethod
        def backward(ctx: Any, ct: Any) -> Any:
            a, b, by = ctx.saved_tensors
            return [ct * by * b, ct * by * a], {"by": ct * (a * b).sum()}

    a, b, by = leaf(1.0, 2.0, device=device), leaf(3.0, 4.0, device=device), leaf(2.0, device=device)
    Dot.apply([a, b], {"by": by}).backward()
    assert [host(t.grad).tolist() for t in (a, b, by)] == [[6.0, 8.0], [2.0, 4.0], [11.0]]


@pytest.mark.parametrize("wrong", [lambda ct: pb.ones((5, 2), dtype=ct.dtype), lambda ct: ct.to(pb.float32)])
def test_10_a_gradient_of_another_shape_or_dtype_is_refused(wrong: Any, device: str) -> None:
    x = leaf(1.0, 2.0, device=device)
    with pytest.raises(CotangentError, match=r"backward returned a cotangent that is .* for argument 0"):
        Cube.of(backward=staticmethod(lambda ctx, ct: wrong(ct))).apply(x).sum().backward()
    assert x.grad is None


# --- 11: modes and tasks -----------------------------------------------------------------------------------------------


def test_11_no_grad_reaches_its_own_coroutine_and_no_other_task() -> None:
    seen: dict[str, list[bool]] = {"decorated": [], "inside": [], "other": []}

    @pb.no_grad()
    async def decorated() -> None:
        for _ in range(3):
            seen["decorated"].append(pb.is_grad_enabled())
            await asyncio.sleep(0)

    async def inside() -> None:
        with pb.no_grad():
            for _ in range(3):
                seen["inside"].append(pb.is_grad_enabled())
                await asyncio.sleep(0)

    async def other() -> None:
        for _ in range(3):
            seen["other"].append(pb.is_grad_enabled())
            await asyncio.sleep(0)

    async def all_three() -> None:
        await asyncio.gather(decorated(), inside(), other())

    asyncio.run(all_three())
    assert seen == {"decorated": [False] * 3, "inside": [False] * 3, "other": [True] * 3}


# --- 12: a loss that nothing stands behind -----------------------------------------------------------------------------


def test_12_a_revived_loss_warns_that_nothing_upstream_learns(device: str) -> None:
    w = leaf(1.0, 2.0, device=device)
    with pb.no_grad():
        computed = (w * w).sum()
    for loss in ((w * w).sum().detach(), (w * w).sum().data, computed, (w.detach() * 2).sum()):
        loss.requires_grad_()
        with pytest.warns(UserWarning, match="output 0 became a leaf by requires_grad_"):
            loss.backward()
    assert w.grad is None


def test_12_leaves_that_are_meant_do_not_warn(device: str) -> None:
    made = pb.tensor(2.0, device=device, requires_grad=True)
    made.backward()
    assert host(made.grad) == 1.0
    x = tensor([1.0, 2.0], device).requires_grad_()
    x.backward(tensor([1.0, 1.0], device))  # who gives the gradient knows where it goes
    part = (x * 2).detach().requires_grad_()  # truncated backpropagation: the leaf is no output
    (part * part).sum().backward()
    assert [host(t.grad).tolist() for t in (x, part)] == [[1.0, 1.0], [4.0, 8.0]]


def test_12_a_loss_that_was_not_revived_is_refused(device: str) -> None:
    with pytest.raises(AutogradError, match="does not require grad"):
        (leaf(1.0, 2.0, device=device) ** 2).sum().detach().backward()
