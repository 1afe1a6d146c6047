"""`explain`: why a gradient is None, zero or NaN, and where a dtype or a device comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pullback import namespace
from pullback import primitive as primitives
from pullback.autograd import passes
from pullback.autograd.anomaly import below, not_finite, operand_name, owner_of, traced
from pullback.backward import inspector
from pullback.errors import ArgumentError, AutogradError
from pullback.graph import Leaf, Node, backend_of, is_node, parents, rule_of


class Reason(NamedTuple):
    """One thing that explains: a code for programs, a sentence for people, and the op and line that it is about."""

    code: str
    text: str
    op: str = ""
    place: str = ""

    def __str__(self) -> str:
        return self.text + (f" (at {self.place})" if self.place else "")


class Explanation(NamedTuple):
    """What `explain` found. `str()` is the text, `as_dict()` the same as plain data; `in` asks for a code.

    >>> import pullback as pb
    >>> found = pb.autograd.explain(pb.tensor(1.0))
    >>> found.gradient, found.as_dict()["tensor"]["requires_grad"]
    ('none', False)
    """

    tensor: dict[str, Any]
    """Shape, dtype, device, requires_grad, is_leaf, grad_fn."""
    gradient: str
    """One of "none", "zero", "nan", "inf" or "value"; of `of` if that was given, else of `.grad`."""
    reasons: tuple[Reason, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers."""
        return {**self._asdict(), "reasons": [reason._asdict() for reason in self.reasons]}

    def __contains__(self, code: object) -> bool:
        return any(reason.code == code for reason in self.reasons)

    def __str__(self) -> str:
        facts = self.tensor
        made = "a leaf" if facts["requires_grad"] else "a constant"
        if facts["grad_fn"]:
            made = f"computed by {facts['grad_fn']}"
        head = f"{facts['dtype']}{list(facts['shape'])} on {facts['device']}, {made}; its gradient: {self.gradient}"
        return "\n".join([head, *(f"  - {reason}" for reason in self.reasons)])


def explain(tensor: Any, of: Any = None) -> Explanation:
    """Why the gradient of a Tensor is what it is, as text (`str`) and as data.

    Without `of`, about `tensor.grad`. With `of`, a Tensor whose graph has not been used up, about the gradient of its sum
    with respect to `tensor`: one pass is run to look, which changes no `.grad`, and what made the gradient zero, NaN or
    infinite on the way is named. The line of code is known for what was computed inside `detect_anomaly`.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> y = pb.round(x * 3).sum()
    >>> print(pb.autograd.explain(x, of=y))
    float32[2] on cpu, a leaf; its gradient: zero
      - RoundBackward0 has the derivative zero: what arrives there ends there
    >>> "zero-derivative" in pb.autograd.explain(x, of=y)
    True
    """
    if not isinstance(tensor, primitives.tensor_type):
        raise ArgumentError(f"explain: a Tensor is needed, got {type(tensor).__name__}")
    facts = {
        "shape": tensor.shape,
        "dtype": tensor.dtype.name,
        "device": str(tensor.device),
        "requires_grad": tensor.requires_grad,
        "is_leaf": tensor.is_leaf,
        "grad_fn": tensor.grad_fn.name() if tensor.grad_fn is not None else "",
    }
    origins = _origins(tensor)
    if not tensor.requires_grad:
        return Explanation(facts, "none", (*_untracked(tensor), *origins))
    if of is None:
        state, reasons = _of_attribute(tensor)
    elif not isinstance(of, primitives.tensor_type):
        raise ArgumentError(f"explain: `of` must be a Tensor, got {type(of).__name__}")
    else:
        state, reasons = _of_pass(tensor, of)
    return Explanation(facts, state, (*reasons, *origins))


def _state(grad: Any) -> str:
    if grad is None:
        return "none"
    kind = not_finite(grad, None)
    return kind or ("zero" if _is_zero(grad._array, grad._aval.backend) else "value")


def _is_zero(array: Any, backend: Any) -> bool:
    return not backend.capabilities.lazy and not bool(backend.xp.any(array != 0))


def _untracked(tensor: Any) -> list[Reason]:
    """Why a Tensor does not require grad."""
    if not tensor.dtype.differentiable:
        return [
            Reason(
                "integer",
                f"{tensor.dtype.name} Tensors have no gradients; compute with a floating dtype, see .astype()",
            )
        ]
    if getattr(tensor, "_cut", False):
        return [Reason("detached", "it is the result of .detach() or .data, which have no history")]
    return [
        Reason(
            "untracked",
            "it does not require grad: nobody called .requires_grad_() on it, and it was computed from constants, under "
            "no_grad, by an op without a derivative, or by a library that reads values",
        )
    ]


def _of_attribute(tensor: Any) -> tuple[str, list[Reason]]:
    if not tensor.is_leaf and not tensor.retains_grad:
        return "none", [
            Reason(
                "not-retained", "it is no leaf: call .retain_grad() on it before the backward pass to keep its gradient"
            )
        ]
    state = _state(tensor.grad)
    if state == "none":
        return state, [
            Reason(
                "no-pass",
                "no backward pass has reached it since it was made or .grad was set to None; pass the result as `of` to "
                "see whether one would",
            )
        ]
    return state, [] if state == "value" else [
        Reason("see-of", f"to see what made it {state}, pass the result as `of`")
    ]


