"""The reverse pass: newest node first, each pullback once, cotangents added up on the way.

Nodes are numbered in the order in which they were made, so a heap of numbers is all that a topological order takes.
The pass computes on raw arrays. Where its results need a derivative again (`create_graph`), or live above the level of
the graph (a batch of cotangents), it hands Tensors to the same rules instead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import partial
from heapq import heappop, heappush, heappushpop
from typing import Any, Final, Protocol

from pullback import primitive as primitives
from pullback.backend import surroundings
from pullback.errors import CotangentError, GraphFreedError, OverwrittenError
from pullback.grad_mode import enable_grad, no_grad
from pullback.graph import PULLBACK, SEQ, B, Leaf, Node, X, Y, free, freed, is_node, parents, rule_of
from pullback.hooks import Hooked
from pullback.inplace import begin_additions, restore
from pullback.ops.data_type_functions import clone
from pullback.primitive import new, wrap
from pullback.rules import Mode
from pullback.writes import last, value_types, written_since


class Inspector(Protocol):
    """Somebody who looks at every step of the passes that run here: anomaly detection, a profiler."""

    def begin(self, roots: Sequence[Any]) -> None:
        """A pass begins at these nodes and leaves."""

    def step(self, node: Node, ct: Any, run: Callable[[], Any]) -> Any:
        """Return `run()`, the cotangents of the parents of a node."""


literal_products: Final[ContextVar[bool]] = ContextVar("pullback_literal_products", default=False)
inspector: Final[ContextVar[Inspector | None]] = ContextVar("pullback_inspector", default=None)
_commit: Final = threading.Lock()
_LARGE: Final = 1 << 14  # elements from which asking who holds an array is cheaper than making another one
_GUARD: Final = Mode(guard=True)
_LITERAL: Final = Mode(literal=True)


def reverse(
    seeds: Iterable[tuple[Any, Any]],
    *,
    retain: bool,
    tensor_xp: Any = None,
    record: bool = False,
    targets: Sequence[Any] | None = None,
    surrounded: bool = False,
) -> list[tuple[Any, Any]]:
    """Propagate cotangents from the `seeds`, pairs of node or leaf and cotangent, to the leaves; or only to `targets`.

    Returns what arrived, as pairs. With `tensor_xp`, pullback's own namespace, cotangents are Tensors, and with
    `record` the pass itself is recorded.
    """
    if surroundings and not surrounded:
        with ExitStack() as stack:
            for context in surroundings:
                stack.enter_context(context())
            return reverse(seeds, retain=retain, tensor_xp=tensor_xp, record=record, targets=targets, surrounded=True)
    seeds = list(seeds)
    inspect = inspector.get()
    if targets is None and tensor_xp is None and is_plain():
        return reverse_plain(seeds, retain)
    if inspect is not None:
        inspect.begin([node for node, _ in seeds])
    wanted = None if targets is None else {id(target) for target in targets}
    through = None if wanted is None else _towards(wanted, [node for node, _ in seeds])
    arrived: dict[int, tuple[Any, Any]] = {}  # id of a node or leaf -> itself, and its cotangent so far
    found: list[tuple[Any, Any]] = []
    heap: list[Node] = []

    def add(node: Any, ct: Any) -> None:
        key = id(node)
        if wanted is not None and key not in wanted and key not in through:  # type: ignore[operator]
            return
        if key in arrived:
            arrived[key] = node, arrived[key][1] + ct
        else:
            arrived[key] = node, ct
            if is_node(node):
                heappush(heap, node)

    for node, ct in seeds:
        add(node, ct)
    while heap:
        node = heappop(heap)
        _, ct = arrived.pop(id(node))
        if isinstance(rule_of(node), Hooked):
            ct = rule_of(node).incoming(ct)
        if wanted is not None:
            if id(node) in wanted:
                found.append((node, ct))
            if id(node) not in through:  # type: ignore[operator]
                continue
        if inspect is None:
            grads = _replay(node, ct, tensor_xp, record=record)
        else:
            grads = inspect.step(node, ct, partial(_replay, node, ct, tensor_xp, record=record))
        if not retain:
            free(node)
        for parent, grad in zip(parents(node), (grads,) if node[B] is None else grads, strict=True):
            if grad is not None:
                add(parent, grad)
    return found + list(arrived.values())


def is_plain() -> bool:
    """Whether nobody looks at the passes that run here, or wants other products: `reverse_plain` will do."""
    return inspector.get() is None and not literal_products.get()


def reverse_plain(seeds: list[tuple[Any, Any]], retain: bool) -> list[tuple[Any, Any]]:
    """`reverse` for raw arrays and all leaves, written out flat: where small graphs spend their time."""
    cts: dict[int, Any] = {}  # seq of a waiting node -> its cotangent so far
    sums: dict[Leaf, Any] = {}
    owned: set[Any] = set()  # seqs and leaves whose cotangent is an array made here: it is added to in place
    heap: list[Node] = []
    event = last
    release = not retain
    for node, ct in seeds:
        _arrive(node, ct, cts, sums, heap)
    while heap:
        node = heappop(heap)
        ct = cts.pop(node[SEQ])
        while True:  # along a chain, without the heap
            seq, pullback, a, b, x, y = node
            if seq <= event.event or (seq <= event.write and pullback is pullback.rule.guarded):
                grads = pullback(ct, x, y)
            else:
                grads = _careful(node, ct)
            if release and x is not None:
                node[PULLBACK] = freed
                node[X] = None
                node[Y] = pullback
            if b is not None:
                kind = type(b)
                if kind is Leaf:
                    grads, second = grads
                    if b in owned:
                        sums[b] += second
                    elif b in sums:
                        _add(sums, b, second, b.aval.backend)
                        owned.add(b)
                    else:
                        sums[b] = second
                elif kind is list:
                    grads, second = grads
                    seq = b[SEQ]
                    if seq not in cts:
                        cts[seq] = second
                        heappush(heap, b)
                    elif seq in owned:
                        cts[seq] += second
                    else:
                        cts[seq] = cts[seq] + second
                        owned.add(seq)
                else:
                    for parent, grad in zip((a, *b), grads, strict=True):
                        if grad is not None:
                            _arrive(parent, grad, cts, sums, heap)
                    break
            if type(a) is not list:
                if a in owned:
                    sums[a] += grads
                elif a in sums:
                    _add(sums, a, grads, a.aval.backend)
                    owned.add(a)
                else:
                    sums[a] = grads
                break
            if not heap:
                node = a
                ct = grads
                continue
            seq = a[SEQ]
            if seq not in cts:
                cts[seq] = grads
                node = heappushpop(heap, a)
                ct = cts.pop(node[SEQ])
                continue
            if seq in owned:
                cts[seq] += grads
            else:
                cts[seq] = cts[seq] + grads
                owned.add(seq)
            break
    return list(sums.items())


def _arrive(node: Any, ct: Any, cts: dict[int, Any], sums: dict[Leaf, Any], heap: list[Node]) -> None:
    """Add a cotangent to what has arrived at a node or leaf."""
    if not is_node(node):
        sums[node] = sums[node] + ct if node in sums else ct
    elif node[SEQ] in cts:
        cts[node[SEQ]] = cts[node[SEQ]] + ct
    else:
        cts[node[SEQ]] = ct
        heappush(heap, node)


def _add(table: dict[Any, Any], key: Any, ct: Any, backend: Any) -> None:
    """Add to a cotangent for the first time: into its own memory where that is large, and nobody else's."""
    total = table[key]
    if total.size >= _LARGE and backend.unshared(total):
        total += ct
    else:
        table[key] = total + ct


