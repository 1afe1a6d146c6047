"""Plain data become JSON and Tensors, and come back to the last bit."""

from __future__ import annotations

import collections
import json
import struct
from typing import Any

import numpy as np
import pullback as pb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pullback.errors import ArgumentError
from pullback_safetensors.trees import decode, encode

atoms = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(), st.binary())
keys = st.one_of(st.text(max_size=3), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False))
tensors_ = st.builds(pb.tensor, st.lists(st.floats(width=32), max_size=3))
data = st.recursive(
    st.one_of(atoms, tensors_),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


class Store(dict[str, Any]):
    """Tensors by name, as a file gives them."""

    get_tensor = dict.__getitem__


def through_json(value: Any) -> Any:
    store = Store()
    tree = json.loads(json.dumps(encode(value, "part", store), allow_nan=False))
    assert all(name.startswith("part") for name in store)
    return decode(tree, store)


def exact(value: Any) -> Any:
    """Something that is equal only for the same types and bits."""
    if isinstance(value, float):
        return "float", struct.pack("d", value) if value == value else "nan"
    if isinstance(value, complex):
        return exact(value.real), exact(value.imag)
    if isinstance(value, pb.Tensor):
        return value.dtype, value.shape, value.numpy().tobytes()
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes()
    if isinstance(value, dict):
        return [(exact(key), exact(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [type(value), *map(exact, value)]
    return type(value), value


@settings(derandomize=True, database=None, deadline=None)
@given(data)
def test_data_come_back_to_the_last_bit(value: Any) -> None:
    assert exact(through_json(value)) == exact(value)


@pytest.mark.parametrize(
    "value",
    [
        {"$tensor": "x"},
        {"$": 1, "a": 2},
        {1: "a", "1": "b"},
        {(1, 2): [3]},
        2**200,
        -0.0,
        {"a.b": pb.tensor(1.0), "a": {"b": pb.tensor(2.0)}, "a.b'": pb.tensor(3.0)},
        np.array([1, 2], dtype=np.uint32),
        np.array(2.5 + 1j),
        [[], (), {}, ""],
    ],
    ids=repr,
)
def test_edges_come_back(value: Any) -> None:
    assert exact(through_json(value)) == exact(value)


def test_scalars_of_numpy_and_subclasses_become_plain() -> None:
    Point = collections.namedtuple("Point", "x y")
    found = through_json([np.float32(0.1), np.int64(3), np.bool_(True), Point(1, 2), collections.OrderedDict(a=1)])
    assert exact(found) == exact([float(np.float32(0.1)), 3, True, (1, 2), {"a": 1}])


def test_names_say_where_tensors_were() -> None:
    store = Store()
    encode({"state": {0: {"sum": pb.ones(1)}}, "list": [pb.ones(1), (pb.ones(1),)]}, "optimizer", store)
    assert list(store) == ["optimizer.state.0.sum", "optimizer.list.0", "optimizer.list.1.0"]


def test_a_parameter_is_saved_without_its_history() -> None:
    w = pb.ones(1, requires_grad=True)
    assert not through_json([w * 2])[0].requires_grad


def test_what_is_no_plain_data_is_refused_with_its_place() -> None:
    for value, message in (
        ({"hooks": [print]}, r"part\.hooks\.0 is a builtin_function_or_method; Tensors, numbers, strings"),
        ({1, 2}, "part is a set"),
        (np.array(["a"]), "part is a ndarray"),
        ([object()], r"part\.0 is a object"),
    ):
        with pytest.raises(ArgumentError, match=message):
            encode(value, "part", {})
    with pytest.raises(ValueError, match="'\\$module' means nothing"):
        decode({"$module": "os"}, {})
