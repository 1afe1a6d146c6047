"""GradFn: a node of the graph, as a user sees it through `Tensor.grad_fn`."""

from __future__ import annotations

import weakref
from typing import Any

from pullback.errors import AutogradError
from pullback.graph import PULLBACK, SEQ, A, Leaf, Y, backend_of, freed, is_node, parents, rule_of
from pullback.hooks import Handle, Hooked, register_node_hook
from pullback.primitive import wrap
from pullback.standin import StandIn

_of_leaves: weakref.WeakKeyDictionary[Leaf, dict[Any, Any]] = weakref.WeakKeyDictionary()


class Noted(StandIn):
    """The pullback of a node that a user has written something on."""

    def __init__(self, pullback: Any) -> None:
        super().__init__(pullback)
        self.metadata: dict[Any, Any] = {}


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

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict of the user's own, which lives as long as the node.

        >>> import pullback as pb
        >>> y = pb.tensor(2.0, requires_grad=True) + 1
        >>> y.grad_fn.metadata["layer"] = "first"
        >>> y.grad_fn.metadata
        {'layer': 'first'}
        """
        node = self._node
        if type(node) is Leaf:
            return _of_leaves.setdefault(node, {})
        place = Y if node[PULLBACK] is freed else PULLBACK
        outside, there = None, node[place]
        while isinstance(there, StandIn):
            if isinstance(there, Noted):
                return there.metadata
            outside, there = (there if isinstance(there, Hooked) else outside), there.inner
        noted = Noted(node[place] if outside is None else outside.inner)
        if outside is None:
            node[place] = noted
        else:
            outside.inner = noted  # a pass looks for hooks on the outside
        return noted.metadata

    def _sequence_nr(self) -> int:
        """Its number in the order in which nodes were made; of the addition at a leaf, PyTorch's 2**64 - 1."""
        return 2**64 - 1 if type(self._node) is Leaf else -int(self._node[SEQ])

    def saved(self) -> dict[str, Any]:
        """What its rule will read, by the names of the operands; the result is `out`. Tensors without history.

        Empty for an op whose derivative needs no values. After the graph was freed, raises `AutogradError`. PyTorch's
        names work as attributes: `_saved_self` and `_saved_other` for the first and second operand, `_saved_result` for
        the result.

        >>> import pullback as pb
        >>> x = pb.tensor(2.0, requires_grad=True)
        >>> (x * 3).grad_fn.saved(), pb.exp(x).grad_fn._saved_result
        ({'x2': tensor(3.)}, tensor(7.3891))
        """
        node = self._node
        if type(node) is Leaf:
            return {}
        if rule_of(node).name == "SelectOutput":
            return GradFn(node[A]).saved()
        if node[PULLBACK] is freed:
            raise AutogradError(
                f"{self.name()}: its saved values were released by a pass; read them before, or pass retain_graph=True"
            )
        rule, near = rule_of(node), backend_of(node)
        found: dict[str, Any] = {}
        for name, array, _ in rule.saved(node):
            if hasattr(array, "_aval"):
                found[name] = array.detach()
            elif rule.backend is not None or isinstance(array, near.array_types):  # a Function may keep others
                found[name] = wrap(near.alias(array), near.aval(array))
        return found

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_saved_"):
            raise AttributeError(f"a GradFn has no attribute {name!r}")
        found = self.saved()
        operands = getattr(getattr(rule_of(self._node), "primitive", None), "operands", ())
        names = {"result": "out", **dict(zip(("self", "other"), operands, strict=False))}
        wanted = name.removeprefix("_saved_")
        key = names.get(wanted, wanted)
        if key not in found:
            raise AttributeError(f"{self.name()} saved {', '.join(found) or 'nothing'}, and no {wanted!r}")
        return found[key]

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