def _towards(wanted: set[int], roots: Iterable[Any]) -> set[int]:
    """The ids of the nodes whose pullbacks lead from the roots to what is wanted."""
    order = list(roots)
    seen = set(map(id, order))
    for node in order:
        if is_node(node):
            for parent in parents(node):
                if id(parent) not in seen:
                    seen.add(id(parent))
                    order.append(parent)
    through: set[int] = set()
    for node in sorted(filter(is_node, order), reverse=True):  # oldest first
        if any(id(parent) in wanted or id(parent) in through for parent in parents(node)):
            through.add(id(node))
    return through


def _careful(node: Node, ct: Any) -> Any:
    """Run a node that is older than a write, or than an op that hides values."""
    rule = _usable_rule(node)
    if node[SEQ] > last.write:
        _check_unwritten(node)
    call = rule.guarded
    if call is None:
        call = node[PULLBACK] if rule.backend is None else rule.over(rule.backend.xp, _GUARD)
    return call(ct, node[X], node[Y])


def _usable_rule(node: Node) -> Any:
    if node[PULLBACK] is freed:
        raise GraphFreedError(rule_of(node).name)
    return rule_of(node)


def _check_unwritten(node: Node) -> None:
    rule = rule_of(node)
    for name, array, storage in rule.saved(node):
        if written_since(storage, node[SEQ]):
            raise OverwrittenError(
                f"{rule.name}: {'its result' if name == 'out' else name}, of shape {tuple(array.shape)}, is needed for "
                f"the gradient but was written in place after the op ran. Write out of place (y = y + 1, not y += 1), or "
                f"write to a .clone()"
            )


