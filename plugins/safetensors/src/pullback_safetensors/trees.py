"""Nested plain data with Tensors in it, as JSON and a flat dict of Tensors; and back, to the last bit.

What JSON has stands for itself. The rest is an object with one key that begins with "$": a Tensor or a NumPy array is
named, a tuple and a dict with other keys than strings are listed.
"""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import pullback as pb
from pullback.errors import ArgumentError


def encode(value: Any, name: str, tensors: dict[str, Any]) -> Any:
    """`value` as JSON; its Tensors go into `tensors`, under names that begin with `name` and say where they were.

    Raises `ArgumentError` for what is no plain data.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.generic):
        return encode(value.item(), name, tensors)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, complex):
        return {"$complex": [encode(part, name, tensors) for part in (value.real, value.imag)]}
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    if isinstance(value, pb.Tensor):
        return {"$tensor": _named(value.detach(), name, tensors)}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return {"$array": _named(pb.asarray(value), name, tensors)}
    if isinstance(value, (list, tuple)):
        items = [encode(item, f"{name}.{n}", tensors) for n, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, dict):
        items = [(key, encode(item, f"{name}.{key}", tensors)) for key, item in value.items()]
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return dict(items)
        return {"$dict": [[encode(key, name, tensors), item] for key, item in items]}
    raise ArgumentError(
        f"{name} is a {type(value).__qualname__}; Tensors, numbers, strings, bytes, None, and lists, tuples and dicts of "
        f"these can be saved"
    )


def _named(tensor: Any, name: str, tensors: dict[str, Any]) -> str:
    while name in tensors:  # {"a.b": x, "a": {"b": y}}
        name += "'"
    tensors[name] = tensor
    return name


def decode(value: Any, tensors: Any) -> Any:
    """What `encode` was given; `tensors` has `get_tensor(name)`."""
    if isinstance(value, list):
        return [decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    mark = next(iter(value), "")
    if not mark.startswith("$"):
        return {key: decode(item, tensors) for key, item in value.items()}
    (content,) = value.values()
    match mark:
        case "$tensor":
            return tensors.get_tensor(content)
        case "$array":
            return np.array(tensors.get_tensor(content).to("cpu").numpy())
        case "$tuple":
            return tuple(decode(item, tensors) for item in content)
        case "$dict":
            return {decode(key, tensors): decode(item, tensors) for key, item in content}
        case "$float":
            return float(content)
        case "$complex":
            return complex(*(decode(part, tensors) for part in content))
        case "$bytes":
            return b64decode(content)
    raise ValueError(f"{mark!r} means nothing")
