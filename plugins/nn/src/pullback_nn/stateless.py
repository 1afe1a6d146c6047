"""A Module as a function of its parameters, for the transforms of `pb.func`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError

from pullback_nn.modules.module import Module


def functional_call(module: Module, parameters: Mapping[str, Any], args: Any, kwargs: Any = None) -> Any:
    """`module(*args, **kwargs)` with other Tensors in the place of parameters and buffers of these names.

    Afterwards the module has its own again. Raises `ArgumentError` for a name that it does not have.

    >>> import pullback as pb, pullback_nn as nn
    >>> net = nn.Linear(2, 1, bias=False)
    >>> x = pb.tensor([1.0, 2.0])
    >>> pb.func.grad(lambda p: nn.functional_call(net, p, (x,)).sum())({"weight": pb.ones(1, 2)})
    {'weight': tensor([[1., 2.]])}
    """
    modules = dict(module.named_modules())
    places = []
    for name, value in parameters.items():
        path, _, last = name.rpartition(".")
        owner = modules.get(path)
        found = [] if owner is None else [p for p in (owner._parameters, owner._buffers) if p.get(last) is not None]
        if not found or not isinstance(value, pb.Tensor):
            known = ", ".join([n for n, _ in (*module.named_parameters(), *module.named_buffers())])
            raise ArgumentError(
                f"functional_call: {name!r} must be the name of a parameter or buffer, and its value a Tensor; "
                f"{type(module).__name__} has {known}, and the value is of type {type(value).__name__}"
            )
        places.append((found[0], last, value))
    before = [(place, name, place[name]) for place, name, _ in places]
    try:
        for place, name, value in places:
            place[name] = value
        return module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
    finally:
        for place, name, own in before:
            place[name] = own
