"""grad_fn: the graph as a user sees it, under PyTorch's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pullback as pb
import pytest
from pullback.errors import AutogradError

NAMES: dict[str, Callable[[Any], Any]] = {
    "AddBackward0": lambda x: x + 1,
    "SubBackward0": lambda x: x - 1,
    "MulBackward0": lambda x: x * x,
    "DivBackward0": lambda x: x / 2,
    "NegBackward0": lambda x: -x,
    "PowBackward0": lambda x: x**2,
    "PowBackward1": lambda x: x**x,
    "ExpBackward0": pb.exp,
    "SinBackward0": pb.sin,
    "TanhBackward0": pb.tanh,
    "SqrtBackward0": pb.sqrt,
    "AbsBackward0": abs,
    "WhereBackward0": lambda x: pb.where(x > 0, x, 0.0),
    "ViewBackward0": lambda x: x.view(4),
    "PermuteBackward0": lambda x: pb.permute_dims(x, (1, 0)),
    "SelectBackward0": lambda x: x[0],
    "SliceBackward0": lambda x: x[0:1],
    "UnsqueezeBackward0": lambda x: x[None],
    "IndexBackward0": lambda x: x[x > 0],
    "CatBackward0": lambda x: pb.concat([x, x]),
    "ExpandBackward0": lambda x: x.expand(3, 2, 2),
    "CloneBackward0": lambda x: x.clone(),
    "ToCopyBackward0": lambda x: x.double(),
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str, device: str) -> None:
    y = NAMES[name](pb.ones(2, 2, requires_grad=True))
    assert y.grad_fn.name() == name
    assert repr(y.grad_fn).startswith(f"<{name} object at 0x")
    assert f"grad_fn=<{name}>" in repr(y)


def test_next_functions_lead_to_the_leaves(device: str) -> None:
    x, w = pb.ones(2, requires_grad=True), pb.ones(2, requires_grad=True)
    y = pb.sin(x * w) + x
    (sine, zero), (leaf, _) = y.grad_fn.next_functions
    assert (sine.name(), zero, leaf.name()) == ("SinBackward0", 0, "AccumulateGrad")
    assert leaf.next_functions == ()
    product = sine.next_functions[0][0]
    assert [f.name() for f, _ in product.next_functions] == ["AccumulateGrad"] * 2
    assert product.next_functions[0][0] == leaf


def test_constants_are_not_in_it(device: str) -> None:
    x = pb.ones(2, requires_grad=True)
    assert len((x * pb.ones(2)).grad_fn.next_functions) == 1


def test_which_of_several_outputs(device: str) -> None:
    x = pb.tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True)
    values, vectors = pb.linalg.eigh(x)
    assert values.grad_fn.name() == vectors.grad_fn.name()
    y = values.sum() + vectors.sum()
    edges = [f.next_functions[0] for f, _ in y.grad_fn.next_functions]
    assert [number for _, number in edges] == [0, 1]
    assert edges[0][0] == edges[1][0]
    assert edges[0][0].next_functions[0][0].name() == "AccumulateGrad"


def test_the_same_node_is_equal_and_hashes_alike(device: str) -> None:
    x = pb.ones(2, requires_grad=True)
    y, z = x * 2, x * 2
    assert y.grad_fn == y.grad_fn
    assert y.grad_fn != z.grad_fn
    assert y.grad_fn != "MulBackward0"
    assert len({y.grad_fn, y.grad_fn, z.grad_fn}) == 2


def test_names_survive_a_pass(device: str) -> None:
    y = pb.exp(pb.ones(2, requires_grad=True))
    y.sum().backward()
    assert y.grad_fn.name() == "ExpBackward0"
    assert y.grad_fn.next_functions[0][0].name() == "AccumulateGrad"


def test_what_has_no_history_has_none(device: str) -> None:
    x = pb.ones(2, requires_grad=True)
    assert x.grad_fn is None
    assert (x * 2).detach().grad_fn is None
    assert (x > 0).grad_fn is None


def test_a_write_gives_a_new_one(device: str) -> None:
    y = pb.ones(3, requires_grad=True) * 2
    y[0] = 0.0
    assert y.grad_fn.name().startswith("CopySlices")
    y += 1
    assert y.grad_fn.name() == "AddBackward0"


def test_metadata_stays_with_the_node_however_it_is_reached(device: str) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    a = x * x
    b = (a * 3).sum()
    a.grad_fn.metadata["who"] = "a"
    x_node = a.grad_fn.next_functions[0][0]
    x_node.metadata["who"] = "x"
    below = b.grad_fn.next_functions[0][0].next_functions[0][0]
    assert below.metadata == {"who": "a"}
    handle = a.register_hook(lambda ct: ct * 2)  # a hook stands around what was noted
    assert a.grad_fn.metadata == {"who": "a"}
    b.backward()
    handle.remove()
    assert x.grad.tolist() == [12.0, 24.0]
    assert a.grad_fn.metadata == {"who": "a"}
    assert (x * 2).grad_fn.next_functions[0][0].metadata == {"who": "x"}
    a.grad_fn.metadata["after"] = "the pass"
    assert a.grad_fn.metadata["after"] == "the pass"
    assert pb.tensor([1.0], requires_grad=True).sum().grad_fn.metadata == {}


def test_metadata_under_a_hook_and_on_a_freed_node(device: str) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = pb.exp(x)
    seen: list[Any] = []
    y.register_hook(seen.append)
    y.grad_fn.metadata["n"] = 1  # after the hook: put inside of it
    y.sum().backward()
    assert len(seen) == 1
    z = pb.exp(x)
    z.sum().backward()
    z.grad_fn.metadata["n"] = 2
    assert (y.grad_fn.metadata, z.grad_fn.metadata) == ({"n": 1}, {"n": 2})


def test_numbers_grow_in_the_order_of_making(device: str) -> None:
    x = pb.tensor(1.0, requires_grad=True)
    nodes = [x * 2, x + 1, pb.exp(x)]
    numbers = [node.grad_fn._sequence_nr() for node in nodes]
    assert numbers == sorted(set(numbers))
    assert nodes[0].grad_fn.next_functions[0][0]._sequence_nr() == 2**64 - 1


def test_saved_values_by_operand_and_by_the_names_of_pytorch(device: str) -> None:
    x, y = pb.tensor([1.0, 2.0], requires_grad=True), pb.tensor([3.0, 4.0], requires_grad=True)
    product = x * y
    assert {name: t.tolist() for name, t in product.grad_fn.saved().items()} == {"x1": [1.0, 2.0], "x2": [3.0, 4.0]}
    assert product.grad_fn._saved_self.tolist() == [1.0, 2.0]
    assert product.grad_fn._saved_other.tolist() == [3.0, 4.0]
    assert not product.grad_fn._saved_self.requires_grad
    root = pb.sqrt(x)
    assert root.grad_fn._saved_result.tolist() == root.tolist()
    assert (x + y).grad_fn.saved() == {}
    with pytest.raises(AttributeError, match="AddBackward0 saved nothing, and no 'self'"):
        _ = (x + y).grad_fn._saved_self
    with pytest.raises(AttributeError, match=r"MulBackward0 saved x2, x1, and no .weight."):
        _ = product.grad_fn._saved_weight
    with pytest.raises(AttributeError, match="no attribute 'shape'"):
        _ = product.grad_fn.shape


def test_saved_values_do_not_reach_the_graph_and_go_with_it(device: str) -> None:
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = pb.exp(x)
    y.grad_fn._saved_result.mul_(0)
    assert pb.autograd.grad(y.sum(), x, retain_graph=True)[0].tolist() == y.tolist()
    y.sum().backward()
    with pytest.raises(AutogradError, match="ExpBackward0: its saved values were released"):
        y.grad_fn.saved()


def test_saved_values_of_functions_and_of_ops_with_several_outputs(device: str) -> None:
    class Square(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

    x = pb.tensor([[2.0, 0.0], [0.0, 3.0]], requires_grad=True)
    assert [t.tolist() for t in Square.apply(x).grad_fn.saved().values()] == [x.tolist()]
    values, vectors = pb.linalg.eigh(x)
    assert values.grad_fn.saved().keys() == vectors.grad_fn.saved().keys() != set()
