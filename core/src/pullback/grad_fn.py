"""GradFn: a node of the graph, as a user sees it through `Tensor.grad_fn`."""

from __future__ import annotations

from typing import Any

from pullback.graph import A, Leaf, is_node, parents, rule_of
from pullback.hooks import Handle, register_node_hook


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
        return tuple(GradFn(parent).edge() for parent in parents(node))

    def edge(self) -> tuple[GradFn, int]:
        """The function whose output arrives here, and the number of that output."""
        node = self._node
        if is_node(node) and rule_of(node).name == "SelectOutput":
            return GradFn(node[A]), rule_of(node).index
        return self, 0

    def register_hook(self, hook: Any) -> Handle:
        """Call `hook(grad_inputs, grad_outputs)` when it has run; a tuple that the hook returns replaces `grad_inputs`.

        Both are tuples of Tensors, None where no gradient flows. Raises `CotangentError` if what the hook returns has
        another number, shape, dtype or device.

        >>> import pullback as pb
        >>> x = pb.tensor(3.0, requires_grad=True)
        >>> y = x * x
        >>> handle = y.grad_fn.register_hook(lambda inputs, outputs: tuple(2 * ct for ct in inputs))
        >>> y.backward()
        >>> x.grad
        tensor(12.)
        """
        return register_node_hook(self._node, hook, before=False)

    def register_prehook(self, hook: Any) -> Handle:
        """Call `hook(grad_outputs)` before it runs; a tuple that the hook returns replaces `grad_outputs`."""
        return register_node_hook(self._node, hook, before=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GradFn) and other._node is self._node

    def __hash__(self) -> int:
        return id(self._node)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self._node):#x}>"
