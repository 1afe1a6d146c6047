"""Anomaly detection: where a NaN or an infinity was born, in the forward computation or in the reverse pass.

Inside `detect_anomaly`, every node remembers the line of code that made it and whether its result was finite; and every
step of a pass is looked at. Both cost time: it is for finding an error, not for training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Self

from pullback import primitive as primitives
from pullback.backward import inspector
from pullback.errors import AnomalyError
from pullback.grad_mode import observing
from pullback.graph import PULLBACK, SEQ, Node, Y, backend_of, freed, is_node, parents, rule_of
from pullback.rules import Cotangents
from pullback.sources import Place, stack
from pullback.standin import StandIn


class Traced(StandIn):
    """The pullback of a node that knows where it was recorded, and how its result was not finite."""

    def __init__(self, pullback: Any, places: tuple[Place, ...], kind: str, born: bool) -> None:
        super().__init__(pullback)
        self.places = places
        self.kind = kind
        """One of "nan", "inf" and ""."""
        self.born = born
        """Whether it is, and nothing that it was computed from was known not to be finite."""


def traced(node: Any) -> Traced | None:
    """What is known of the forward computation of a node."""
    pullback = node[Y] if node[PULLBACK] is freed else node[PULLBACK]
    while isinstance(pullback, StandIn):
        if isinstance(pullback, Traced):
            return pullback
        pullback = pullback.inner
    return None


def not_finite(value: Any, backend: Any) -> str:
    """What an array, a Tensor, or one of several holds: "nan", else "inf", else "" for nothing of the kind."""
    if isinstance(value, Cotangents):
        return not_finite(list(value.parts.values()), backend)
    if isinstance(value, (list, tuple)):
        kinds = {not_finite(part, backend) for part in value}
        return "nan" if "nan" in kinds else "inf" if "inf" in kinds else ""
    if isinstance(value, primitives.tensor_type):
        return not_finite(value._array, value._aval.backend)
    if hasattr(value, "primal") or hasattr(value, "value"):  # of a transform: look at what it wraps
        return not_finite(getattr(value, "primal", getattr(value, "value", None)), backend)
    if value is None or backend.capabilities.lazy or not backend.aval(value).differentiable:
        return ""
    xp = backend.xp
    if bool(xp.any(xp.isnan(value))):
        return "nan"
    return "" if bool(xp.all(xp.isfinite(value))) else "inf"


class Step(NamedTuple):
    """One use of a value on the way to a result: operand `operand` of `node`."""

    node: Any
    operand: str


class _Detector:
    """Observes what is recorded, and inspects passes."""

    def __init__(self, check_nan: bool, check_inf: bool, outer: Any) -> None:
        self.kinds = (("nan",) if check_nan else ()) + (("inf",) if check_inf else ())
        self.outer = outer
        self.roots: Sequence[Any] = ()

    # --- the forward computation -------------------------------------------------------------------------------------

    def recorded(self, node: Node, result: Any) -> None:
        """Remember where, and whether the result is finite."""
        backend = backend_of(node)
        kind = not_finite(result, backend)
        born = bool(kind) and not self._has_bad_operands(node, backend)
        node[PULLBACK] = Traced(node[PULLBACK], stack(), kind, born)

    def _has_bad_operands(self, node: Node, backend: Any) -> bool:
        known = (traced(owner_of(parent)) for parent in parents(node) if is_node(parent))
        if any(trace is not None and trace.kind for trace in known):
            return True
        saved = (array for name, array, _ in rule_of(node).saved(node) if name != "out")
        return any(not_finite(array, backend) for array in saved)

    # --- the reverse pass --------------------------------------------------------------------------------------------

    def begin(self, roots: Sequence[Any]) -> None:
        """Refuse to begin at a result that is not finite."""
        if self.outer is not None:
            self.outer.begin(roots)
        self.roots = roots
        for i, root in enumerate(roots):
            trace = traced(owner_of(root)) if is_node(root) else None
            if trace is not None and trace.kind in self.kinds:
                raise AnomalyError(self._of_result(i, root, trace))

    def step(self, node: Node, ct: Any, run: Callable[[], Any]) -> Any:
        """Refuse cotangents that are not finite, of a finite one."""
        grads = run() if self.outer is None else self.outer.step(node, ct, run)
        backend = backend_of(node)
        if not_finite(ct, backend):
            return grads
        for i, grad in enumerate(grads if isinstance(grads, (list, tuple)) else (grads,)):
            kind = not_finite(grad, backend)
            if kind in self.kinds:
                raise AnomalyError(self._of_gradient(node, i, kind))
        return grads

    # --- the reports -------------------------------------------------------------------------------------------------

    def _of_result(self, i: int, root: Any, trace: Traced) -> str:
        origin, path = self._origin(root)
        lines = [f"backward: output {i} is {trace.kind}, computed by {trace.name}{_at(trace)}"]
        known = traced(origin)
        if known is not None and origin is not owner_of(root):
            lines.append(f"  the first {known.kind} is the result of {known.name}{_at(known)}")
        if known is not None and not known.born:
            lines.append(
                "  it came in with an operand that nothing is known of: one without a gradient, or from outside"
            )
        lines += [f"  it went on as {_branch(step)}" for step in path if rule_of(step.node).name == "WhereBackward0"]
        return "\n".join(lines)

    def _origin(self, root: Any) -> tuple[Any, list[Step]]:
        """The oldest node that led to a result which is not finite, and how its value reached it."""
        came: dict[int, tuple[Any, Step | None]] = {id(owner_of(root)): (owner_of(root), None)}
        order = [owner_of(root)]
        for node in order:
            for k, parent in enumerate(parents(node)):
                owner = owner_of(parent)
                known = traced(owner) if is_node(owner) else None
                if known is not None and known.kind and id(owner) not in came:
                    came[id(owner)] = owner, Step(node, operand_name(node, k))
                    order.append(owner)
        born = [node for node in order if (known := traced(node)) is not None and known.born]
        origin = max(born or order, key=lambda node: node[SEQ])
        path: list[Step] = []
        step = came[id(origin)][1]
        while step is not None:
            path.append(step)
            step = came[id(step.node)][1]
        return origin, path

    def _of_gradient(self, node: Node, i: int, kind: str) -> str:
        trace = traced(node)
        where = _at(trace) if trace is not None else " (where, is known for what is computed inside detect_anomaly)"
        operand = operand_name(node, i)
        named = f" ({operand!r})" if operand else ""
        lines = [f"backward: {rule_of(node).name} returned {kind} as the gradient of its input {i}{named}{where}"]
        lines += [f"  its result is used as {_branch(step)}" for step in self._branches(node)]
        return "\n".join(lines)

    def _branches(self, node: Node) -> list[Step]:
        """The branches of a `where` that the result of a node is part of, nearest first."""
        return [
            Step(use, operand_name(use, k))
            for use in sorted(below(self.roots), key=lambda use: -use[SEQ])
            if rule_of(use).name == "WhereBackward0"
            for k, parent in enumerate(parents(use))
            if any(owner_of(below) is node for below in below([parent]))
        ]


def below(roots: Sequence[Any]) -> list[Any]:
    """All nodes that roots were computed from, and the roots."""
    order = [root for root in roots if is_node(root)]
    seen = set(map(id, order))
    for node in order:
        for parent in parents(node):
            if is_node(parent) and id(parent) not in seen:
                seen.add(id(parent))
                order.append(parent)
    return order


def owner_of(node: Any) -> Any:
    """The node of the op, for one that stands for one of several outputs."""
    return parents(node)[0] if is_node(node) and rule_of(node).name == "SelectOutput" else node


def operand_name(node: Node, k: int) -> str:
    """The name of the operand whose gradient is number `k`; "" if the rule has no names."""
    rule = rule_of(node)
    wrt, primitive = getattr(rule, "wrt", None), getattr(rule, "primitive", None)
    if wrt is None or primitive is None or primitive.variadic:
        return ""
    return str(primitive.operands[wrt[k]])


_BRANCHES = {"x1": "the branch where the condition is true", "x2": "the branch where the condition is false"}


def _branch(step: Step) -> str:
    trace = traced(step.node)
    which = _BRANCHES.get(step.operand, f"operand {step.operand}")
    return f"{which} of a where{_at(trace) if trace is not None else ''}"


def _at(trace: Traced) -> str:
    return f" at {trace.places[0]}" if trace.places else ""


@contextmanager
def detect_anomaly(check_nan: bool = True, check_inf: bool = True) -> Iterator[None]:
    """Inside, a NaN or an infinity is reported where it was born: op, input, the line of code, the branch of a `where`.

    A pass raises `AnomalyError` before it begins if its output is not finite, and when the gradient of an op is not
    while the one that arrived is; no `.grad` changes. `check_inf=False` lets infinities pass, `check_nan=False` NaN. What
    was computed outside has no line. Works as a decorator too.

    >>> import pullback as pb
    >>> x = pb.tensor([0.0, 4.0], requires_grad=True)
    >>> with pb.autograd.detect_anomaly():
    ...     pb.sqrt(x).sum().backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    pullback.errors.AnomalyError: backward: SqrtBackward0 returned inf as the gradient of its input 0 ('x') at ...
    """
    before = inspector.get()
    detector = _Detector(check_nan, check_inf, before)
    inspector.set(detector)
    try:
        with observing(detector):
            yield
    finally:
        inspector.set(before)


_standing: ContextVar[ExitStack | None] = ContextVar("pullback_standing_anomaly_detection", default=None)


class set_detect_anomaly:  # noqa: N801  PyTorch's name
    """Switch `detect_anomaly` on or off at once; as a context manager, back on exit.

    >>> import pullback as pb
    >>> _ = pb.autograd.set_detect_anomaly(True)
    >>> pb.autograd.is_anomaly_enabled()
    True
    >>> _ = pb.autograd.set_detect_anomaly(False)
    """

    def __init__(self, mode: bool, check_nan: bool = True, check_inf: bool = True) -> None:
        self._before = _standing.get() is not None
        self._checks = (check_nan, check_inf)
        self._switch(mode)

    def _switch(self, mode: bool) -> None:
        standing = _standing.get()
        if standing is not None:
            standing.close()
            _standing.set(None)
        if mode:
            standing = ExitStack()
            standing.enter_context(detect_anomaly(*self._checks))
            _standing.set(standing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._switch(self._before)


def is_anomaly_enabled() -> bool:
    """Whether anomalies are detected here.

    >>> import pullback as pb
    >>> pb.autograd.is_anomaly_enabled()
    False
    """
    return isinstance(inspector.get(), _Detector)