def _replay(node: Node, ct: Any, xp: Any, *, record: bool) -> Any:
    """Run a node's rule on Tensors, or on raw arrays with the literal product."""
    rule = _usable_rule(node)
    hooks = rule if isinstance(rule, Hooked) else None
    pullback = node[PULLBACK] if hooks is None else hooks.inner
    mode = _LITERAL if literal_products.get() else Mode(guard=node[SEQ] > last.event)
    if node[SEQ] > last.write:
        _check_unwritten(node)
    if xp is None:
        call = pullback if rule.backend is None else pullback.rule.over(rule.backend.xp, mode)
        return call(ct, node[X], node[Y]) if hooks is None else hooks.around(call, ct, node[X], node[Y])
    with enable_grad() if record else no_grad():
        call, (x, y) = pullback.rule.over(xp, mode), rule.as_tensors(node, wrap)
        return call(ct, x, y) if hooks is None else hooks.around(call, ct, x, y)


def accumulate(cotangents: Sequence[tuple[Any, Any]]) -> None:
    """Add what arrived at each leaf, raw arrays or Tensors, to its `.grad`: to all of them, or after an error to none."""
    tensor_type = primitives.tensor_type
    with _commit:
        made: list[tuple[Leaf, Any, Any]] = []  # a leaf, its `.grad`, and the Tensor that will replace it
        added: list[tuple[Any, Any]] = []  # a `.grad` that stays, and what to add to it
        for leaf, ct in cotangents:
            before = leaf.grad
            aval = leaf.aval
            if before is None and ct.shape == aval.shape and not isinstance(ct, tensor_type):  # what is most frequent
                grad = new(tensor_type)
                grad._array = ct if type(ct) in value_types else aval.backend.claim(ct)
                grad._aval = aval
                grad._node = None
                made.append((leaf, None, grad))
                continue
            if (ct.shape != aval.shape and aval.known) or (before is not None and before.shape != ct.shape):
                raise CotangentError(
                    f"backward: a gradient of shape {ct.shape} arrived at a leaf of shape {aval.shape} whose .grad "
                    f"{'is empty' if before is None else f'has shape {before.shape}'}"
                )
            if isinstance(ct, tensor_type):
                made.append((leaf, before, owned(ct) if before is None else before + ct))
            elif before is not None and not type(aval.backend).plain_operators:  # (a profiler sets it on the object)
                made.append((leaf, before, before + wrap(ct, aval)))
            elif before is None:  # of a shape that is not known
                made.append((leaf, None, wrap(aval.backend.claim(ct), aval)))
            else:
                added.append((before, ct))
        if not added:
            try:
                for leaf, _, grad in made:
                    leaf.grad = grad
            except BaseException:
                _undo(made)
                raise
            return
        replaced: list[tuple[Any, Any]] = []
        with leaf.aval.device.backend.quiet():
            try:
                for leaf, _, grad in made:
                    leaf.grad = grad
                waiting = iter(begin_additions(added, replaced))
            except BaseException:
                _undo(made)
                restore(replaced)
                raise
            try:  # nothing is called from here on: an interrupt can come between two additions only
                for memory, array in waiting:
                    mine = memory
                    mine += array
            except BaseException:
                for memory, array in waiting:
                    mine = memory
                    mine += array
                raise


def _undo(made: list[tuple[Leaf, Any, Any]]) -> None:
    for leaf, before, _ in made:
        leaf.grad = before


def owned(ct: Any) -> Any:
    """A gradient that was recorded, with memory of its own, at the same place in the graph."""
    if is_node(ct._node):
        return wrap(ct._aval.backend.copy(ct._array), ct._aval, ct._node)
    with enable_grad():  # at a place of its own, if it is a leaf
        return clone(ct)


@contextmanager
def ieee_products() -> Iterator[None]:
    """Inside, derivatives multiply as IEEE 754 says: 0 times infinity is NaN.

    Outside, a zero cotangent stays zero where a local derivative is infinite or NaN, so that the branch of a `where`
    that was not taken contributes nothing. A reverse pass goes by where it runs, a forward pass by where the op runs.

    >>> import pullback as pb
    >>> x = pb.tensor([0.0, 4.0], requires_grad=True)
    >>> y = pb.where(x > 0, pb.sqrt(x), 0.0).sum()
    >>> pb.autograd.grad(y, x, retain_graph=True)
    (tensor([0.0000, 0.2500]),)
    >>> with pb.autograd.ieee_products():
    ...     pb.autograd.grad(y, x)
    (tensor([   nan, 0.2500]),)
    """
    before = literal_products.get()
    literal_products.set(True)
    try:
        yield
    finally:
        literal_products.set(before)
