"""From rules to the pullback that a node carries: `pullback(ct, x, y) -> cotangents of its parents`.

A pullback is put together as Python text that calls the rules as they were written, once per op, set of differentiated
operands and mode. So the reverse pass asks nothing: not which operand needs a gradient, not whether broadcasting must
be undone, not whether numbers are complex. `pullback.rule.source` is the text. The same text serves raw arrays (`xp` a
backend's namespace) and Tensors (`xp` pullback's own, whose results have derivatives again).
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from pullback.errors import CotangentError
from pullback.graph import Node, X, Y, parents
from pullback.rules import Call, Mode, Rule, select

if TYPE_CHECKING:
    from pullback.aval import Aval
    from pullback.backend import Backend
    from pullback.primitive import Primitive


class Pullback(Rule):
    """The pullbacks of one primitive with respect to the operands at the positions `wrt`.

    `call` is the one over raw arrays, which nodes carry. `keeps` names the array data to save; `positions` says where
    it stands in `(*operands, out)`.
    """

    backend: Backend
    call: Any

    def __init__(self, primitive: Primitive, wrt: Sequence[int], backend: Backend) -> None:
        self.primitive = primitive
        self.name = primitive.label if "Backward" in primitive.label else f"{primitive.label}Backward0"
        self.wrt = tuple(wrt)
        self.backend = backend
        self.rules = [primitive.vjp_of(i) for i in self.wrt]
        reads = dict.fromkeys(name for rule in self.rules for name in rule.reads)
        data = (*primitive.operands, "out")
        self.keeps = tuple(name for name in reads if name in data)
        self.positions = tuple(data.index(name) for name in self.keeps)
        self._variants: dict[tuple[bool, Mode], Call] = {}

    def _publish(self) -> None:
        self.call = self.over(self.backend.xp, Mode())
        self.call.rule = self

    def over(self, xp: Any, mode: Mode) -> Call:
        native = xp is self.backend.xp
        call = self._variants.get((native, mode))
        if call is None:
            scope = {"xp": xp, "misfit": self._misfit}
            source = "def pullback(ct, x, y):\n    " + "\n    ".join(self._lines(scope, mode, native=native)) + "\n"
            self.source = source
            exec(_compiled(source, self.primitive.name), scope)  # noqa: S102  text made of names of ours alone
            call = self._variants[native, mode] = self._placed(scope["pullback"]) if native else scope["pullback"]
            if native and mode == Mode(guard=True):
                self.guarded = call
        return call

    def _placed(self, call: Call) -> Call:
        """The pullback over raw arrays as their library needs it run."""
        return self.backend.placed(call, self.name)

    def _lines(self, scope: dict[str, Any], mode: Mode, *, native: bool) -> list[str]:
        """The text of the pullback; what it calls goes into `scope`."""
        raise NotImplementedError

    def origin(self, node: Node, position: int) -> Any:
        """Where in the graph the saved value at `position` of `(*operands, out)` came from; None for a constant."""
        if position == len(self.primitive.operands):
            return node
        return parents(node)[self.wrt.index(position)] if position in self.wrt else None

    def _misfit(self, operand: int, ct: Any, aval: Aval) -> None:
        found = f"one of shape {ct.shape} and dtype {ct.dtype}" if hasattr(ct, "shape") else f"a {type(ct).__name__}"
        raise CotangentError(
            f"{self.primitive.name}: the rule for operand {operand}, which has shape {aval.shape} and dtype "
            f"{aval.dtype.name}, returned as its cotangent {found}"
        )


def _check(k: int, operand: int, condition: str, aval: str) -> list[str]:
    """Text that checks the cotangent number `k`."""
    return [
        "try:",
        f"    fits = {condition}",
        "except AttributeError:",
        "    fits = False",
        "if not fits:",
        f"    misfit({operand}, ct{k}, {aval})",
    ]


def _returned(count: int) -> str:
    return "return " + ", ".join(f"ct{k}" for k in range(count))


_WRITTEN_OUT = {
    (lambda xp, t: t).__code__.co_code: "ct",
    (lambda xp, t: -t).__code__.co_code: "-ct",
    (lambda xp, t, y: t * y).__code__.co_code: "ct * {}",
}
"""Rules that are not called, but written out: the most frequent ones."""


class ElementwisePullback(Pullback):
    """vjp = conj o tangent map o conj, then unbroadcast. Where at most two arrays are saved, they are `x` and `y`."""

    def __init__(
        self, primitive: Primitive, wrt: Sequence[int], avals: Sequence[Aval], out: Aval, params: dict[str, Any]
    ) -> None:
        super().__init__(primitive, wrt, out.backend)
        self.avals = avals
        self.out = out
        self.params = params
        if (
            primitive.fused is not None
            and len(self.wrt) == len(primitive.operands)
            and not out.dtype.is_complex
            and all(a is out for a in avals)
        ):
            fused: Any = primitive.fused  # as a function of our own, to carry our `rule`
            call = FunctionType(fused.__code__, fused.__globals__, fused.__name__)
            self._variants[True, Mode()] = self._placed(call)
        self._publish()

    def _lines(self, scope: dict[str, Any], mode: Mode, *, native: bool) -> list[str]:
        primitive = self.primitive
        conj = self.out.dtype.is_complex
        guard = not mode.literal and (primitive.singular or (mode.guard and primitive.product))
        places = ["x", "y"] if len(self.keeps) <= 2 else [f"x[{i}]" for i in range(len(self.keeps))]
        slots = dict(zip(self.keeps, places, strict=False)) | {name: f"param_{name}" for name in self.params}
        scope |= {f"param_{name}": value for name, value in self.params.items()}
        lines = ["ct = xp.conj(ct)"] if conj else []
        for k, (i, rule) in enumerate(zip(self.wrt, self.rules, strict=True)):
            aval = self.avals[i]
            scope[f"rule{k}"] = rule.function
            contracts = primitive.bilinear and aval.ndim == 0 and self.out.ndim > 0 and not guard
            fits = native and not self.backend.level
            if contracts and fits:
                scope[f"inner{k}"] = self.backend.fitted("inner", self.out, self.avals[1 - i])
                text = f"inner{k}(ct, {slots[rule.reads[0]]})"
            elif contracts:
                text = f"xp.inner(ct, {slots[rule.reads[0]]})"
            else:
                reads = [slots[name] for name in rule.reads]
                code = getattr(rule.function, "__code__", None)
                short = None if code is None else _WRITTEN_OUT.get(code.co_code)
                text = short.format(*reads) if short else f"rule{k}({', '.join(['xp', 'ct', *reads])})"
            if guard:
                text = f"xp.guard(ct, {text})"
            if conj:
                text = f"xp.conj({text})"
            if self.out.dtype.is_complex and not aval.dtype.is_complex:
                text = f"xp.real({text})"
            if aval.ndim == 0 < self.out.ndim and primitive.trusted and fits and not contracts:
                scope[f"total{k}"] = self.backend.fitted("total", self.out)
                text = f"total{k}({text})"
            elif (self.out.shape != aval.shape or not aval.known) and not contracts:
                scope[f"shape{k}"] = aval.shape
                text = f"xp.unbroadcast({text}, shape{k})"
            if self.out.dtype is not aval.dtype:
                text = f"xp.astype({text}, dtype{k})"
            scope[f"dtype{k}"] = aval.backend.native_dtype(aval.dtype) if native else aval.dtype
            lines.append(f"ct{k} = {text}")
            if not primitive.trusted:
                scope[f"aval{k}"] = aval
                lines += _check(
                    k, i, f"(ct{k}.shape == aval{k}.shape or not aval{k}.known) and ct{k}.dtype == dtype{k}", f"aval{k}"
                )
        return [*lines, _returned(len(self.wrt))]

    def pack(self, values: Sequence[Any]) -> tuple[Any, Any]:
        """The `x` and `y` of a node, given the values of `(*operands, out)`."""
        positions = self.positions
        if len(positions) == 1:
            return values[positions[0]], None
        if len(positions) == 2:
            return values[positions[0]], values[positions[1]]
        return tuple(values[i] for i in positions) or None, None

    def saved(self, node: Node) -> Iterable[tuple[str, Any, Any]]:
        arrays = node[X:][: len(self.keeps)] if len(self.keeps) <= 2 else node[X]
        return [(name, array, self.backend.storage(array)) for name, array in zip(self.keeps, arrays, strict=True)]

    def mapped(self, x: Any, y: Any, function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
        if len(self.keeps) > 2:
            return tuple(function(array, None) for array in x), y
        x, y = (function(array, None) if i < len(self.keeps) else array for i, array in enumerate((x, y)))
        return x, y

    def as_tensors(self, node: Node, wrap: Callable[..., Any]) -> tuple[Any, Any]:
        tensors = [
            wrap(array, self.backend.aval(array), self.origin(node, position))
            for (_, array, _), position in zip(self.saved(node), self.positions, strict=True)
        ]
        return (tensors, None) if len(tensors) > 2 else (*tensors, None, None)[:2]


class GeneralPullback(Pullback):
    """The pullback of any other op. `x` is the tuple of saved arrays or None; `y` is `(params, avals, avals of outs)`."""

    pack: Callable[[tuple[Any, ...]], Any]
    """The `x` of a node, given the values of `(*operands, out)`."""

    def __init__(self, primitive: Primitive, wrt: Sequence[int], backend: Backend) -> None:
        super().__init__(primitive, wrt, backend)
        self.pack = _packer(self.positions)
        self._publish()
        self.guarded = self.call  # its text is the same in every mode

    def _lines(self, scope: dict[str, Any], mode: Mode, *, native: bool) -> list[str]:
        primitive = self.primitive
        scope["native_dtype"] = self.backend.native_dtype if native else lambda dtype: dtype
        scope["dtype_of"] = self.backend.dtypes.get if native else lambda dtype: dtype
        lines = ["params, avals, outs = y"]
        if self.keeps:
            lines.append(f"({', '.join(f'kept_{name}' for name in self.keeps)},) = x")
        if primitive.multiple:
            lines.append(f"ct = ct.expand(xp, outs, {native})")
        rules = self.rules[:1] if primitive.variadic else self.rules
        for k, rule in enumerate(rules):
            scope[f"rule{k}"] = rule.function
            reads = (self._slot(name, f"avals[{self.wrt[k]}]") for name in rule.reads)
            lines.append(f"{'every' if primitive.variadic else f'ct{k}'} = rule{k}({', '.join(['xp', 'ct', *reads])})")
        for k, i in enumerate(self.wrt):
            if primitive.variadic:
                lines.append(f"ct{k} = every[{i}]")
            if primitive.trusted:
                continue
            aval = f"avals[{i}]"
            condition = f"dtype_of(ct{k}.dtype) is {aval}.dtype and (ct{k}.shape == {aval}.shape or not {aval}.known)"
            lines += _check(k, i, condition, aval)
        return [*lines, _returned(len(self.wrt))]

    def _slot(self, name: str, aval: str) -> str:
        if name in self.keeps:
            return f"kept_{name}"
        known = {
            "shape": f"{aval}.shape",
            "like": aval,
            "dtype": f"native_dtype({aval}.dtype)",
            "shapes": "[aval.shape for aval in avals]",
        }
        return known.get(name, f"params[{name!r}]")

    def saved(self, node: Node) -> Iterable[tuple[str, Any, Any]]:
        for name, saved in zip(self.keeps, node[X] or (), strict=True):
            for array in saved if isinstance(saved, tuple) else (saved,):
                yield name, array, self.backend.storage(array)
        key = node[Y][0].get("key", ())
        for item in key if isinstance(key, tuple) else (key,):
            if hasattr(item, "_array"):
                yield "the index", item._array, item._aval.backend.storage(item._array)

    def mapped(self, x: Any, y: Any, function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
        if x is None:
            return x, y
        return tuple(
            tuple(function(array, None) for array in kept) if isinstance(kept, tuple) else function(kept, None)
            for kept in x
        ), y

    def as_tensors(self, node: Node, wrap: Callable[..., Any]) -> tuple[Any, Any]:
        def tensor(array: Any, origin: Any) -> Any:
            return wrap(array, self.backend.aval(array), origin)

        tensors: list[Any] = []
        for saved, position in zip(node[X] or (), self.positions, strict=True):
            if not isinstance(saved, tuple):
                tensors.append(tensor(saved, self.origin(node, position)))
            elif position == len(self.primitive.operands):
                tensors.append(tuple(tensor(array, select(node, i)) for i, array in enumerate(saved)))
            else:  # the sequence of a variadic op
                tensors.append(tuple(tensor(array, self.origin(node, i)) for i, array in enumerate(saved)))
        return tuple(tensors) or None, node[Y]


def _packer(positions: tuple[int, ...]) -> Callable[[tuple[Any, ...]], Any]:
    """What picks these items of a tuple, as a tuple; None if there are none."""
    if not positions:
        return lambda values: None
    return itemgetter(*positions) if len(positions) > 1 else itemgetter(slice(positions[0], positions[0] + 1))


@lru_cache(maxsize=4096)
def _compiled(source: str, name: str) -> CodeType:
    filename = f"<pullback of {name}: {abs(hash(source)):x}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)  # for tracebacks
    return compile(source, filename, "exec")
