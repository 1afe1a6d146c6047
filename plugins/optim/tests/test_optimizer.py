"""What all optimisers share: groups, state, and steps that neither record, nor look, nor fail half-way."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pullback as pb
import pullback_optim as optim
import pytest
from helpers.checks import host
from helpers.lazy import LazyBackend, lazy_backend
from pullback.errors import ArgumentError, AutogradError

MAKERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda params: optim.Adam(params, lr=0.1, amsgrad=True),
    "AdamW": lambda params: optim.AdamW(params, lr=0.1),
    "RMSprop": lambda params: optim.RMSprop(params, lr=0.1, momentum=0.5, centered=True),
    "Adagrad": lambda params: optim.Adagrad(params, lr=0.1, lr_decay=0.1),
}


@pytest.fixture
def lazy() -> Iterator[LazyBackend]:
    with lazy_backend() as backend:
        yield backend


def parameters(device: str = "cpu") -> list[Any]:
    """A matrix, a scalar and one that has no gradient, of several dtypes."""
    values: list[tuple[Any, Any]] = [([[1.0, -2.0], [0.5, 3.0]], pb.float64), (0.75, pb.float32), ([1.0], pb.float64)]
    return [pb.tensor(value, dtype=dtype, device=device).requires_grad_() for value, dtype in values]


def loss(params: Any) -> Any:
    matrix, scalar = params[0], params[1]
    return (matrix * matrix).sum() + pb.cos(scalar).to(pb.float64) + (matrix[0] * 2).sum()


def train(optimizer: optim.Optimizer, params: Any, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        loss(params).backward()
        optimizer.step()


def values(params: Any) -> list[Any]:
    return [np.array(host(p)) for p in params]


def assert_same(first: list[Any], second: list[Any]) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


# --- steps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_a_step_keeps_what_a_parameter_is(name: str, device: str) -> None:
    params = parameters(device)
    before = values(params)
    optimizer = MAKERS[name](params)
    train(optimizer, params, 2)
    for p, dtype in zip(params, (pb.float64, pb.float32, pb.float64), strict=True):
        assert (p.dtype, str(p.device), p.is_leaf, p.requires_grad) == (dtype, device, True, True)
    after = values(params)
    assert not np.array_equal(after[0], before[0])
    assert after[1] != before[1]
    assert after[2] == before[2]  # it has no gradient
    assert params[2] not in optimizer.state
    for state in optimizer.state.values():
        assert all(value.grad_fn is None for value in state.values() if isinstance(value, pb.Tensor))


@pytest.mark.parametrize("name", MAKERS)
def test_devices_and_dtypes_may_be_mixed(name: str) -> None:
    mixed = [*parameters("cpu"), *parameters("strict"), *parameters("strict:device1")]
    optimizer = MAKERS[name](mixed)
    for _ in range(3):
        optimizer.zero_grad()
        for n in range(0, 9, 3):
            loss(mixed[n : n + 3]).backward()
        optimizer.step()
    alone = parameters("cpu")
    train(MAKERS[name](alone), alone, 3)
    for n in range(0, 9, 3):
        assert_same(values(mixed[n : n + 3]), values(alone))


@pytest.mark.parametrize("name", MAKERS)
def test_a_gradient_is_only_read(name: str, device: str) -> None:
    params = parameters()
    optimizer = MAKERS[name](params)
    for _ in range(3):
        optimizer.zero_grad()
        loss(params).backward()
        grad = params[0].grad
        assert grad is not None
        before = np.array(host(grad))
        optimizer.step()
        np.testing.assert_array_equal(host(grad), before)


def test_a_step_writes_into_the_memory_of_a_parameter() -> None:
    w = pb.tensor([1.0, 2.0], requires_grad=True)
    window = w.detach().numpy()
    optimizer = optim.SGD([w], lr=0.5)
    w.sum().backward()
    optimizer.step()
    assert window.tolist() == [0.5, 1.5]


def test_a_graph_whose_parameters_have_moved_is_refused() -> None:
    w = pb.tensor([1.0, 2.0], requires_grad=True)
    y = (w * w).sum()
    y.backward(retain_graph=True)
    optim.SGD([w], lr=0.5).step()
    with pytest.raises(pb.errors.OverwrittenError):
        y.backward()


def test_a_closure_is_run_with_recording_on_and_its_loss_returned() -> None:
    params = parameters()
    optimizer = optim.SGD(params, lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss(params)
        value.backward()
        return value

    with pb.no_grad():
        value = optimizer.step(closure)
    assert value.grad_fn is not None
    assert value.item() == pytest.approx(12.25 + math.cos(0.75), abs=1e-6)
    assert optimizer.step() is None


def test_a_gradient_of_another_shape_is_refused_before_anything_is_written() -> None:
    v, w = pb.ones(2, requires_grad=True), pb.ones(2, requires_grad=True)
    (v + w).sum().backward()
    optimizer = optim.SGD([v, w], lr=0.1)
    w.data = pb.ones(3)
    with pytest.raises(pb.errors.ShapeError, match=r"SGD.step: a parameter of shape \(3,\) has a grad of \(2,\)"):
        optimizer.step()
    assert v.tolist() == [1.0, 1.0]


def test_a_step_may_be_made_inside_the_pass() -> None:
    """An optimiser for each parameter, called when its gradient is there, so that few gradients live at once."""
    params, usual = parameters(), parameters()
    optimizers = {p: optim.Adam([p], lr=0.1, foreach=False, fused=None) for p in params}

    def step(p: Any) -> None:
        optimizers[p].step()
        optimizers[p].zero_grad()

    for p in params:
        p.register_post_accumulate_grad_hook(step)
    for _ in range(3):
        loss(params).backward()
    assert [p.grad for p in params] == [None, None, None]
    train(optim.Adam(usual, lr=0.1), usual, 3)
    assert_same(values(params), values(usual))


def test_zero_grad_forgets_gradients_or_makes_them_zeros(device: str) -> None:
    params = parameters()
    optimizer = optim.SGD(params)
    loss(params).backward(create_graph=False)
    old = params[0].grad
    optimizer.zero_grad(set_to_none=False)
    assert host(params[0].grad).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert params[0].grad is not old
    assert params[2].grad is None
    optimizer.zero_grad()
    assert [p.grad for p in params] == [None, None, None]


def test_zero_grad_drops_the_history_of_a_gradient() -> None:
    w = pb.tensor(2.0, requires_grad=True)
    optimizer = optim.SGD([w])
    (grad,) = pb.autograd.grad(w**3, w, create_graph=True)
    w.grad = grad
    optimizer.zero_grad(set_to_none=False)
    assert w.grad is not None
    assert not w.grad.requires_grad
    assert grad.item() == 12.0


# --- lazy backends ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_a_step_on_a_lazy_backend_is_one_computation(name: str, lazy: LazyBackend) -> None:
    params, eager = parameters("lazy"), parameters("strict")
    optimizer = MAKERS[name](params)
    for number in range(1, 4):
        optimizer.zero_grad()
        loss(params).backward()
        assert len(lazy.computes) == number - 1
        optimizer.step()
        assert len(lazy.computes) == number
    train(MAKERS[name](eager), eager, 3)
    assert_same(values(params[:2]), values(eager[:2]))  # fails if a value is there that was not computed
    for state in optimizer.state.values():
        for value in state.values():
            assert not isinstance(value, pb.Tensor) or value.tolist() is not None


def test_the_loss_of_a_closure_is_computed_with_the_step(lazy: LazyBackend) -> None:
    params = parameters("lazy")
    optimizer = optim.Adam(params)

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss(params)
        value.backward()
        return value

    value = optimizer.step(closure)
    assert len(lazy.computes) == 1
    assert optimizer.step(lambda: 7.5) == 7.5
    assert value.item() == pytest.approx(12.25 + math.cos(0.75), abs=1e-6)


@pytest.mark.parametrize("name", MAKERS)
def test_a_step_whose_computation_fails_has_not_happened(name: str, lazy: LazyBackend) -> None:
    params, untroubled = parameters("lazy"), parameters("strict")
    optimizer = MAKERS[name](params)
    for number in range(4):
        optimizer.zero_grad()
        loss(params).backward()
        if number % 2:
            lazy.failing = True
            with pytest.raises(RuntimeError, match="a worker died"):
                optimizer.step()
            lazy.failing = False
        optimizer.step()
    train(MAKERS[name](untroubled), untroubled, 4)
    assert_same(values(params[:2]), values(untroubled[:2]))


@pytest.mark.parametrize("name", MAKERS)
def test_a_step_on_dask_is_one_run_of_its_scheduler(name: str) -> None:
    dask = pytest.importorskip("dask", reason="the backend is a distribution of its own")
    runs = []

    def scheduler(graph: Any, keys: Any, **options: Any) -> Any:
        runs.append(keys)
        return dask.get(graph, keys, **options)

    params, eager = parameters("dask"), parameters("cpu")
    optimizer = MAKERS[name](params)
    with dask.config.set(scheduler=scheduler):
        for number in range(1, 4):
            optimizer.zero_grad()
            loss(params).backward()
            optim.clip_grad_norm_(params, 1e9)
            assert len(runs) == number - 1
            optimizer.step()
            assert len(runs) == number
        train(MAKERS[name](eager), eager, 3)
        for p, q in zip(params[:2], eager[:2], strict=True):
            np.testing.assert_allclose(host(p), host(q), rtol=1e-6 if p.dtype is pb.float32 else 1e-12)


# --- groups ----------------------------------------------------------------------------------------------------------


def test_groups_have_options_of_their_own() -> None:
    v, w = pb.ones(1, requires_grad=True), pb.ones(1, requires_grad=True)
    optimizer = optim.SGD([{"params": [v]}, {"params": w, "lr": 0.5}], lr=0.25)
    (v + w).sum().backward()
    optimizer.step()
    assert (v.item(), w.item()) == (0.75, 0.5)
    assert optimizer.param_groups[1]["params"] == [w]


def test_a_generator_of_parameters_is_read_once() -> None:
    params = parameters()
    optimizer = optim.Adam(p for p in params)
    assert [id(p) for p in optimizer.param_groups[0]["params"]] == [id(p) for p in params]


def test_what_cannot_be_optimised_is_refused() -> None:
    w = pb.ones(2, requires_grad=True)
    for given, message in (
        ([], "SGD: no parameters were given"),
        (w, r"SGD: params must be an iterable of Tensors, got a single one; write \[tensor\]"),
        ([1.0], "SGD: parameters are Tensors, got float"),
        ([w, w], r"SGD: a parameter of shape \(2,\) was given twice"),
        ([{"params": [w]}, {"params": [w]}], "given twice"),
        ([{"lr": 0.1}], "a param group is a dict with the key 'params'"),
        ([{"params": {w}}], "a set has no order"),
    ):
        with pytest.raises(ArgumentError, match=message):
            optim.SGD(given)  # type: ignore[arg-type]
    with pytest.raises(AutogradError, match="SGD: a parameter must be a leaf, not the result of MulBackward0"):
        optim.SGD([w * 2])
    retained = w * 2
    retained.retain_grad()
    assert optim.SGD([retained]).param_groups


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (optim.SGD, {"lr": -0.1}),
        (optim.SGD, {"lr": "fast"}),
        (optim.SGD, {"momentum": -1}),
        (optim.SGD, {"nesterov": True}),
        (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
        (optim.Adam, {"betas": (0.9, 1.0)}),
        (optim.Adam, {"betas": 0.9}),
        (optim.Adam, {"eps": -1e-8}),
        (optim.AdamW, {"weight_decay": -0.1}),
        (optim.RMSprop, {"alpha": -0.1}),
        (optim.Adagrad, {"lr_decay": -0.1}),
        (optim.LBFGS, {"line_search_fn": "armijo"}),
        (optim.LBFGS, {"history_size": -1}),
    ],
)
def test_an_option_that_is_none_is_refused_with_its_name(make: Any, options: dict[str, Any]) -> None:
    name = next(iter(options))
    with pytest.raises(ArgumentError, match=f"{make.__name__}: {name} must be .*, got "):
        make([pb.ones(1)], **options)
    optimizer = make([pb.ones(1)])
    if make is not optim.LBFGS:
        with pytest.raises(ArgumentError, match=name):
            optimizer.add_param_group({"params": [pb.ones(1)], **options})
        assert len(optimizer.param_groups) == 1


def test_a_rate_that_is_a_tensor_is_refused_without_a_look_at_it(lazy: LazyBackend) -> None:
    with pytest.raises(ArgumentError, match="lr must be a number >= 0"):
        optim.SGD([pb.ones(1)], lr=pb.tensor(0.1, device="lazy"))


def test_the_repr_shows_the_options() -> None:
    text = repr(optim.SGD([pb.ones(1)], lr=0.5))
    assert text.splitlines()[:3] == ["SGD (", "Parameter Group 0", "    dampening: 0.0"]
    assert "    lr: 0.5" in text


# --- state -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_training_goes_on_from_a_state_bit_for_bit(name: str, device: str) -> None:
    whole = parameters()
    train(MAKERS[name](whole), whole, 5)

    begun = parameters()
    optimizer = MAKERS[name](begun)
    train(optimizer, begun, 2)
    resumed = [p.detach().clone().requires_grad_() for p in begun]
    other = MAKERS[name](resumed)
    for group in other.param_groups:
        group["lr"] = 77.0
    other.load_state_dict(optimizer.state_dict())
    train(optimizer, begun, 1)  # the loaded state is a copy
    train(other, resumed, 3)
    assert_same(values(resumed), values(whole))


def test_the_state_has_the_layout_of_pytorch() -> None:
    params = parameters()
    optimizer = optim.Adam([{"params": params[:1]}, {"params": params[1:], "lr": 0.5}])
    train(optimizer, params, 1)
    state = optimizer.state_dict()
    assert list(state) == ["state", "param_groups"]
    assert [group["params"] for group in state["param_groups"]] == [[0], [1, 2]]
    assert set(state["state"]) == {0, 1}
    assert set(state["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}
    assert state["state"][1]["exp_avg"].shape == ()
    options = [{k: v for k, v in group.items() if k != "params"} for group in state["param_groups"]]
    assert json.loads(json.dumps(options))[1]["lr"] == 0.5


def test_a_state_as_pytorch_writes_it_is_taken() -> None:
    """Steps are Tensors of float32 there, and groups have options that nobody needs here."""
    w = pb.tensor([1.0, 2.0], dtype=pb.float64, requires_grad=True)
    optimizer = optim.Adam([w])
    group = {"lr": 0.5, "betas": [0.9, 0.99], "eps": 1e-8, "weight_decay": 0, "amsgrad": False}  # an older version
    moments = {"exp_avg": pb.tensor([1.0, 2.0]), "exp_avg_sq": pb.tensor([1.0, 4.0])}
    state = {
        "state": {0: {"step": pb.tensor(3.0), **moments}},
        "param_groups": [{**group, "foreach": None, "fused": None, "params": [0]}],
    }
    optimizer.load_state_dict(state)
    assert optimizer.state[w]["step"] == 3
    assert type(optimizer.state[w]["step"]) is int
    assert optimizer.state[w]["exp_avg"].dtype is pb.float64
    assert optimizer.param_groups[0]["maximize"] is False
    (w * w).sum().backward()
    optimizer.step()
    assert optimizer.state[w]["step"] == 4


def test_a_state_follows_its_parameter_to_another_device() -> None:
    here, there = parameters("cpu"), parameters("strict:device1")
    optimizer, other = optim.Adam(here), optim.Adam(there)
    train(optimizer, here, 1)
    other.load_state_dict(optimizer.state_dict())
    assert str(other.state[there[0]]["exp_avg"].device) == "strict:device1"
    assert other.state[there[1]]["exp_avg"].dtype is pb.float32


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    params = parameters()
    optimizer = optim.Adam(params, lr=0.25)
    train(optimizer, params, 1)
    good = optimizer.state_dict()
    fewer = optim.Adam(parameters()[:2]).state_dict()
    strange = {**good, "state": {**good["state"], 7: {}}}
    wrong = copy.copy(good)
    wrong["param_groups"] = [{**good["param_groups"][0], "lr": -1.0}]
    for state, message in (
        (fewer, r"Adam.load_state_dict: the saved groups have \[2\] parameters, these \[3\]"),
        (strange, r"no group has the parameters \[7\]"),
        (wrong, "lr must be a number >= 0"),
    ):
        with pytest.raises(ArgumentError, match=message):
            optimizer.load_state_dict(state)
        assert optimizer.param_groups[0]["lr"] == 0.25
        assert optimizer.state[params[0]]["exp_avg"] is good["state"][0]["exp_avg"]


# --- complex parameters ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_a_complex_parameter_moves_as_the_pair_of_its_parts(name: str, device: str) -> None:
    z = pb.tensor([1.0 - 2j, 0.5 + 0.25j], dtype=pb.complex128, requires_grad=True)
    x = pb.tensor([1.0, 0.5], dtype=pb.float64, requires_grad=True)
    y = pb.tensor([-2.0, 0.25], dtype=pb.float64, requires_grad=True)
    together, apart = MAKERS[name]([z]), MAKERS[name]([x, y])
    for _ in range(3):
        together.zero_grad()
        apart.zero_grad()
        (pb.cos(z.real) + pb.real(z) * pb.imag(z) ** 2).sum().backward()
        (pb.cos(x) + x * y**2).sum().backward()
        together.step()
        apart.step()
    np.testing.assert_allclose(host(z), host(x) + 1j * host(y), rtol=1e-14)
    assert all(v.dtype is pb.complex128 for v in together.state[z].values() if isinstance(v, pb.Tensor))
