"""The graph: nodes, leaves, and the order in which they were made. No calculus, no arrays.

A node keeps what its pullback reads and the nodes that the results go to; it never keeps a Tensor. It is a plain list,

    [seq, pullback, a, b, x, y]

because making it is most of what recording an operation costs, and a list is the cheapest thing that Python can make
and take apart; and because lists compare by their first item, so that a heap of nodes is in order as it is.

==========  ========================================================================================================
seq         its number; numbers fall, so that a min-heap hands out the newest node first
pullback    `pullback(ct, x, y)` returns the cotangents of its parents; its attribute `rule` says more, see rules.py
a, b        the parents. One parent: `b` is None, and the pullback returns an array. Two: it returns a pair. A tuple
            `b`: the parents are `(a, *b)`, and it returns a sequence, with None for those that get nothing
x, y        what the pullback reads; `x` is not None where array data was saved
==========  ========================================================================================================
"""

from __future__ import annotations

from itertools import count
from typing import Any, Final, TypeAlias

from pullback.errors import GraphFreedError

Node: TypeAlias = list[Any]
SEQ: Final = 0
PULLBACK: Final = 1
A: Final = 2
B: Final = 3
X: Final = 4
Y: Final = 5

next_seq: Final = count(-1, -1).__next__
"""The number of the next node."""


class Leaf:
    """Where gradients end: a Tensor that the user made with `requires_grad=True`. It holds the Tensor's `.grad`."""

    __slots__ = ("__weakref__", "aval", "grad", "hooks", "revived", "tensor")

    def __init__(self, aval: Any) -> None:
        self.aval = aval
        self.grad: Any = None  # a Tensor or None
        self.hooks: Any = None
        self.tensor: Any = None
        self.revived = False  # made of a Tensor that was there before, by requires_grad_()


def make_node(pullback: Any, parents: tuple[Any, ...], x: Any, y: Any, *, sequence: bool = False) -> Node:
    """A node with any number of parents; `sequence` if the pullback returns a sequence also for one or two."""
    b = parents[1:] if sequence or len(parents) > 2 else parents[1] if len(parents) == 2 else None
    return [next_seq(), pullback, parents[0], b, x, y]


def parents(node: Node) -> tuple[Any, ...]:
    """Where the cotangents of a node go, in the order in which its pullback returns them."""
    a, b = node[A], node[B]
    if b is None:
        return (a,)
    return (a, *b) if type(b) is tuple else (a, b)


def is_node(value: Any) -> bool:
    """Whether it is a recorded operation: not a leaf, and not None."""
    return type(value) is list


def freed(ct: Any, x: Any, y: Any) -> Any:  # noqa: ARG001  a pullback
    """The pullback of a node whose residuals were released; `y` is the pullback that it had."""
    raise GraphFreedError(y.rule.name)


class _Freed:
    """What a pass asks the pullback of such a node: nothing is known of it."""

    guarded = None


freed.rule = _Freed  # type: ignore[attr-defined]


def free(node: Node) -> None:
    """Release the residuals of a node. One that saved no array data stays usable, as in PyTorch."""
    if node[X] is not None:
        node[X], node[Y], node[PULLBACK] = None, node[PULLBACK], freed


def rule_of(node: Node) -> Any:
    """What the node's pullback says of itself, also after it was released."""
    return node[Y].rule if node[PULLBACK] is freed else node[PULLBACK].rule


def backend_of(node: Any) -> Any:
    """The backend whose arrays arrive at a node: that of its rule, or of what it was computed from."""
    while is_node(node):
        backend = rule_of(node).backend
        if backend is not None:
            return backend
        node = node[A]
    return node.aval.backend
