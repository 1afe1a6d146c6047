"""`backward` and `grad`: what a user calls to run the reverse pass."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pullback import backward as engine
from pullback import hooks, namespace, sources
from pullback import primitive as primitives
from pullback import tree as trees
from pullback.backend import surroundings
from pullback.backward import accumulate, is_plain, owned, reverse
from pullback.batching import BatchedBackend
from pullback.errors import ArgumentError, AutogradError
from pullback.grad_mode import recording
from pullback.graph import Leaf, is_node
from pullback.primitive import wrap
from pullback.transform import entered


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of `tensors` to the `.grad` of the leaves that they were computed from.

    `tensors`: a Tensor or a container of them; `grad_tensors`: a cotangent for each, of its shape and dtype, or None
    where it has one element. `retain_graph` keeps what the graph saved for another pass (the default is `create_graph`,
    which records the pass itself). `inputs`: add to the `.grad` of these Tensors only, leaves or not. Raises
    `AutogradError` if there is no graph, if a cotangent is missing or does not fit, or if the graph was used up; then no
    `.grad` has changed. Warns (`UserWarning`) of `create_graph`, which makes a cycle of a leaf and its `.grad`, and of an
    output that `requires_grad_()` made a leaf, so that nothing upstream of it gets a gradient.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> pb.autograd.backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    if inputs is None and not create_graph and not hooks.in_use:
        seed = _plain_seed(tensors, grad_tensors)
        if seed is not None:
            with tensors._aval.backend.quiet():
                found = engine.reverse_plain([(tensors._node, seed)], bool(retain_graph))
            accumulate(found)
            return
    seeds = _seeds("backward", tensors, grad_tensors)
    if create_graph or (grad_tensors is None and type(seeds[0][0]._node) is Leaf):
        _warn(seeds, create_graph)
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None and not hooks.in_use:
        accumulate(_run(seeds, retain, create_graph, None))
        return
    chosen: list[Any] = []
    targets = None
    if inputs is not None:
        chosen = _flat("backward", "inputs", inputs)
        if not chosen:
            raise AutogradError("backward: `inputs` is empty; leave it out to reach all leaves")
        targets = [_target("backward", i, x) for i, x in enumerate(chosen)]
    if not hooks.in_use:
        _accumulate(_run(seeds, retain, create_graph, targets), chosen)
        return
    with hooks.one_pass(record=create_graph or _recorded_below(seeds)) as this:
        found = this.end(_run(seeds, retain, create_graph, targets))
        _accumulate(found, chosen)
        this.commit(found)


def _plain_seed(x: Any, ct: Any) -> Any:
    """The raw cotangent to begin at, if the pass is plain, which is most frequent; else None.

    That is: one Tensor of an array library, with a history; and a cotangent of its aval, or one real number.
    """
    tensor_type = primitives.tensor_type
    if not isinstance(x, tensor_type) or type(x._node) is not list or surroundings or not is_plain():
        return None
    aval = x._aval
    if not aval.direct:
        return None
    if ct is None:
        return None if aval.ndim or aval.dtype.is_complex else aval.scalar(1)
    return ct._array if isinstance(ct, tensor_type) and ct._aval is aval else None


def _warn(seeds: list[tuple[Any, Any]], create_graph: bool) -> None:
    """Of what is allowed, and hardly ever meant."""
    if create_graph:
        warnings.warn(
            "backward(create_graph=True) makes a cycle: each .grad holds a graph that holds its leaf, so only the garbage "
            "collector frees them. Use pb.autograd.grad, or set .grad to None after use",
            UserWarning,
            stacklevel=sources.level(),
        )
    for i, (out, _) in enumerate(seeds):
        if type(out._node) is Leaf and out._node.revived:
            warnings.warn(
                f"backward: output {i} became a leaf by requires_grad_(), so nothing that it was computed from gets a "
                f"gradient. If it is a loss, find out why it did not require grad: a detach(), no_grad, or inputs that do "
                f"not require grad; pb.autograd.explain helps",
                UserWarning,
                stacklevel=sources.level(),
            )


def _accumulate(found: list[tuple[Any, Any]], chosen: Sequence[Any]) -> None:
    """Add to the `.grad` of leaves, and of the `chosen` Tensors that are none."""
    sums = []
    for node, ct in found:
        for x in chosen:
            if is_node(node) and x._node is node and isinstance(x, primitives.tensor_type):
                grad = owned(ct) if isinstance(ct, primitives.tensor_type) else wrap(x._aval.backend.copy(ct), x._aval)
                before = x._extras().get("grad")
                sums.append((x, grad if before is None else before + grad))
    accumulate([pair for pair in found if not is_node(pair[0])])
    for x, grad in sums:
        x._extras()["grad"] = grad


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of the sum of `outputs` with respect to `inputs`, one per input; no `.grad` changes.

    `inputs` is a Tensor or a sequence, and the result a tuple; or it is a dict or nested, and the result is like it. An
    input that no output depends on raises `AutogradError`, or gives None with `allow_unused=True`, or zeros with
    `materialize_grads=True`, also if no output has a graph at all. With `is_grads_batched`, each of `grad_outputs` has
    one more axis in front, a batch of cotangents, and so has each gradient. The other arguments are those of `backward`.

    >>> import pullback as pb
    >>> x = pb.tensor(3.0, requires_grad=True)
    >>> (first,) = pb.autograd.grad(x**3, x, create_graph=True)
    >>> pb.autograd.grad(first, x)
    (tensor(18.),)
    >>> pb.autograd.grad((x * x).sum(), {"x": x})
    {'x': tensor(6.)}
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True replaces unused inputs by zeros; leave allow_unused out")
    wanted = _flat("grad", "inputs", inputs)
    if is_grads_batched:
        options = {"allow_unused": allow_unused, "materialize_grads": materialize_grads}
        found = _batched(_flat("grad", "outputs", outputs), wanted, grad_outputs, retain_graph, create_graph, options)
        return _like(inputs, found)
    seeds = _seeds("grad", outputs, grad_outputs, constants=materialize_grads)
    nodes = [_target("grad", i, x) for i, x in enumerate(wanted)]
    retain = create_graph if retain_graph is None else retain_graph
    if hooks.in_use:
        with hooks.one_pass(record=create_graph or _recorded_below(seeds)) as this:
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
    return _like(inputs, results)


def _batched(
    outputs: list[Any], inputs: list[Any], cotangents: Any, retain: bool | None, create: bool, options: dict[str, Any]
) -> list[Any]:
    """The gradients for each of a batch of cotangents, in one pass."""
    given = [] if cotangents is None else _flat("grad", "grad_outputs", cotangents, optional=True)
    sizes = {ct.shape[0] if getattr(ct, "ndim", 0) else None for ct in given}
    if len(sizes) != 1 or None in sizes:
        raise AutogradError(
            "grad: with is_grads_batched, each of grad_outputs is a Tensor with a batch axis of one length in front, got "
            f"shapes {', '.join(str(getattr(ct, 'shape', None)) for ct in given) or 'of nothing'}"
        )
    with entered(BatchedBackend) as backend:
        found = grad(outputs, inputs, [backend.make(ct) for ct in given], retain, create, **options)
        size = given[0].shape[0]
        return [None if g is None else backend.value(g, size) for g in found]


def _run(seeds: list[tuple[Any, Any]], retain: bool, create_graph: bool, targets: Any) -> list[tuple[Any, Any]]:
    if not seeds:
        return []
    with seeds[0][0]._aval.device.backend.quiet():
        return _reverse(seeds, retain, create_graph, targets)


def _reverse(seeds: list[tuple[Any, Any]], retain: bool, create_graph: bool, targets: Any) -> list[tuple[Any, Any]]:
    above = create_graph
    pairs = []
    for out, ct in seeds:
        backend = out._aval.backend
        if ct._aval.backend is backend:
            pairs.append((out._node, ct._array))
        else:  # a cotangent below the level of a transform is a constant to it; one above is a batch of cotangents
            above = above or ct._aval.backend.level > backend.level
            pairs.append((out._node, ct))
    if above:
        pairs = [(out._node, ct) for out, ct in seeds]
        record = create_graph or _recorded_below(seeds)
        return reverse(pairs, retain=retain, tensor_xp=namespace.tensors, record=record, targets=targets)
    return reverse(pairs, retain=retain, targets=targets)


def _recorded_below(seeds: list[tuple[Any, Any]]) -> bool:
    """Whether the arrays of a transform that a pass computes on have derivatives: then the pass must not hide them."""
    return bool(recording()) and any(
        out._aval.backend.level and out._aval.backend.tracks(out._array) for out, _ in seeds
    )


def _zeros(x: Any) -> Any:
    return namespace.tensors.zeros(x.shape, dtype=x.dtype, device=x.device)


def _flat(name: str, what: str, value: Any, *, optional: bool = False) -> list[Any]:
    """The Tensors (or gradient edges) of a container, in order; `optional` says that None may stand for one."""
    if _is_place(value) or (value is None and optional):
        return [value]
    below = trees.children(value)
    if below is None and isinstance(value, Iterable):
        below = list(value)
    if below is None:
        raise ArgumentError(f"{name}: {what} must be Tensors, got {type(value).__module__}.{type(value).__qualname__}")
    return [place for child in below for place in _flat(name, what, child, optional=optional)]


def _is_place(value: Any) -> bool:
    """Whether it is a Tensor or a GradientEdge."""
    return hasattr(value, "_node")


def _like(inputs: Any, results: Sequence[Any]) -> Any:
    """The gradients in the containers of `inputs`: a tuple for a Tensor and for a sequence of Tensors."""
    below = None if _is_place(inputs) else trees.children(inputs)
    if below is None or (isinstance(inputs, (list, tuple)) and all(map(_is_place, below))):
        return tuple(results)
    return _filled(inputs, iter(results))


def _filled(tree: Any, results: Iterator[Any]) -> Any:
    if _is_place(tree):
        return next(results)
    return trees.rebuilt(tree, [_filled(child, results) for child in trees.children(tree) or ()])


def _target(name: str, i: int, x: Any) -> Any:
    if x._node is None:
        raise AutogradError(
            f"{name}: input {i} does not require grad; call .requires_grad_() on it before the computation"
        )
    return x._node


def _seeds(name: str, outputs: Any, cotangents: Any, *, constants: bool = False) -> list[tuple[Any, Any]]:
    """The outputs where the pass begins, each with a cotangent, a Tensor of its shape and dtype.

    `constants`: leave out those that depend on nothing, instead of refusing them.
    """
    if constants:
        outs = _flat(name, "outputs", outputs)
        given = [None] * len(outs) if cotangents is None else _flat(name, "cotangents", cotangents, optional=True)
        kept = [i for i, out in enumerate(outs) if out._node is not None or len(given) != len(outs)]
        if len(kept) < len(outs):
            return _seeds(name, [outs[i] for i in kept], [given[i] for i in kept]) if kept else []
    if _is_place(outputs) and (cotangents is None or _is_place(cotangents)):  # what follows, for one
        return [(outputs, _seed(name, 0, outputs, cotangents))]
    outs = _flat(name, "outputs", outputs)
    if not outs:
        raise ArgumentError(f"{name}: there is no output, got {outputs!r}")
    given = [None] * len(outs) if cotangents is None else _flat(name, "cotangents", cotangents, optional=True)
    if len(given) != len(outs):
        raise AutogradError(f"{name}: {len(outs)} outputs were given with {len(given)} cotangents")
    return [(out, _seed(name, i, out, ct)) for i, (out, ct) in enumerate(zip(outs, given, strict=True))]


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
