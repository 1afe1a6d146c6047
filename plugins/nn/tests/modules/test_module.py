"""Module: what it finds, what happens to all of it, and that wrong input changes nothing."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pullback as pb
import pullback_nn as nn
import pytest
from helpers.checks import host
from pullback.errors import ArgumentError, DTypeError
from pullback_nn.modules.module import StateError


class Net(nn.Module):
    """Something of everything: shared parts, a list, buffers of both kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(pb.ones(3))
        self.first = nn.Linear(2, 3)
        self.second = self.first
        self.parts = nn.ModuleList([nn.BatchNorm1d(3), nn.Linear(3, 1, bias=False)])
        self.register_buffer("offset", pb.zeros(3))
        self.register_buffer("scratch", pb.ones(1), persistent=False)
        self.nothing = None

    def forward(self, x: Any) -> Any:
        return self.parts[1](self.parts[0](self.scale * self.second(x) + self.offset))


KEYS = [
    "scale",
    "offset",
    "first.weight",
    "first.bias",
    "second.weight",
    "second.bias",
    "parts.0.weight",
    "parts.0.bias",
]
KEYS += ["parts.0.running_mean", "parts.0.running_var", "parts.0.num_batches_tracked", "parts.1.weight"]


def test_what_is_found(device: str) -> None:
    net = Net()
    assert [name for name, _ in net.named_parameters()] == [
        *("scale", "first.weight", "first.bias", "parts.0.weight", "parts.0.bias", "parts.1.weight")
    ]
    assert [name for name, _ in net.named_buffers()][:2] == ["offset", "scratch"]
    assert [name for name, _ in net.named_modules()] == ["", "first", "parts", "parts.0", "parts.1"]
    assert [name for name, _ in net.named_children()] == ["first", "parts"]
    assert list(net.state_dict()) == KEYS
    assert net.get_submodule("parts.1") is net.parts[1]
    assert net.get_parameter("parts.1.weight") is net.parts[1].weight
    with pytest.raises(AttributeError, match=r"ModuleList has no module '7' \(of 'parts\.7'\)"):
        net.get_submodule("parts.7")
    with pytest.raises(AttributeError, match="Net has no parameter 'offset'"):
        net.get_parameter("offset")


def test_it_learns_and_forgets(device: str) -> None:
    net = Net()
    net(pb.randn(4, 2)).sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all(host(p.grad).any() == np.False_ for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.requires_grad_(False)
    assert not net(pb.randn(4, 2)).requires_grad


def test_modes_reach_every_part() -> None:
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.train()
    assert all(module.training for module in net.modules())
    with pytest.raises(ArgumentError, match="True or False"):
        net.train("yes")


def test_apply_is_called_from_the_inside_out() -> None:
    seen: list[str] = []
    nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU())).apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "ReLU", "Sequential", "Sequential"]


# --- state -----------------------------------------------------------------------------------------------------------


def test_a_state_is_loaded(device: str) -> None:
    one, other = Net(), Net()
    one(pb.randn(5, 2))
    result = other.load_state_dict(one.state_dict())
    assert result == ([], [])
    for name, x in other.state_dict().items():
        np.testing.assert_array_equal(host(x), host(one.state_dict()[name]))
    assert int(other.parts[0].num_batches_tracked) == 1
    assert other.state_dict()["scale"].requires_grad is False
    assert isinstance(other.scale, nn.Parameter)


def test_values_are_converted_and_copied() -> None:
    layer = nn.Linear(1, 1)
    given = {"weight": pb.tensor([[2.0]], dtype=pb.float64), "bias": pb.tensor([3.0])}
    parameter = layer.weight
    layer.load_state_dict(given)
    assert layer.weight is parameter
    assert layer.weight.dtype is pb.float32
    given["bias"].fill_(9)
    assert layer.bias.tolist() == [3.0]


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"weight": pb.ones(3, 2)}, "missing: bias"),
    "unexpected": ({"weight": pb.ones(3, 2), "bias": pb.ones(3), "more": pb.ones(1)}, "unexpected: more"),
    "shape": (
        {"weight": pb.ones(2, 3), "bias": pb.ones(3)},
        r"weight: the module has shape \(3, 2\), the state \(2, 3\)",
    ),
    "complex": ({"weight": pb.ones(3, 2), "bias": 1j * pb.ones(3)}, "bias: the module is float32, the state complex64"),
    "array": (
        {"weight": np.ones((3, 2)), "bias": pb.ones(3)},
        r"weight: a Tensor is needed, got numpy\.ndarray.*asarray",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_state_that_does_not_fit_changes_nothing(kind: str) -> None:
    state, message = WRONG[kind]
    layer = nn.Linear(2, 3)
    before = [host(p).copy() for p in layer.parameters()]
    with pytest.raises(StateError, match=rf"Linear\.load_state_dict: .*nothing was loaded:\n  {message}"):
        layer.load_state_dict(state)
    for p, values in zip(layer.parameters(), before, strict=True):
        np.testing.assert_array_equal(host(p), values)
    assert issubclass(StateError, RuntimeError)


def test_every_problem_is_said_at_once() -> None:
    with pytest.raises(StateError) as caught:
        nn.Linear(2, 3).load_state_dict({"weight": pb.ones(1), "other": pb.ones(1)})
    assert str(caught.value).count("\n  ") == 3


def test_without_strict_keys_may_differ_and_shapes_may_not() -> None:
    layer = nn.Linear(2, 3)
    result = layer.load_state_dict({"weight": pb.ones(3, 2), "more": pb.ones(1)}, strict=False)
    assert result.missing_keys == ["bias"]
    assert result.unexpected_keys == ["more"]
    assert layer.weight.tolist() == [[1.0, 1.0]] * 3
    with pytest.raises(StateError, match="weight"):
        layer.load_state_dict({"weight": pb.ones(1, 2)}, strict=False)
    with pytest.raises(ArgumentError, match="a mapping"):
        layer.load_state_dict([("weight", pb.ones(3, 2))])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "pickle"])
