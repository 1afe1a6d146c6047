"""`backward` and `grad`: what a user calls to run the reverse pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback import hooks, namespace
from pullback import primitive as primitives
from pullback.backward import accumulate, owned, reverse
from pullback.errors import ArgumentError, AutogradError
from pullback.primitive import wrap


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` to the `.grad` of the leaves that they were computed from.

    `tensors`: a Tensor or a sequence; `grad_tensors`: a cotangent for each, of its shape and dtype, or None where it
    has one element. `retain_graph` keeps what the graph saved for another pass (the default is `create_graph`, which
    records the pass itself). `inputs`: only these leaves. Raises `AutogradError` if there is no graph, if a cotangent
    is missing or does not fit, or if the graph was used up; then no `.grad` has changed.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> pb.autograd.backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    seeds = _seeds("backward", _sequence(tensors), grad_tensors)
    targets = None
    if inputs is not None:
        chosen = _sequence(inputs)
        if not chosen:
            raise AutogradError("backward: `inputs` is empty; leave it out to reach all leaves")
        targets = [_target("backward", i, x) for i, x in enumerate(chosen)]
    retain = create_graph if retain_graph is None else retain_graph
    if not hooks.in_use:
        accumulate(_run(seeds, retain, create_graph, targets))
        return
    with hooks.one_pass(record=create_graph) as this:
        found = this.end(_run(seeds, retain, create_graph, targets))
        accumulate(found)
        this.commit(found)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    *,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the sum of `outputs` with respect to `inputs`, one per input; no `.grad` changes.

    An input that no output depends on raises `AutogradError`, or gives None with `allow_unused=True`, or zeros with
    `materialize_grads=True`. The other arguments are those of `backward`.

    >>> import pullback as pb
    >>> x = pb.tensor(3.0, requires_grad=True)
    >>> (first,) = pb.autograd.grad(x**3, x, create_graph=True)
    >>> pb.autograd.grad(first, x)
    (tensor(18.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True replaces unused inputs by zeros; leave allow_unused out")
    wanted = _sequence(inputs)
    seeds = _seeds("grad", _sequence(outputs), grad_outputs)
    nodes = [_target("grad", i, x) for i, x in enumerate(wanted)]
    retain = create_graph if retain_graph is None else retain_graph
    if hooks.in_use:
        with hooks.one_pass(record=create_graph) as this:
            found = this.end(_run(seeds, retain, create_graph, nodes))
            this.commit(())
    else:
        found = _run(seeds, retain, create_graph, nodes)
    arrived = {id(node): ct for node, ct in found}
    results: list[Any] = []
    taken: set[int] = set()
    for i, (x, node) in enumerate(zip(wanted, nodes, strict=True)):
        ct = arrived.get(id(node))
        if ct is None:
            if not (allow_unused or materialize_grads):
                raise AutogradError(
                    f"grad: no output depends on input {i}; pass allow_unused=True to get None for it, or "
                    f"materialize_grads=True for zeros"
                )
            results.append(_zeros(x) if materialize_grads else None)
        elif (isinstance(ct, primitives.tensor_type) and ct._aval is not x._aval) or create_graph:
            results.append(owned(ct))
        else:
            backend = x._aval.backend
            results.append(wrap(backend.copy(ct) if id(node) in taken else backend.claim(ct), x._aval))
            taken.add(id(node))
    return tuple(results)


def _run(seeds: list[tuple[Any, Any]], retain: bool, create_graph: bool, targets: Any) -> list[tuple[Any, Any]]:
    if not seeds:
        return []
    with seeds[0][0]._aval.device.backend.quiet():
        return _reverse(seeds, retain, create_graph, targets)


def _reverse(seeds: list[tuple[Any, Any]], retain: bool, create_graph: bool, targets: Any) -> list[tuple[Any, Any]]:
    above = any(ct._aval.backend.level > out._aval.backend.level for out, ct in seeds)  # a batch of cotangents
    if create_graph or above:
        pairs = [(out._node, ct) for out, ct in seeds]
        return reverse(pairs, retain=retain, tensor_xp=namespace.tensors, record=create_graph, targets=targets)
    # a cotangent below the level of a transform is a constant to it
    pairs = [(out._node, ct._array if ct._aval.backend is out._aval.backend else ct) for out, ct in seeds]
    return reverse(pairs, retain=retain, targets=targets)


def _zeros(x: Any) -> Any:
    return namespace.tensors.zeros(x.shape, dtype=x.dtype, device=x.device)


def _sequence(value: Any) -> list[Any]:
    return [value] if hasattr(value, "_node") else list(value)  # a Tensor, or a GradientEdge


def _target(name: str, i: int, x: Any) -> Any:
    if x._node is None:
        raise AutogradError(
            f"{name}: input {i} does not require grad; call .requires_grad_() on it before the computation"
        )
    return x._node


def _seeds(name: str, outputs: Sequence[Any], cotangents: Any) -> list[tuple[Any, Any]]:
    """The outputs where the pass begins, each with a cotangent, a Tensor of its shape and dtype."""
    given = [None] * len(outputs) if cotangents is None else _sequence(cotangents)
    if len(given) != len(outputs):
        raise AutogradError(f"{name}: {len(outputs)} outputs were given with {len(given)} cotangents")
    return [(out, _seed(name, i, out, ct)) for i, (out, ct) in enumerate(zip(outputs, given, strict=True))]


def _seed(name: str, i: int, out: Any, ct: Any) -> Any:
    aval = out._aval
    if out._node is None:
        raise AutogradError(
            f"{name}: output {i} does not require grad and has no grad_fn: nothing that it was computed from does"
        )
    if ct is None:
        if aval.size != 1:
            raise AutogradError(
                f"{name}: a gradient is implied for outputs of one element only; output {i} has shape {out.shape}. "
                f"Reduce it, e.g. with .sum(), or pass a cotangent of its shape"
            )
        if aval.dtype.is_complex:
            raise AutogradError(
                f"{name}: a gradient is implied for real outputs only; output {i} is {out.dtype.name}. Take .real or "
                f"abs(), or pass a cotangent"
            )
        if aval.ndim == 0:
            return wrap(aval.scalar(1), aval)
        return namespace.tensors.ones(aval.shape, dtype=aval.dtype, device=aval.device)
    if not isinstance(ct, primitives.tensor_type):
        raise ArgumentError(f"{name}: the cotangent of output {i} must be a Tensor or None, got {type(ct).__name__}")
    if ct._aval is not aval:
        _check_cotangent(name, i, out, ct)
        if ct.dtype is not out.dtype:
            ct = ct.astype(out.dtype)
    return ct


def _check_cotangent(name: str, i: int, out: Any, ct: Any) -> None:
    if ct.shape != out.shape:
        raise AutogradError(f"{name}: the cotangent of output {i} has shape {ct.shape}, the output {out.shape}")
    if ct.dtype.is_complex != out.dtype.is_complex or not ct.dtype.differentiable:
        raise AutogradError(f"{name}: the cotangent of output {i} is {ct.dtype.name}, the output {out.dtype.name}")
    if ct.device != out.device:
        raise AutogradError(
            f"{name}: the cotangent of output {i} is on {ct.device}, the output on {out.device}; write "
            f".to({str(out.device)!r})"
        )
