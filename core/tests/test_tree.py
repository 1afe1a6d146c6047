"""Nested containers: taking apart, putting together, and comparing structures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from pullback import tree
from pullback.errors import ArgumentError


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass(frozen=True)
class Layer:
    weight: Any
    bias: Any
    size: Any = field(init=False, default=0)

    def __post_init__(self) -> None:
        if not isinstance(self.weight, (int, Pair)):
            raise TypeError("a weight is wanted")


class Words(dict):  # type: ignore[type-arg]
    pass


NESTED = {"a": [1, (2, Pair(3, None))], "b": Layer(4, {"c": 5}), "d": ()}


def test_leaves_come_back_in_their_places() -> None:
    assert tree.leaves(NESTED) == [1, 2, 3, 4, 5, 0]
    assert tree.unflatten(NESTED, tree.leaves(NESTED)) == NESTED
    other = tree.mapped(lambda x: str(x), NESTED)
    assert other["a"] == ["1", ("2", Pair("3", None))]
    assert (other["b"].weight, other["b"].bias, other["b"].size) == ("4", {"c": "5"}, "0")
    assert NESTED["b"] == Layer(4, {"c": 5})
    assert tree.leaves(Words(x=1)) == [1]


def test_dataclasses_are_rebuilt_without_their_constructor() -> None:
    """Which may want what the leaves are no longer, and knows nothing of fields with `init=False`."""
    assert tree.unflatten(Layer(1, 2), ["x", "y", "z"]).weight == "x"


def test_a_class_is_a_leaf() -> None:
    assert tree.leaves([Layer]) == [Layer]


def test_mapped_pairs_trees_of_one_structure() -> None:
    assert tree.mapped(lambda x, y: x + y, {"a": 1, "b": [2]}, {"a": 10, "b": [20]}) == {"a": 11, "b": [22]}


def test_aligned_goes_by_key_not_by_order() -> None:
    assert tree.aligned({"a": 1, "b": (2, 3)}, {"b": (5, 6), "a": 4}, "x") == [4, 5, 6]
    assert tree.aligned(NESTED, NESTED, "x") == tree.leaves(NESTED)


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ((1, 2), (1,), "a tuple of 1 was given where the structure has a tuple of 2"),
        ((1, 2), 3, "a single int was given where the structure has a tuple of 2"),
        ({"a": 1}, {"b": 1}, "a dict with the keys 'b' was given where the structure has a dict with the keys 'a'"),
        ({"a": 1}, [1], "a list of 1 was given"),
        ([1], None, "None was given where the structure has a list of 1"),
    ],
)
def test_other_structures_are_refused(one: Any, other: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=f"what: {message}"):
        tree.aligned(one, other, "what")


def test_spread_stops_where_the_prefix_does() -> None:
    assert tree.spread(0, NESTED, "axes") == [0] * 6
    assert tree.spread((0, None), ([1, 2], {"a": 3}), "axes") == [0, 0, None]
    assert tree.spread({"b": 1, "a": None}, {"a": [1, 2], "b": 3}, "axes") == [None, None, 1]
    with pytest.raises(ArgumentError, match="axes: True is neither an int nor None"):
        tree.spread((True,), (1,), "axes")
    with pytest.raises(ArgumentError, match="axes: a tuple of 3 was given"):
        tree.spread((0, 0, 0), (1, 2), "axes")
