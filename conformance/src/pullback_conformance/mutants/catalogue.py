"""The fault catalogue: wrong rules and wrong engines that were seen in the wild, each with the check that must name it."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pullback as pb

from pullback_conformance.mutants.patching import Through, get, rewrite, rule

EW, ST, MA, LA, LI = (
    f"ops.{chapter}:"
    for chapter in (
        *("elementwise_functions", "statistical_functions", "manipulation_functions"),
        *("linear_algebra_functions", "linalg"),
    )
)


@dataclass(frozen=True)
class Fault:
    """A fault: what is wrong, how to put it in, on which op it shows, and which check must say so."""

    id: str
    meaning: str
    killed_by: str
    op: str
    put_in: Callable[[], None]
    device: str = "cpu"


def _on(
    id: str, meaning: str, by: str, op: str, path: str, operand: str, fault: Callable[..., Any], device: str = "cpu"
) -> Fault:
    """A fault in the rule of one operand."""
    return Fault(id, meaning, by, op, lambda: rule(path, operand, fault), device)


def _backend() -> Any:
    return pb.device("cpu").backend


# --- rules ------------------------------------------------------------------------------------------------------------


def _wrong_axes() -> None:
    xp = _backend().xp
    right = xp.unbroadcast

    def unbroadcast(x: Any, shape: Any) -> Any:
        if x.ndim == 2 and x.shape[0] == x.shape[1] and shape == (x.shape[0], 1):
            return np.sum(x, axis=0)[:, None]
        return right(x, shape)

    xp.unbroadcast = unbroadcast


def _share_everything() -> None:
    """In-place addition goes straight into the memory, whoever else reads it."""
    right = pb.Tensor.__iadd__

    def __iadd__(self: Any, other: Any) -> Any:
        if not isinstance(self._array, np.ndarray) or not self.shape:
            return right(self, other)
        array = self._array
        while isinstance(array.base, np.ndarray):
            array = array.base
        array.setflags(write=True)
        array += other
        return self

    setattr(pb.Tensor, "__iadd__", __iadd__)  # noqa: B010  mypy knows that it should not be
    kind = type(_backend())
    kind.claim = lambda self, array: array
    kind.copy = lambda self, array: array


def _one_for_both() -> None:
    """Two gradients with the same values are the same."""
    right = pb.autograd.grad

    def grad(*args: Any, **kwargs: Any) -> Any:
        found = right(*args, **kwargs)
        alike = len(found) == 2 and found[0].shape == found[1].shape and bool(pb.all(found[0] == found[1]))
        return (found[0], found[0]) if alike else found

    pb.autograd.grad = grad


def _write(array: Any, factor: float = 2.0) -> None:
    if isinstance(array, np.ndarray) and array.ndim:
        array.setflags(write=True)
        array *= factor


def _then_write(index: int | None) -> Callable[..., Any]:
    """The right rule, which afterwards writes into its cotangent (None) or a value that it reads."""

    def fault(xp: Any, ct: Any, right: Any, *values: Any) -> Any:
        out = right(xp, ct) + 0
        _write(ct if index is None else values[index])
        return out

    return fault


def _spread_without_axes(xp: Any, ct: Any, right: Any, shape: Any, axis: Any) -> Any:
    return np.broadcast_to(ct, shape)


def _overwriting(xp: Any, ct: Any, right: Any, *values: Any) -> Any:
    def index_add(values: Any, indices: Any, axis: int, length: int) -> Any:
        out = np.zeros((*values.shape[:axis], length, *values.shape[axis + 1 :]), values.dtype)
        out[(slice(None),) * axis + (indices,)] = values
        return out

    return right(Through(xp, index_add=index_add), ct)


def _equal_parts(xp: Any, ct: Any, right: Any, *values: Any) -> Any:
    made = right(xp, ct)
    return [np.concatenate(made, axis=-1)[..., : ct.shape[-1] // len(made)] for _ in made]


def _in_memory_order(xp: Any, ct: Any, right: Any, x: Any) -> Any:
    seen = x.ravel(order="K").reshape(x.shape) if isinstance(x, np.ndarray) else x
    return ct * (seen + seen)


def _one_entry(xp: Any, ct: Any, right: Any, *values: Any) -> Any:
    out = right(xp, ct)
    if isinstance(out, np.ndarray) and out.size > 2:
        out = out.copy()
        out.flat[out.size // 2] *= 1.2
    return out


def _noisy(xp: Any, ct: Any, right: Any, *values: Any) -> Any:
    return right(xp, ct) * (1 + 1e-12 * float(np.random.default_rng().random()))


def _fails_on_nothing(xp: Any, ct: Any, right: Any, *values: Any) -> Any:
    if 0 in ct.shape:
        raise IndexError("nothing to look at")
    return right(xp, ct)


def _single(xp: Any, ct: Any, right: Any, *values: Any) -> Any:
    out = right(xp, ct)
    return np.asarray(out).astype(np.complex64 if np.iscomplexobj(out) else np.float32).astype(out.dtype)


def _tied(xp: Any, t: Any, right: Any, x: Any, *values: Any) -> Any:
    flat = np.ravel(np.asarray(x))
    return right(xp, t) * (1.0 + (np.unique(flat).size < flat.size))


def _branching(xp: Any, ct: Any, right: Any, *values: Any) -> Any:
    raw = not hasattr(ct, "_node")
    return right(xp, ct) * 1.0 if raw and bool(xp.all(xp.isfinite(ct))) else right(xp, ct)


def _flat(xp: Any, ct: Any, right: Any, *values: Any) -> Any:
    out = right(xp, ct)
    return xp.reshape(out, (1,)) if out.shape == () else out


def _scaled(factor: float) -> Callable[..., Any]:
    return lambda xp, ct, right, *values: right(xp, ct) * factor


def _backwards(axis: int) -> Callable[..., Any]:
    return lambda xp, ct, right, *values: xp.flip(right(xp, ct), axis=axis)


RULES = [
    _on("R01", "the sign is flipped", "V05", "sin", EW + "sin", "x", _scaled(-1.0)),
    _on("R02", "a factor 2 is missing", "V05", "square", EW + "square", "x", _scaled(0.5)),
    _on("R03", "0.1 % too large", "V05", "exp", EW + "exp", "x", _scaled(1.001)),
    Fault("R04", "broadcasting is not undone", "V02", "multiply", lambda: setattr(_backend().xp, "unbroadcast", lambda x, shape: x)),
    Fault("R05", "broadcasting is undone over the wrong axis", "V05", "add", _wrong_axes),
    _on("R06", "a conj is missing", "V05", "multiply", EW + "multiply", "x1", lambda xp, ct, right, x2: ct * xp.conj(x2)),
    _on("R07", "a complex gradient for a real input", "V03", "fft.rfft", "ops.fft:_rfft", "x", lambda xp, ct, right, *v: right(xp, ct) + 0j),
    _on("R08", "gradients are swapped", "V05", "divide", EW + "divide", "x1", lambda xp, ct, right, x2: -ct / (x2 * x2)),
    _on("R09", "the cotangent is ignored", "V11", "tan", EW + "tan", "x", lambda xp, ct, right, out: 1 + out * out + 0 * ct),
    _on("R10", "not linear in the cotangent", "V10", "tanh", EW + "tanh", "x", lambda xp, ct, right, *v: right(xp, ct) * xp.abs(ct)),
    _on("R11", "the cotangent is written", "V12", "cos", EW + "cos", "x", _then_write(None)),
    _on("R12", "the saved result is written", "V12", "tan", EW + "tan", "x", _then_write(0)),
    _on("R13", "the input is written", "V12", "sin", EW + "sin", "x", _then_write(0)),
    Fault("R14", "one buffer for several gradients", "V13", "add", _one_for_both),
    _on("R15", "computed in single precision", "V06", "log", EW + "log", "x", _single),
    _on("R16", "a single gradient becomes double", "V03", "sinh", EW + "sinh", "x",
        lambda xp, ct, right, *v: right(xp, ct) * (xp.asarray(1.0, dtype=xp.float64) if not hasattr(ct, "_node") else 1.0)),
    _on("R17", "the phase of a complex abs", "V05", "abs", EW + "complex_abs", "x", lambda xp, ct, right, x, out: ct * xp.conj(x) / out),
    _on("R18", "abs at 0 is NaN", "V16", "abs", EW + "real_abs", "x", lambda xp, ct, right, x: ct * (x / xp.abs(x))),
    _on("R19", "pow at base 0 is NaN", "V16", "pow", EW + "pow", "x1", lambda xp, ct, right, x1, x2: ct * (x2 * x1 ** (x2 - 1))),
    _on("R20", "clip passes the gradient above its bound", "V05", "clip", EW + "clip_above", "x", lambda xp, ct, right, *v: ct),
    _on("R21", "all of the gradient to both at a tie", "V16", "maximum", EW + "maximum", "x1",
        lambda xp, ct, right, x1, x2: xp.where(x1 >= x2, ct, 0.0)),
    _on("R22", "an overflow in the rule", "V16", "logaddexp", EW + "logaddexp", "x1",
        lambda xp, ct, right, x1, x2: ct * (xp.exp(x1) / (xp.exp(x1) + xp.exp(x2)))),
    _on("R23", "where multiplies by its mask", "V18", "where", "ops.searching_functions:where", "x1",
        lambda xp, ct, right, condition: ct * xp.astype(condition, ct.dtype)),
    _on("R24", "an axis that was not kept comes back elsewhere", "V05", "sum", ST + "_sum", "x", _spread_without_axes),
    _on("R25", "a negative axis counts from the wrong end", "V05", "cumulative_sum", ST + "_cumulative_sum", "x",
        lambda xp, ct, right, axis: np.flip(np.cumsum(np.flip(ct, axis=-1 - axis), axis=-1 - axis), axis=-1 - axis)),
    _on("R26", "mean over several axes divides by one of them", "V05", "mean", ST + "_mean", "x",
        lambda xp, ct, right, shape, axis: right(xp, ct) * (np.prod([shape[i] for i in axis]) / shape[axis[0]] if axis else 1.0)),
    _on("R27", "var ignores its correction", "V05", "var", ST + "_var", "x",
        lambda xp, ct, right, x, axis, correction: right(xp, ct) * (1 - correction / max(1, np.prod([x.shape[i] for i in axis])))),
    _on("R28", "prod divides its result by each element", "V19", "prod", ST + "_prod", "x",
        lambda xp, ct, right, x, axis: right(xp, ct) / x * x),
    _on("R29", "a running sum is not reversed", "V05", "cumulative_sum", ST + "_cumulative_sum", "x",
        lambda xp, ct, right, axis: xp.cumulative_sum(ct, axis=axis)),
    _on("R30", "max gives all of its gradient to every tie", "V16", "max", ST + "_max", "x",
        lambda xp, ct, right, *v: xp.where(right(xp, ct) != 0, get(ST + "_spread")(xp, ct, v[0].shape, v[2]), 0.0)),
    _on("R31", "duplicate indices overwrite each other", "V05", "take", "ops.indexing_functions:_take", "x", _overwriting),
    _on("R32", "a permutation instead of its inverse", "V05", "permute_dims", MA + "_permute", "x",
        lambda xp, ct, right, *v: xp.permute_dims(ct, v[0])),
    _on("R33", "unequal pieces are split equally", "V02", "concat", MA + "_concat", "arrays", _equal_parts),
    _on("R34", "repeated elements in another order", "V05", "repeat", MA + "_repeat", "x", _backwards(0)),
    _on("R35", "a roll in the wrong direction", "V05", "roll", MA + "_roll", "x",
        lambda xp, ct, right, shift, axis: xp.roll(ct, shift, axis=axis)),
    _on("R36", "memory order instead of logical order", "V14", "square", EW + "square", "x", _in_memory_order),
    _on("R37", "0-d becomes one-dimensional", "V02", "cosh", EW + "cosh", "x", _flat),
    _on("R38", "nothing at all crashes", "V01", "atan", EW + "atan", "x", _fails_on_nothing),
    _on("R39", "a batch of matrices is transposed whole", "V01", "matmul", LA + "_matmul", "x1",
        lambda xp, ct, right, *v: right(Through(xp, matrix_transpose=np.transpose), ct)),
    _on("R40", "the operands of a product are swapped", "V05", "matmul", LA + "_matmul", "x1",
        lambda xp, ct, right, *v: right(Through(xp, matmul=lambda a, b: np.matmul(b, a) if a.shape == b.shape else np.matmul(a, b)), ct)),
    _on("R41", "inv has the wrong transpose", "V05", "linalg.inv", LI + "_inv", "x", lambda xp, ct, right, out: -xp.matmul(xp.matmul(out, ct), out)),
    _on("R42", "the sign of the matrix in solve", "V05", "linalg.solve", LI + "_solve_system", "x1", _scaled(-1.0)),
    _on("R43", "the scale of a transform", "V05", "fft.fft", "ops.fft:_fft", "x", _scaled(0.5)),
    _on("R44", "the doubled bins of a real transform", "V05", "fft.rfft", "ops.fft:_rfft", "x", lambda xp, ct, right, *v: right(xp, ct * 2)),
    _on("R45", "det divides by a singular matrix", "V01", "linalg.det", LI + "_det", "x",
        lambda xp, ct, right, x: ct[..., None, None] * xp.linalg.det(x)[..., None, None] * xp.matrix_transpose(xp.linalg.inv(x))),
    _on("R46", "the norm of zero is NaN", "V16", "linalg.vector_norm", LI + "_power_norm", "x",
        lambda xp, ct, right, x, out, *v: right(xp, ct) * (out / out)),
    _on("R47", "not the same twice", "V23", "acosh", EW + "acosh", "x", _noisy),
    _on("R48", "one entry is 20 % off", "V05", "asin", EW + "asin", "x", _one_entry),
    _on("R49", "a JVP that is not the VJP's transpose", "J02", "linalg.inv", LI + "_inv", "x",
        lambda xp, ct, right, *v: xp.matrix_transpose(right(xp, ct))),
    Fault("R52", "forward mode gives both ends of a tie all of it", "J05", "max",
        lambda: rule(ST + "_max", "x", _tied, modes=("jvp",))),
    _on("R50", "a branch on a value", "V27", "exp", EW + "exp", "x", _branching, device="strict:device1"),
    _on("R51", "an array is made wherever arrays are made by default", "V01", "sinh", EW + "sinh", "x",
        lambda xp, ct, right, *v: right(xp, ct) * xp.ones((), dtype=ct.dtype), device="strict:device1"),
]  # fmt: skip


# --- engines ----------------------------------------------------------------------------------------------------------

PLAIN = "backward:reverse_plain"


def _engine(id: str, meaning: str, by: str, put_in: Callable[[], None]) -> Fault:
    return Fault(id, meaning, by, "engine", put_in)


def _recursive() -> None:
    def reverse(seeds: Any, retain: bool) -> Any:
        is_node, parents = get("graph:is_node"), get("graph:parents")

        sums: dict[Any, Any] = {}

        def visit(node: Any, ct: Any) -> None:
            if not is_node(node):
                sums[node] = sums[node] + ct if node in sums else ct
                return
            grads = node[1](ct, node[4], node[5])
            for parent, grad in zip(parents(node), (grads,) if node[3] is None else grads, strict=True):
                visit(parent, grad)

        for node, ct in seeds:
            visit(node, ct)
        return list(sums.items())

    get("backward").reverse_plain = reverse


def _replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Callable[[], None]:
    return lambda: setattr(owner, name, make(getattr(owner, name)))


def _pinned(function: Any) -> Any:
    def pinning(*args: Any, **kwargs: Any) -> Any:
        out = function(*args, **kwargs)
        cycle: list[Any] = [out]
        cycle.append(cycle)
        return out

    return pinning


_CACHE: list[Any] = []


def _cached(function: Any) -> Any:
    def caching(*args: Any, **kwargs: Any) -> Any:
        out = function(*args, **kwargs)
        _CACHE.append((out, {}, []))
        return out

    return caching


def _writes_grad(function: Any) -> Any:
    def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        found = function(outputs, inputs, *args, **kwargs)
        if hasattr(inputs, "grad"):
            inputs.grad = found[0]
        return found

    return grad


def _careless(function: Any) -> Any:
    def __exit__(self: Any, kind: Any = None, *rest: Any) -> Any:
        return None if kind is not None else function(self, kind, *rest)

    return __exit__


def _inheriting(function: Any) -> Any:
    def run(self: Any) -> None:
        self.inherited.run(function, self)

    start = threading.Thread.start

    def starting(self: Any) -> None:
        self.inherited = contextvars.copy_context()
        start(self)

    threading.Thread.start = starting  # type: ignore[method-assign]
    return run


def _requires_grad(function: Any) -> Any:
    def compare(self: Any, other: Any) -> Any:
        out = function(self, other)
        out._node = self._node
        return out

    return compare


def _twice(function: Any) -> Any:
    return lambda self, ct: function(self, function(self, ct))


def _spoils(function: Any) -> Any:
    def reverse(seeds: Any, retain: bool) -> Any:
        try:
            return function(seeds, retain)
        except Exception:
            _spoil([node for node, _ in seeds])
            raise

    return reverse


def _spoil(nodes: list[Any]) -> None:
    is_node, parents = get("graph:is_node"), get("graph:parents")

    for node in nodes:
        if is_node(node):
            nodes.extend(parents(node))
        elif node.grad is not None:
            node.grad = node.grad * 2


def _alone(function: Any) -> Any:
    running: list[Any] = []

    def reverse(seeds: Any, retain: bool) -> Any:
        if running:
            return []
        running.append(seeds)
        time.sleep(0.002)  # so that the other threads come
        try:
            return function(seeds, retain)
        finally:
            running.clear()

    return reverse


def _once(function: Any) -> Any:
    learning: set[Any] = set()

    def learn(primitive: Any, *args: Any) -> Any:
        if primitive in learning:
            raise RuntimeError("a plan is being made by another thread")
        learning.add(primitive)
        time.sleep(0.002)  # so that the other threads come
        try:
            return function(primitive, *args)
        finally:
            learning.discard(primitive)

    return learn


def _remembers(function: Any) -> Any:
    def reverse(seeds: Any, retain: bool) -> Any:
        try:
            return function(seeds, retain)
        except Exception as error:
            _CACHE.append(error)
            raise

    return reverse


def _raw() -> None:
    def fault(xp: Any, ct: Any, right: Any, x: Any) -> Any:
        return ct * (x.detach() * 2) if hasattr(x, "_node") else ct * (x + x)

    rule(EW + "square", "x", fault)


def _promotes() -> None:
    rewrite(
        "backward:accumulate",
        "grad._aval = aval",
        "grad._aval = aval.backend.aval(ct.astype('float64'))",
    )


def _keep_frozen() -> None:
    kind = type(_backend())
    kind.claim = lambda self, array: array
    kind.writable = lambda self, array: isinstance(array, np.ndarray)
    kind.unshared = lambda self, array, holders=1: True


ENGINES = [
    _engine("E01", "the last contribution overwrites", "E01", lambda: _both(
        ("_add(sums, a, grads, a.aval.backend)", "sums[a] = grads"), ("_add(sums, b, second, b.aval.backend)", "sums[b] = second"),
        ("sums[a] += grads", "sums[a] = grads"), ("sums[b] += second", "sums[b] = second"))),
    _engine("E02", "a shared node is counted twice", "E02", lambda: _both(
        ("cts[seq] = cts[seq] + second", "cts[seq] = cts[seq] + second + second"),
        ("cts[seq] = cts[seq] + grads", "cts[seq] = cts[seq] + grads + grads"))),
    _engine("E03", "breadth first instead of newest first", "E03", lambda: _both(
        ("node = heappushpop(heap, a)\n", "node = a\n"))),
    _engine("E04", "contributions are added into a shared buffer", "E04", lambda: rewrite(
        "backward:_add", "table[key] = total + ct", "total += ct; table[key] = total")),
    _engine("E04b", ".grad is the user's cotangent", "E04", _keep_frozen),
    _engine("E05a", ".grad is overwritten", "E05", lambda: rewrite(
        "backward:accumulate", "added.append((before, ct))", "made.append((leaf, before, wrap(aval.backend.claim(ct), aval)))")),
    _engine("E05b", "autograd.grad writes to .grad", "E06", _replaced(pb.autograd, "grad", _writes_grad)),
    _engine("E06", "a saved value is overwritten in its memory", "E07", _share_everything),
    _engine("E07", "a reference cycle", "E08", _replaced(pb, "sum", _pinned)),
    _engine("E07b", "a cache that grows", "E09", _replaced(pb, "sum", _cached)),
    _engine("E08a", "no_grad survives an exception", "E10", lambda: _replaced(pb.no_grad, "__exit__", _careless)()),
    _engine("E08b", "grad mode is shared by threads", "E10", _replaced(threading.Thread, "run", _inheriting)),
    _engine("E09", "detach keeps the graph", "E11", lambda: setattr(pb.Tensor, "detach", lambda self: self)),
    _engine("E10", "a comparison requires grad", "E12", _replaced(pb.Tensor, "__gt__", _requires_grad)),
    _engine("E13", "a hook runs twice", "E13", lambda: _replaced(get("hooks:Hooked"), "incoming", _twice)()),
    _engine("E16", "accumulating promotes the dtype", "E14", _promotes),
    Fault("E17", "a rule that computes on raw arrays", "D01", "square", _raw),
    _engine("E18", "recursion over the graph", "E16", _recursive),
    _engine("E19", "a second backward silently gives nothing", "E17", lambda: _both(
        ("node[PULLBACK] = freed", "node[PULLBACK] = lambda ct, x, y: (ct * 0, ct * 0)"))),
    _engine("E20", "a rule that raises spoils .grad", "E18", lambda: setattr(
        get("backward"), "reverse_plain", _spoils(get(PLAIN)))),
    _engine("E28", "a pass while another one runs finds nothing", "E28", lambda: setattr(
        get("backward"), "reverse_plain", _alone(get(PLAIN)))),
    _engine("E29", "a graph that was used up gives what is left of it", "E29", lambda: _both(
        ("node[PULLBACK] = freed", "node[PULLBACK] = lambda ct, x, y: (ct, ct)"))),
    _engine("E30", "the first call of an op is for one thread", "E30", lambda: setattr(
        get("operators"), "apply_elementwise", _once(get("operators:apply_elementwise")))),
    _engine("E31", "a pass keeps what it has used up", "E31", lambda: _both(("node[X] = None", "pass"))),
    _engine("E32", "the error of a rule is remembered", "E32", lambda: setattr(
        get("backward"), "reverse_plain", _remembers(get(PLAIN)))),
]  # fmt: skip


def _both(*changes: tuple[str, str]) -> None:
    """Several rewrites of the reverse pass at once."""
    import inspect  # noqa: PLC0415  only in mutants

    function = get(PLAIN)
    source = inspect.getsource(function)
    for old, new in changes:
        if old not in source:
            raise LookupError(f"{PLAIN} no longer says {old!r}: mend the catalogue")
        source = source.replace(old, new)
    scope = dict(function.__globals__)
    exec(compile(source, "<mutant of the reverse pass>", "exec"), scope)  # noqa: S102  our own source, rewritten
    function.__code__ = scope[function.__name__].__code__


CATALOGUE = (*RULES, *ENGINES)
