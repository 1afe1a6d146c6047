"""StandIn: what takes the place of a node's pullback to do something around it. Stand-ins nest.

Nodes that need nothing around them carry their pullback itself, so that what is off costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pullback.graph import Node
from pullback.rules import Call, Mode, Rule


class StandIn(Rule):
    """A pullback around another one, and for everybody who asks, its rule."""

    def __init__(self, pullback: Any) -> None:
        self.inner = pullback

    def run(self, call: Call, ct: Any, x: Any, y: Any) -> Any:
        """`call`, the pullback inside, with whatever surrounds it. *Override.*"""
        return call(ct, x, y)

    def __call__(self, ct: Any, x: Any, y: Any) -> Any:
        return self.run(self.inner, ct, x, y)

    def over(self, xp: Any, mode: Mode) -> Call:
        call = self.inner.rule.over(xp, mode)
        return lambda ct, x, y: self.run(call, ct, x, y)

    @property
    def name(self) -> str:  # type: ignore[override]
        """What `grad_fn` shows: the name of the rule inside."""
        return self.inner.rule.name  # type: ignore[no-any-return]

    @property
    def backend(self) -> Any:  # type: ignore[override]
        """That of the rule inside."""
        return self.inner.rule.backend

    def saved(self, node: Node) -> Iterable[tuple[str, Any, Any]]:
        return self.inner.rule.saved(node)  # type: ignore[no-any-return]

    def as_tensors(self, node: Node, wrap: Callable[..., Any]) -> tuple[Any, Any]:
        return self.inner.rule.as_tensors(node, wrap)  # type: ignore[no-any-return]

    def mapped(self, x: Any, y: Any, function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
        return self.inner.rule.mapped(x, y, function)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner.rule, name)
