"""`scipy.optimize.minimize` over Tensors: pullback gives it gradients, and products with the Hessian where they are used."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, DTypeError, ShapeError

WITH_CURVATURE = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")
"""The methods that take products of the Hessian with a vector."""
WITH_HESSIAN = ("dogleg", "trust-exact")
"""The methods that take the whole Hessian."""
WITHOUT_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")


def minimize(fun: Callable[[Any], Any], params: Any, method: str | None = None, **options: Any) -> Any:
    """The `params` at which `fun(params)` is least, by SciPy: its result, with Tensors in `x`.

    `params`: a real Tensor, or nested tuples, lists and dicts of them, where the search begins; they are not changed. `fun`
    returns a 0-d Tensor. `method` and the other options (`bounds`, `constraints`, `tol`, `callback`, `options`) are those of
    `scipy.optimize.minimize`, over the flat vector of all elements in order. `x` of the result is like `params`; `jac` is
    flat, in float64, as SciPy computes.

    Needs SciPy: `pip install 'pullback-optim[scipy]'`. Raises `ArgumentError` for what is no Tensor, `DTypeError` for one
    that is not real, `ShapeError` if `fun` returns more than a number.

    >>> import pullback as pb, pullback_optim as optim
    >>> def rosenbrock(p):
    ...     return (1 - p["x"]) ** 2 + 100 * (p["y"] - p["x"] ** 2) ** 2
    >>> start = {"x": pb.tensor(-1.0, dtype=pb.float64), "y": pb.tensor(2.0, dtype=pb.float64)}
    >>> found = optim.minimize(rosenbrock, start, method="trust-ncg")
    >>> found.x["x"], bool(found.success)
    (tensor(1.0000, dtype=pullback.float64), True)
    """
    import numpy as np  # noqa: PLC0415  SciPy's own arrays
    from scipy import optimize  # noqa: PLC0415  an extra

    for name in ("jac", "hess", "hessp"):
        if name in options:
            raise ArgumentError(f"minimize: {name} comes from pullback; leave it out")
    leaves = _leaves(params)

    def to_tensors(vector: Any) -> Any:
        """The flat vector in the shape of `params`, each part of the dtype and on the device of its Tensor."""
        parts, begin = [], 0
        for like in leaves:
            part = vector[begin : begin + like.size].reshape(like.shape)
            begin += like.size
            parts.append(pb.asarray(np.asarray(part)).to(like.device, like.dtype))
        return _rebuilt(params, iter(parts))

    def to_vector(tree: Any) -> Any:
        parts = [x.detach().to("cpu", pb.float64).numpy().reshape(-1) for x in pb.compute(*_leaves(tree))]
        return np.concatenate(parts) if parts else np.zeros(0)

    def value(vector: Any) -> float:
        return float(_loss(fun(to_tensors(vector))))

    def value_and_gradient(vector: Any) -> tuple[float, Any]:
        loss, grad = pb.func.value_and_grad(lambda tree: _loss(fun(tree)))(to_tensors(vector))
        pb.compute(loss, grad)
        return float(loss), to_vector(grad)

    def curvature(vector: Any, direction: Any) -> Any:
        return to_vector(pb.func.hvp(fun, (to_tensors(vector),), (to_tensors(direction),)))

    def hessian(vector: Any) -> Any:
        return np.stack([curvature(vector, row) for row in np.eye(len(vector))])

    kind = method.lower() if isinstance(method, str) else ""
    given = {"hessp": curvature} if kind in WITH_CURVATURE else {"hess": hessian} if kind in WITH_HESSIAN else {}
    start = to_vector(params)
    if kind in WITHOUT_GRADIENT:
        result = optimize.minimize(value, start, method=method, **options)
    else:
        result = optimize.minimize(value_and_gradient, start, method=method, jac=True, **given, **options)
    result.x = to_tensors(result.x)
    return result


def _loss(loss: Any) -> Any:
    if not isinstance(loss, pb.Tensor) or prod(loss.shape) != 1:
        what = f"a Tensor of shape {loss.shape}" if isinstance(loss, pb.Tensor) else type(loss).__name__
        raise ShapeError(f"minimize: the function must return one number as a Tensor, got {what}")
    return loss


def _leaves(tree: Any) -> list[Any]:
    """The Tensors of a tree, in order."""
    if isinstance(tree, (tuple, list)):
        return [leaf for item in tree for leaf in _leaves(item)]
    if isinstance(tree, dict):
        return [leaf for item in tree.values() for leaf in _leaves(item)]
    if not isinstance(tree, pb.Tensor):
        raise ArgumentError(f"minimize: params are Tensors in tuples, lists and dicts, got {type(tree).__name__}")
    if not tree.dtype.is_floating_point:
        raise DTypeError(f"minimize: real floating Tensors are needed, got {tree.dtype.name}; give complex ones as two")
    return [tree]


def _rebuilt(tree: Any, parts: Any) -> Any:
    """A tree like `tree` with other Tensors."""
    if isinstance(tree, dict):
        return {name: _rebuilt(item, parts) for name, item in tree.items()}
    if isinstance(tree, (tuple, list)):
        items = [_rebuilt(item, parts) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return next(parts)
