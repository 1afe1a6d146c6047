"""Views: a Tensor that is a part of another one. Writing to either changes both, in value and in gradient.

A view remembers its base and the step that made it, and takes its array and its node from there: if the root was
written since it last looked, it takes the step again. So views behave alike on every backend, whether its arrays share
memory, are copied, or cannot be written at all.
"""

from __future__ import annotations

from typing import Any

from pullback import hooks
from pullback.grad_mode import recording, set_grad_enabled
from pullback.graph import PULLBACK, A, B, Leaf, freed, is_node
from pullback.primitive import Step, register_view
from pullback.tensor import DETACH, Tensor


class View(Tensor):
    """A part of another Tensor. Made by indexing, `reshape`, `permute_dims`, `detach` and their like."""

    _root: Any  # the Tensor that is no view, at the end of the chain of bases

    __slots__ = ("_base", "_cut", "_own_array", "_own_aval", "_own_node", "_recorded", "_root", "_seen", "_step")

    def __init__(self, base: Tensor, out: Tensor, step: Step) -> None:
        self._base = base
        self._step = step
        root: Any = base._root if isinstance(base, View) else base
        self._root = root
        self._cut = step is DETACH
        self._recorded = bool(recording())
        self._own_array = out._array
        self._own_aval = out._aval
        self._own_node = out._node
        try:
            self._seen = root._writes
        except AttributeError:
            self._seen = root._writes = 0

    def _refresh(self) -> None:
        """Take the steps from the root again, as far as they are stale."""
        stale: list[View] = []
        view: Any = self
        while isinstance(view, View) and view._seen != view._root._writes:
            stale.append(view)
            view = view._base
        for view in reversed(stale):
            view._seen = view._root._writes
            with set_grad_enabled(view._recorded):
                out = view._step.get(view._base)
            view._own_array = out._array
            view._own_aval = out._aval
            old, new = view._own_node, out._node
            if type(old) is Leaf or _alike(old, new):  # made a leaf by requires_grad_(), its history begins here; or
                continue  # the base was written without history, and hooks of this view stay
            view._own_node = new
            if hooks.in_use:
                hooks.follow(view, new)

    @property
    def _array(self) -> Any:
        if self._seen != self._root._writes:
            self._refresh()
        return self._own_array

    @_array.setter
    def _array(self, array: Any) -> None:
        self._own_array = array

    @property
    def _aval(self) -> Any:
        if self._seen != self._root._writes:
            self._refresh()
        return self._own_aval

    @_aval.setter
    def _aval(self, aval: Any) -> None:
        self._own_aval = aval

    @property
    def _node(self) -> Any:
        if self._seen != self._root._writes:
            self._refresh()
        return self._own_node

    @_node.setter
    def _node(self, node: Any) -> None:
        self._own_node = node


def _alike(old: Any, new: Any) -> bool:
    """Whether the nodes of one step begin at the same node."""
    return is_node(old) and is_node(new) and old[A] is new[A] and old[B] is new[B] and old[PULLBACK] is not freed


register_view(View)
