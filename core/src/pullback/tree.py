"""Nested containers of Tensors: tuples (also named ones), lists, dicts and dataclasses.

Everything else is a leaf; None is a container of nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

from pullback.errors import ArgumentError

_kinds: dict[type, str] = {}
_KINDS_KEPT = 1024


def _kind(tree: Any) -> str:
    """What sort of container it is: "sequence", "dict", "dataclass", "nothing" for None, "leaf" for anything else."""
    cls = type(tree)
    kind = _kinds.get(cls)
    if kind is None:
        if len(_kinds) >= _KINDS_KEPT:
            _kinds.clear()
        kind = _kinds[cls] = _kind_of(cls)
    return kind


def _kind_of(cls: type) -> str:
    if issubclass(cls, (tuple, list)):
        return "sequence"
    if issubclass(cls, dict):
        return "dict"
    if cls is type(None):
        return "nothing"
    return "dataclass" if hasattr(cls, "__dataclass_fields__") else "leaf"


def _fields(tree: Any) -> list[str]:
    """The names of the fields of a dataclass."""
    import dataclasses  # noqa: PLC0415  loaded already: it made this class

    return [field.name for field in dataclasses.fields(tree)]


def children(tree: Any) -> list[Any] | None:
    """What a container holds, in order; None for a leaf."""
    kind = _kind(tree)
    if kind == "leaf":
        return None
    if kind == "sequence":
        return list(tree)
    if kind == "dict":
        return list(tree.values())
    return [] if kind == "nothing" else [getattr(tree, name) for name in _fields(tree)]


def rebuilt(tree: Any, items: Sequence[Any]) -> Any:
    """A container like `tree` that holds `items`."""
    if tree is None:
        return None
    if type(tree) is tuple:
        return tuple(items)
    if isinstance(tree, tuple):
        return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)
    if isinstance(tree, list):
        return list(items)
    if isinstance(tree, dict):
        return dict(zip(tree, items, strict=True))
    made = copy(tree)
    for name, item in zip(_fields(tree), items, strict=True):
        object.__setattr__(made, name, item)  # a frozen one too, and without __init__, which may want arrays
    return made


def leaves(tree: Any) -> list[Any]:
    """The leaves, from left to right.

    >>> leaves({"a": 1, "b": (2, [3])})
    [1, 2, 3]
    """
    below = children(tree)
    if below is None:
        return [tree]
    found = []
    for child in below:
        if _kind(child) == "leaf":
            found.append(child)
        else:
            found += leaves(child)
    return found


def unflatten(tree: Any, values: Sequence[Any]) -> Any:
    """A tree like `tree` with other leaves.

    >>> unflatten({"a": 1, "b": (2, [3])}, "xyz")
    {'a': 'x', 'b': ('y', ['z'])}
    """
    return _fill(tree, iter(values))


def _fill(tree: Any, values: Iterator[Any]) -> Any:
    below = children(tree)
    return next(values) if below is None else rebuilt(tree, [_fill(child, values) for child in below])


def mapped(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """`function` of the leaves of trees of one structure."""
    columns = [leaves(tree), *(leaves(other) for other in others)]
    return unflatten(tree, [function(*row) for row in zip(*columns, strict=True)])


def aligned(tree: Any, other: Any, what: str) -> list[Any]:
    """The leaves of `other` in the order of those of `tree`, whose structure it must have; dicts are compared by key.

    >>> aligned({"a": 1, "b": [2, 3]}, {"b": [5, 6], "a": 4}, "cotangents")
    [4, 5, 6]
    """
    below = children(tree)
    if below is None:
        return [other]
    return [
        leaf
        for child, one in zip(below, _beside(tree, other, len(below), what), strict=True)
        for leaf in aligned(child, one, what)
    ]


def _beside(tree: Any, other: Any, count: int, what: str) -> list[Any]:
    """The children of `other` in the order of those of `tree`."""
    if isinstance(tree, dict) and isinstance(other, dict) and tree.keys() == other.keys():
        return [other[key] for key in tree]
    found = children(other)
    if found is None or _kind(tree) != _kind(other) or isinstance(tree, dict) or len(found) != count:
        raise ArgumentError(
            f"{what}: {_described(other)} was given where the structure has {_described(tree)}; they must be nested alike"
        )
    return found


def _described(tree: Any) -> str:
    if isinstance(tree, dict):
        return f"a dict with the keys {', '.join(map(repr, tree)) or 'none'}"
    below = children(tree)
    if tree is None or below is None:
        return "None" if tree is None else f"a single {type(tree).__name__}"
    return f"a {type(tree).__name__} of {len(below)}"


def spread(prefix: Any, tree: Any, what: str) -> list[Any]:
    """One value per leaf of `tree`, from a tree that may stop earlier: an int or None above counts for all below.

    >>> spread((0, None), ([1, 2], 3), "in_axes")
    [0, 0, None]
    """
    if prefix is None or (isinstance(prefix, int) and not isinstance(prefix, bool)):
        return [prefix] * len(leaves(tree))
    below = children(tree)
    if below is None:
        raise ArgumentError(f"{what}: {prefix!r} is neither an int nor None")
    above = _beside(tree, prefix, len(below), what)
    return [value for one, child in zip(above, below, strict=True) for value in spread(one, child, what)]
