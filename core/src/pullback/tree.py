"""Nested containers of Tensors: tuples (also named ones), lists, dicts and dataclasses.

Everything else is a leaf; None is a container of nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pullback.errors import ArgumentError


def children(tree: Any) -> list[Any] | None:
    """What a container holds, in order; None for a leaf."""
    if tree is None:
        return []
    if isinstance(tree, (tuple, list)):
        return list(tree)
    if isinstance(tree, dict):
        return list(tree.values())
    fields = _fields(tree)
    return None if fields is None else [getattr(tree, name) for name in fields]


def _fields(tree: Any) -> list[str] | None:
    """The names of the fields of a dataclass; None for anything else."""
    if isinstance(tree, type) or not hasattr(tree, "__dataclass_fields__"):
        return None
    import dataclasses  # noqa: PLC0415  loaded already: it made this class

    return [field.name for field in dataclasses.fields(tree)]


def rebuilt(tree: Any, items: Sequence[Any]) -> Any:
    """A container like `tree` that holds `items`."""
    if tree is None:
        return None
    if isinstance(tree, tuple):
        return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)
    if isinstance(tree, list):
        return list(items)
    if isinstance(tree, dict):
        return dict(zip(tree, items, strict=True))
    import dataclasses  # noqa: PLC0415

    names = _fields(tree) or ()
    return dataclasses.replace(tree, **dict(zip(names, items, strict=True)))


def leaves(tree: Any) -> list[Any]:
    """The leaves, from left to right.

    >>> leaves({"a": 1, "b": (2, [3])})
    [1, 2, 3]
    """
    below = children(tree)
    return [tree] if below is None else [leaf for child in below for leaf in leaves(child)]


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


def spread(prefix: Any, tree: Any, what: str) -> list[Any]:
    """One value per leaf of `tree`, from a tree that may stop earlier: an int or None above counts for all below.

    >>> spread((0, None), ([1, 2], 3), "in_axes")
    [0, 0, None]
    """
    below = children(tree)
    if prefix is None or isinstance(prefix, int) or below is None:
        return [prefix] * len(leaves(tree))
    above = children(prefix) or []
    if type(prefix) is not type(tree) or len(above) != len(below):
        raise ArgumentError(f"{what}={prefix!r} does not fit the structure of {type(tree).__name__} of {len(below)}")
    return [value for one, child in zip(above, below, strict=True) for value in spread(one, child, what)]
