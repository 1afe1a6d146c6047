"""GradFn: a node of the graph, as a user sees it through `Tensor.grad_fn`."""

from __future__ import annotations

from typing import Any

from pullback.graph import A, Leaf, is_node, parents, rule_of


class GradFn:
    """A recorded operation. Two of them are equal when they show the same node.

    >>> import pullback as pb
    >>> y = pb.tensor(2.0, requires_grad=True) + 1
    >>> y.grad_fn.name()
    'AddBackward0'
    >>> y.grad_fn.next_functions[0][0].name()
    'AccumulateGrad'
    """

    __slots__ = ("_node",)

    def __init__(self, node: Any) -> None:
        self._node = node

    def name(self) -> str:
        """PyTorch's name for it."""
        node = self._node
        if type(node) is Leaf:
            return "AccumulateGrad"
        name: str = rule_of(node).name
        return GradFn(node[A]).name() if name == "SelectOutput" else name

    @property
    def next_functions(self) -> tuple[tuple[GradFn, int], ...]:
        """Where its cotangents go: (function, number of that function's output)."""
        if type(self._node) is Leaf:
            return ()
        node: Any = self._node
        if rule_of(node).name == "SelectOutput":
            node = node[A]
        return tuple(_edge(parent) for parent in parents(node))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GradFn) and other._node is self._node

    def __hash__(self) -> int:
        return id(self._node)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self._node):#x}>"


def _edge(node: Any) -> tuple[GradFn, int]:
    if is_node(node) and rule_of(node).name == "SelectOutput":
        return GradFn(node[A]), rule_of(node).index
    return GradFn(node), 0