class _Witness:
    """Inspects one pass: for each node, how what arrived and what left was zero or not finite."""

    def __init__(self) -> None:
        self.steps: list[tuple[Node, str, list[str]]] = []

    def begin(self, roots: Sequence[Any]) -> None:
        """Nothing to do."""

    def step(self, node: Node, ct: Any, run: Callable[[], Any]) -> Any:
        """Run, and note."""
        grads = run()
        backend = backend_of(node)
        left = list(grads) if isinstance(grads, (tuple, list)) else [grads]
        self.steps.append((node, self._kind(ct, backend), [self._kind(grad, backend) for grad in left]))
        return grads

    def _kind(self, value: Any, backend: Any) -> str:
        if value is None:
            return "zero"
        kind = not_finite(value, backend)
        if kind:
            return kind
        if hasattr(value, "parts"):
            return "zero" if all(self._kind(part, backend) == "zero" for part in value.parts.values()) else "value"
        return "zero" if hasattr(value, "shape") and _is_zero(value, backend) else "value"


def _of_pass(tensor: Any, of: Any) -> tuple[str, list[Reason]]:
    target = tensor._node
    if of._node is None:
        return "none", [
            Reason("no-graph", "the result itself has no graph: it does not require grad"),
            *_untracked(of),
        ]
    witness = _Witness()
    before = inspector.get()
    inspector.set(witness)
    try:
        seed = namespace.tensors.ones(of.shape, dtype=of.dtype, device=of.device)
        (grad,) = passes.grad(of, [tensor], [seed], retain_graph=True, allow_unused=True)
    except AutogradError as error:
        return "none", [Reason("refused", f"a pass would fail: {error}")]
    finally:
        inspector.set(before)
    state = _state(grad)
    if grad is None:
        return state, [_unreached(of)]
    if state == "value":
        return state, []
    return state, _turns(witness, target, state)


def _unreached(of: Any) -> Reason:
    leaves = sum(type(parent) is Leaf for node in below([of._node]) for parent in parents(node))
    return Reason(
        "unused",
        f"the result was not computed from this Tensor ({leaves} uses of other leaves reach it). Was the Tensor replaced "
        f"(x = x - ...) instead of updated, or copied, detached, or read as a number on the way?",
    )


def _turns(witness: _Witness, target: Any, state: str) -> list[Reason]:
    """Where on the way to `target` the gradient became what it is."""
    reasons: dict[str, Reason] = {}
    for node, arrived, left in witness.steps:
        if arrived == state:
            continue
        for k, (parent, kind) in enumerate(zip(parents(node), left, strict=True)):
            if kind == state and _leads_to(parent, target):
                reason = _turn(node, k, state)
                reasons.setdefault(reason.text + reason.place, reason)
    return list(reasons.values()) or [
        Reason("cancelled", f"contributions that were not {state} each add up to it at this Tensor")
    ]


def _leads_to(node: Any, target: Any) -> bool:
    return node is target or any(
        part is target or any(parent is target for parent in parents(part)) for part in below([node])
    )


def _turn(node: Node, k: int, state: str) -> Reason:
    rule = rule_of(node)
    trace = traced(owner_of(node))
    place = str(trace.places[0]) if trace is not None and trace.places else ""
    operand = operand_name(node, k)
    what = f"operand {operand!r} of {rule.name}" if operand else f"input {k} of {rule.name}"
    if state != "zero":
        return Reason(f"{state}-derivative", f"the gradient became {state} at {what}", rule.name, place)
    if rule.name == "WhereBackward0":
        which = "true" if operand == "x1" else "false"
        text = f"it is the branch of a where that was never taken: the condition is nowhere {which}"
        return Reason("branch-not-taken", text, rule.name, place)
    primitive = getattr(rule, "primitive", None)
    if primitive is not None and primitive.name in _FLAT:
        text = f"{rule.name} has the derivative zero: what arrives there ends there"
        return Reason("zero-derivative", text, rule.name, place)
    return Reason("became-zero", f"the gradient became zero at {what}: its derivative there is zero", rule.name, place)


_FLAT = frozenset(("ceil", "floor", "floor_divide", "round", "sign", "trunc"))


def _origins(tensor: Any) -> list[Reason]:
    """Where dtype and device come from, if that is no matter of course."""
    if not is_node(tensor._node):
        return []
    node = owner_of(tensor._node)
    rule = rule_of(node)
    avals = [aval for aval in _operand_avals(rule, node) if aval is not None]
    found = []
    dtypes = list(dict.fromkeys(aval.dtype.name for aval in avals))
    if len(dtypes) > 1 or (dtypes and dtypes[0] != tensor.dtype.name):
        text = f"its dtype {tensor.dtype.name} is what {rule.name} made of {' and '.join(dtypes)}"
        found.append(Reason("promoted", text, rule.name))
    devices = list(dict.fromkeys(str(aval.device) for aval in avals))
    source = getattr(rule, "source", None)
    if source is not None and hasattr(source, "backend"):
        devices = [str(source)]
    if devices and devices != [str(tensor.device)]:
        found.append(Reason("moved", f"it was moved to {tensor.device} from {devices[0]} by .to()", rule.name))
    return found


def _operand_avals(rule: Any, node: Node) -> Sequence[Any]:
    avals = getattr(rule, "avals", None)
    if avals is None and isinstance(node[-1], tuple) and len(node[-1]) == 3:
        avals = node[-1][1]
    return avals or ()
