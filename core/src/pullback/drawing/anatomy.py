"""What a graph consists of, read off its nodes: operations, leaves and results, and which goes into which.

Nothing is run and nothing is kept: a vertex holds names, shapes and numbers, no array and no node. The walk is
iterative. Operations are in the order in which they were recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pullback.autograd.anomaly import operand_name, owner_of, traced
from pullback.graph import PULLBACK, Leaf, Node, X, Y, freed, is_node, parents, rule_of
from pullback.hooks import Hooked
from pullback.saving import Packed
from pullback.standin import StandIn


class Saved(NamedTuple):
    """An array that an operation keeps for the reverse pass."""

    name: str
    text: str
    """Its dtype and shape."""
    nbytes: int
    packed: str
    """What a pack hook made of it (the name of a type), or "": then `nbytes` is what the array takes."""


class Use(NamedTuple):
    """Output `output` of vertex `source` as operand `operand` ("" if it has no name)."""

    source: int
    output: int
    operand: str


class Vertex:
    """An operation, a leaf or a result."""

    __slots__ = (
        *("kind", "title", "function", "name", "avals", "params", "saved", "memory", "marks", "place", "uses"),
    )

    def __init__(self, kind: str, title: str, name: str = "") -> None:
        self.kind = kind
        """One of "op", "leaf" and "result"; in a picture also "rest" and "outside", for what is not shown there,
        and "again", for a leaf that is shown elsewhere."""
        self.title = title
        self.function = ""
        """The name that `grad_fn` shows."""
        self.name = name
        """That of the Tensor, as far as the caller gave one."""
        self.avals: dict[int, Any] = {}
        """Number of the output -> its aval. Those of a graph that was freed may be unknown."""
        self.params = ""
        self.saved: tuple[Saved, ...] = ()
        self.memory: dict[int, int] = {}
        """Bytes saved here, by piece of memory: the pieces of a graph are numbered."""
        self.marks: tuple[str, ...] = ()
        """What is unusual about it: "freed", "2 hooks", "retains grad", "packed"."""
        self.place = ""
        """The line of code, known inside `detect_anomaly`."""
        self.uses: list[Use] = []

    def copy(self) -> Vertex:
        """The same, to be changed."""
        made = Vertex(self.kind, self.title, self.name)
        for slot in self.__slots__:
            setattr(made, slot, getattr(self, slot))
        return made

    @property
    def nbytes(self) -> int:
        """Bytes saved here."""
        return sum(self.memory.values())

    @property
    def types(self) -> tuple[str, ...]:
        """Dtype and shape of each output that is known."""
        return tuple(type_text(self.avals[i]) for i in sorted(self.avals))


class Anatomy(NamedTuple):
    """All vertices, operations first, in the order in which they were recorded."""

    vertices: list[Vertex]
    operations: int

    @property
    def nbytes(self) -> int:
        """The bytes that all save together."""
        return together(self.vertices)


def together(vertices: Iterable[Vertex]) -> int:
    """Bytes that vertices save: a piece of memory that several keep counts once."""
    largest: dict[int, int] = {}
    for vertex in vertices:
        for piece, nbytes in vertex.memory.items():
            largest[piece] = max(nbytes, largest.get(piece, 0))
    return sum(largest.values())


def type_text(aval: Any) -> str:
    """Dtype and shape, as short as can be.

    >>> import pullback as pb
    >>> type_text(pb.zeros(2, 3)._aval)
    'float32[2, 3]'
    """
    return f"{aval.dtype.name}[{', '.join('?' if n != n else str(n) for n in aval.shape)}]"


def anatomy(results: Sequence[tuple[str, Any]], names: Mapping[str, Any]) -> Anatomy:
    """Read the graph that `results`, pairs of name and Tensor, were computed by. `names` are those of other Tensors."""
    nodes, leaves = _walk([tensor._node for _, tensor in results])
    pieces: dict[
        int, tuple[int, Any]
    ] = {}  # id of an owner of memory -> its number, and itself: so the id stays its own
    vertices = [_operation(node, pieces) for node in nodes]
    vertices += [Vertex("leaf", f"leaf {i}" if len(leaves) > 1 else "leaf") for i in range(len(leaves))]
    number = {id(owner): i for i, owner in enumerate([*nodes, *leaves])}
    for name, tensor in names.items():
        i = number.get(id(owner_of(tensor._node)))
        if i is not None:
            vertices[i].name = ", ".join(filter(None, (vertices[i].name, name)))
    for i, leaf in enumerate(leaves, start=len(nodes)):
        vertices[i].avals[0] = leaf.aval
        if leaf.hooks is not None:
            count = sum(map(len, (leaf.hooks.tensor, leaf.hooks.before, leaf.hooks.post, leaf.hooks.accumulated)))
            vertices[i].marks = _hook_marks(count, False)
    for i, node in enumerate(nodes):
        operands = _operand_avals(node)
        for k, parent in enumerate(parents(node)):
            if parent is None:
                continue
            source, output = number[id(owner_of(parent))], _output(parent)
            vertices[i].uses.append(Use(source, output, operand_name(node, k)))
            if output not in vertices[source].avals and operands[k] is not None:
                vertices[source].avals[output] = operands[k]
            if parent is not owner_of(parent):
                vertices[source].marks += _marks(parent)
        vertices[i].marks += _marks(node)
    for name, tensor in results:
        source, output = number[id(owner_of(tensor._node))], _output(tensor._node)
        vertices[source].avals[output] = tensor._aval
        result = Vertex("result", "result", name)
        result.avals[0] = tensor._aval
        result.uses.append(Use(source, output, ""))
        vertices.append(result)
    return Anatomy(vertices, len(nodes))


def section(found: Anatomy, start: int, end: int) -> Anatomy:
    """The operations between two places alone, with what they use from outside as one box each."""
    kept = list(found.vertices[start:end])
    number = {i: i - start for i in range(start, end)}
    for vertex in kept[:]:
        for use in vertex.uses:
            if use.source not in number:
                number[use.source] = len(kept)
                source = found.vertices[use.source]
                kept.append(source if source.kind == "leaf" else _outside(source))
    moved = []
    for i, vertex in enumerate(kept):
        copy = vertex.copy()
        copy.uses = [use._replace(source=number[use.source]) for use in vertex.uses] if i < end - start else []
        moved.append(copy)
    return Anatomy(moved, end - start)


def _outside(source: Vertex) -> Vertex:
    vertex = Vertex("outside", source.title, source.name or f"{source.title}, outside")
    vertex.avals = source.avals
    return vertex


def _walk(roots: Sequence[Any]) -> tuple[list[Node], list[Leaf]]:
    """The operations below the roots, oldest first, and the leaves in the order of their first use."""
    order: list[Any] = []
    seen: set[int] = set()
    waiting = [owner_of(root) for root in roots]
    while waiting:
        owner = waiting.pop()
        if id(owner) in seen:
            continue
        seen.add(id(owner))
        if is_node(owner):
            order.append(owner)
            waiting += [owner_of(parent) for parent in parents(owner) if parent is not None]
    order.sort(reverse=True)  # numbers fall
    leaves = {id(p): p for node in order for p in parents(node) if type(p) is Leaf}
    leaves |= {id(root): root for root in roots if type(root) is Leaf}
    return order, list(leaves.values())


def _output(node: Any) -> int:
    """Which output of its owner a node or leaf stands for."""
    return rule_of(node).index if owner_of(node) is not node else 0


def _operation(node: Node, pieces: dict[int, tuple[int, Any]]) -> Vertex:
    rule = rule_of(node)
    primitive = getattr(rule, "primitive", None)
    label = rule.name.removesuffix("Backward0").removesuffix("Backward")
    vertex = Vertex("op", primitive.name if primitive is not None else label)
    vertex.function = rule.name
    vertex.avals = dict(enumerate(_output_avals(node)))
    vertex.avals = {i: aval for i, aval in vertex.avals.items() if aval is not None}
    vertex.params = _params(node)
    vertex.saved = tuple(_saved(node))
    for _, _, nbytes, owner in _arrays(node):
        piece, _ = pieces.setdefault(id(owner), (len(pieces), owner))
        vertex.memory[piece] = max(nbytes, vertex.memory.get(piece, 0))
    trace = traced(node)
    if trace is not None and trace.places:
        vertex.place = str(trace.places[0])
    return vertex


def _general(node: Node) -> Any:
    """`(params, avals, avals of outs)` of a node that keeps them, or None."""
    y = node[Y]
    return y if node[PULLBACK] is not freed and type(y) is tuple and len(y) == 3 and isinstance(y[0], dict) else None


def _output_avals(node: Node) -> Sequence[Any]:
    rule = rule_of(node)
    general = _general(node)
    if general is not None and getattr(rule, "primitive", None) is not None:
        return general[2] or ()
    outs = getattr(rule, "outs", None)
    return outs if outs is not None else [getattr(rule, "out", None)]


def _operand_avals(node: Node) -> list[Any]:
    """The aval of what arrives over each edge; None where the node does not know."""
    rule = rule_of(node)
    count = len(parents(node))
    general = _general(node)
    avals = general[1] if general is not None else getattr(rule, "avals", None)
    wrt = getattr(rule, "wrt", None)
    if wrt is None:
        needs = getattr(rule, "needs", ())
        wrt = [i for i, needed in enumerate(needs) if needed]
    if avals is None or len(wrt) != count:
        return [None] * count
    return [avals[i] if i < len(avals) else None for i in wrt]


def _params(node: Node) -> str:
    general = _general(node)
    params = general[0] if general is not None else getattr(rule_of(node), "params", None) or {}
    shown = {name: _short(value) for name, value in params.items() if value is not None and value is not False}
    return ", ".join(f"{name}={text}" for name, text in shown.items())


def _short(value: Any) -> str:
    if hasattr(value, "_aval"):
        return type_text(value._aval)
    if isinstance(value, tuple) and len(value) <= 8:
        return f"({', '.join(map(_short, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, (int, float, complex, str, slice)) or value is None or value is Ellipsis:
        text = repr(value).replace("slice(None, None, None)", ":").replace("Ellipsis", "...")
        return text if len(text) <= 40 else text[:37] + "..."
    return str(getattr(value, "name", type(value).__name__))


def _arrays(node: Node) -> list[tuple[str, str, int, Any]]:
    """Name, dtype and shape, bytes and owner of the memory of everything saved as it is."""
    if node[PULLBACK] is freed:
        return []
    backend = rule_of(node).backend
    found = []
    for name, array, storage in rule_of(node).saved(node):
        aval = backend.aval(array) if backend is not None else getattr(array, "_aval", None)
        text = type_text(aval) if aval is not None else type(array).__name__
        found.append((name, text, _nbytes(aval, array), storage))
    return found


def _nbytes(aval: Any, array: Any) -> int:
    if aval is None:
        return int(getattr(array, "nbytes", 0))
    return int(aval.size * aval.dtype.itemsize) if aval.known else 0


def _packing(node: Node) -> Packed | None:
    pullback = node[PULLBACK]
    while isinstance(pullback, StandIn):
        if isinstance(pullback, Packed):
            return pullback
        pullback = pullback.inner
    return None


def _saved(node: Node) -> list[Saved]:
    packing = _packing(node)
    if packing is None:
        return [Saved(name, text, nbytes, "") for name, text, nbytes, _ in _arrays(node)]
    found: list[Saved] = []

    def look(sealed: Any, _: Any) -> Any:
        aval = sealed.aval
        found.append(Saved("", type_text(aval), _nbytes(aval, None), type(sealed.packed).__name__))
        return sealed

    inner = packing.inner.rule
    inner.mapped(node[X], node[Y], look)
    keeps = getattr(inner, "keeps", ())
    if len(keeps) == len(found):
        found = [saved._replace(name=name) for saved, name in zip(found, keeps, strict=True)]
    return found


def _hook_marks(count: int, retains: bool) -> tuple[str, ...]:
    hooks = (f"{count} hook{'s' if count > 1 else ''}",) if count else ()
    return hooks + (("retains grad",) if retains else ())


def _marks(node: Node) -> tuple[str, ...]:
    """What is unusual about a node."""
    marks: list[str] = []
    if node[PULLBACK] is freed:
        marks.append("freed")
    if _packing(node) is not None:
        marks.append("packed")
    pullback = node[Y] if node[PULLBACK] is freed else node[PULLBACK]
    while isinstance(pullback, StandIn):
        if isinstance(pullback, Hooked):
            count = sum(map(len, (pullback.tensor, pullback.before, pullback.after)))
            marks += _hook_marks(count, pullback.retain is not None)
        pullback = pullback.inner
    return tuple(marks)


__all__ = ["Anatomy", "Saved", "Use", "Vertex", "anatomy", "section", "together", "type_text"]