def test_copies_are_modules_of_their_own(copied: Any) -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.ELU(0.5))
    made = copied(net)
    x = pb.randn(3, 2)
    np.testing.assert_array_equal(host(made(x)), host(net(x)))
    assert isinstance(made[0].weight, nn.Parameter)
    assert made[0].weight.requires_grad
    with pb.no_grad():
        made[0].weight += 1
    assert host(made(x)).tolist() != host(net(x)).tolist()


# --- to --------------------------------------------------------------------------------------------------------------


def test_to_converts_numbers_and_keeps_parameters() -> None:
    net = Net()
    net(pb.randn(3, 2)).sum().backward()
    parameters = list(net.parameters())
    assert net.to(pb.float64) is net
    assert all(p is q for p, q in zip(parameters, net.parameters(), strict=True))
    assert {p.dtype for p in net.parameters()} == {pb.float64} == {p.grad.dtype for p in net.parameters()}
    assert net.parts[0].num_batches_tracked.dtype is pb.int64
    assert net.parts[0].running_mean.dtype is pb.float64
    assert net.second is net.first
    net(pb.randn(3, 2, dtype=pb.float64)).sum().backward()
    net.float()
    assert net.scale.dtype is pb.float32


def test_to_moves_everything() -> None:
    net = Net().to("strict:device1")
    assert {str(x.device) for x in (*net.parameters(), *net.buffers())} == {"strict:device1"}
    net(pb.randn(3, 2).to("strict:device1")).sum().backward()
    assert str(net.scale.grad.device) == "strict:device1"
    assert {str(x.device) for x in net.cpu().state_dict().values()} == {"cpu"}


def test_to_refuses_integers() -> None:
    net = Net()
    with pytest.raises(DTypeError, match=r"Net\.to: a floating or complex dtype is needed, got int64"):
        net.to(pb.int64)
    assert net.scale.dtype is pb.float32


# --- attributes ------------------------------------------------------------------------------------------------------


def test_attributes_are_sorted_into_their_places() -> None:
    module = nn.Module()
    module.weight = nn.Parameter(pb.ones(1))
    with pytest.raises(
        ArgumentError, match=r"Module\.weight holds a Parameter or None, got Tensor; write nn\.Parameter"
    ):
        module.weight = pb.ones(1)
    module.weight = None
    assert "weight" in module._parameters
    assert list(module.parameters()) == []
    module.mean = nn.Buffer(pb.ones(2))
    module.mean = pb.zeros(2)
    assert module.state_dict()["mean"].tolist() == [0.0, 0.0]
    module.mean = nn.Linear(1, 1)
    assert list(module.state_dict()) == ["mean.weight", "mean.bias"]
    del module.mean
    assert not hasattr(module, "mean")
    module.plain = 3
    assert module.plain == 3
    with pytest.raises(AttributeError, match="Module has no attribute 'nowhere'"):
        _ = module.nowhere


def test_init_must_have_run() -> None:
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(1, 1)

    with pytest.raises(
        AttributeError, match=r"Forgetful: call super\(\).__init__\(\) before the assignment of 'layer'"
    ):
        Forgetful()


@pytest.mark.parametrize(
    ("method", "args", "message"),
    [
        ("register_parameter", ("a", pb.ones(1)), "'a' must be a Parameter or None, got Tensor"),
        ("register_buffer", ("a", 3.0), "'a' must be a Tensor or None, got float"),
        ("add_module", ("a", print), "'a' must be a Module or None"),
        ("add_module", ("a.b", nn.ReLU()), "no dot"),
        ("add_module", ("", nn.ReLU()), "not be empty"),
        ("register_buffer", ("forward", pb.ones(1)), "has an attribute 'forward' already"),
    ],
)
def test_wrong_parts_are_refused(method: str, args: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        getattr(nn.Module(), method)(*args)


def test_forward_must_be_written() -> None:
    with pytest.raises(NotImplementedError, match="Module: define forward"):
        nn.Module()(1)


def test_hooks_see_and_replace() -> None:
    layer = nn.Identity()
    seen: list[Any] = []
    before = layer.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    after = layer.register_forward_hook(lambda module, args, out: seen.append((args[0], out)) or out * 2)
    assert layer(1) == 4
    assert seen == [(2, 2)]
    before.remove()
    after.remove()
    assert layer(1) == 1


def test_reprs_are_pytorchs() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(0.1))
    )
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU(inplace=True)\n"
        "    (1): Dropout(p=0.1, inplace=False)\n"
        "  )\n"
        ")"
    )


def test_a_parameter_is_a_leaf_of_its_own(device: str) -> None:
    data = pb.ones(2)
    p = nn.Parameter(data)
    assert p.is_leaf
    assert p.requires_grad
    with pb.no_grad():
        p += 1
    assert data.tolist() == [1.0, 1.0]
    assert type(p * 1) is pb.Tensor
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert nn.Parameter(pb.ones(2, dtype=pb.float64)).dtype is pb.float64
    (p * pb.tensor([1.0, 2.0])).sum().backward()
    assert p.grad.tolist() == [1.0, 2.0]
    with pytest.raises(ArgumentError, match=r"Parameter: data must be a Tensor, got builtins\.list"):
        nn.Parameter([1.0])
