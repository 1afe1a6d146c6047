"""Containers: their parts by number or by name, and the names of their states."""

from __future__ import annotations

import pullback as pb
import pullback_nn as nn
import pytest
from pullback.errors import ArgumentError


def test_sequential_by_number_and_by_name() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    assert len(net) == 3
    assert isinstance(net[-1], nn.Linear)
    assert list(net[:2].state_dict()) == ["0.weight", "0.bias"]
    assert net[:2][0] is net[0]
    net[1] = nn.Tanh()
    assert [type(part).__name__ for part in net] == ["Linear", "Tanh", "Linear"]
    del net[0]
    assert list(net.state_dict()) == ["1.weight", "1.bias"]
    net.append(nn.Tanh()).insert(0, nn.Linear(2, 2))
    assert list(net._modules) == ["0", "1", "2", "3"]
    with pytest.raises(IndexError, match="Sequential has 4 modules, there is no number 9"):
        net[9]
    named = nn.Sequential({"lift": nn.Linear(1, 2), "act": nn.ReLU()})
    assert list(named.state_dict()) == ["lift.weight", "lift.bias"]
    assert named(pb.ones(3, 1)).shape == (3, 2)
    with pytest.raises(ArgumentError, match="must be a Module"):
        nn.Sequential(nn.ReLU(), abs)


def test_lists_and_dictionaries() -> None:
    parts = nn.ModuleList([nn.Linear(1, 1)])
    parts.extend([nn.ReLU(), nn.Linear(1, 2)])
    assert [name for name, _ in parts.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert isinstance(parts[1:], nn.ModuleList)
    named = nn.ModuleDict({"a": nn.Linear(1, 1)})
    named["b"] = nn.ReLU()
    assert list(named) == ["a", "b"] == list(named.keys())
    assert "a" in named
    assert len(named) == 2
    assert dict(named.items())["b"] is named["b"]
    assert len(list(named.values())) == 2
    del named["a"]
    assert list(named.state_dict()) == []
    numbers = nn.ParameterList([pb.ones(1), nn.Parameter(pb.zeros(2))])
    assert list(numbers.state_dict()) == ["0", "1"]
    assert [p.shape for p in numbers] == [(1,), (2,)]
    assert numbers[1].requires_grad
    assert len(numbers) == 2
    words = nn.ParameterDict({"w": pb.ones(1)})
    assert "w" in words
    assert list(words) == ["w"]
    assert words["w"].requires_grad
    assert len(words) == len(list(words.items())) == 1
    with pytest.raises(NotImplementedError, match="ModuleList: define forward"):
        parts(pb.ones(1, 1))
