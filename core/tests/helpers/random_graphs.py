"""Random programs, run by the engine and by the naive reference at once.

A program is made of choices: small integers that come from a random generator or from hypothesis. It computes, takes
views, writes in place, detaches, registers hooks, switches recording off and on, and runs passes. After each step that
changes something, all values are compared; after each pass all gradients, also those that hooks were given; after some,
second derivatives. The engine may refuse, for a reason that the program knows; then nothing may have changed.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np
import pullback as pb
from pullback.errors import AutogradError, GraphFreedError, OverwrittenError

from helpers import reference
from helpers.checks import host, tensor
from helpers.random_hooks import AFTER, BEFORE, Hooks, scale
from helpers.reference import Ref, Value

Choose = Callable[[int], int]
"""`choose(n)` is one of 0, ..., n - 1."""

SHAPES = ((3,), (2, 3), (1, 3), (2, 1), (), (2, 2))
KEYS: tuple[Any, ...] = (0, -1, slice(1, None), slice(None, None, -1), slice(0, 1), slice(None, None, 2), Ellipsis)

UNARY: tuple[tuple[str, Any, Any], ...] = (  # name, values, derivative
    ("sin", np.sin, np.cos),
    ("tanh", np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    ("exp", lambda x: np.exp(x), lambda x: np.exp(x)),
    ("square", lambda x: x * x, lambda x: 2 * x),
    ("negative", np.negative, lambda x: -np.ones_like(x)),
    ("abs", np.abs, lambda x: np.sign(x.real)),
    ("atan", np.arctan, lambda x: 1 / (1 + x * x)),
    ("clip_", lambda x: np.clip(x, -0.7, 0.9), lambda x: _within(x) * 1.0),
    ("floor", np.floor, np.zeros_like),
    ("cube_", lambda x: x**3, lambda x: 3 * x * x),
    ("scale_", lambda x: 2.5 * x - 1, lambda x: np.full_like(x, 2.5)),
)
ON_TENSORS: dict[str, Any] = {
    "clip_": lambda x: pb.clip(x, -0.7, 0.9),
    "cube_": lambda x: x**3,
    "scale_": lambda x: 2.5 * x - 1,
}
BINARY: tuple[tuple[Any, Any, Any, Any], ...] = (  # on Tensors, values, derivatives
    (lambda x, y: x + y, np.add, lambda x, y: 1.0, lambda x, y: 1.0),
    (lambda x, y: x - y, np.subtract, lambda x, y: 1.0, lambda x, y: -1.0),
    (lambda x, y: x * y, np.multiply, lambda x, y: y, lambda x, y: x),
    (lambda x, y: x / (y * y + 1), lambda x, y: x / (y * y + 1), lambda x, y: 1 / (y * y + 1),
     lambda x, y: -2 * x * y / (y * y + 1) ** 2),
    (pb.maximum, np.maximum, lambda x, y: _larger(x, y), lambda x, y: _larger(y, x)),
    (pb.hypot, np.hypot, lambda x, y: _cosine(x, y), lambda x, y: _cosine(y, x)),
)  # fmt: skip
VIEWS: tuple[tuple[Any, Any], ...] = (  # on Tensors, on places
    (lambda x: pb.reshape(x, (-1,)), lambda p: p.reshape(-1)),
    (lambda x: pb.permute_dims(x, tuple(range(x.ndim))[::-1]), np.transpose),
    (lambda x: pb.flip(x), np.flip),
    (lambda x: pb.expand_dims(x, axis=0), lambda p: p[None]),
    (lambda x: x[None, ...], lambda p: p[None, ...]),
)
IN_PLACE: tuple[tuple[Any, int], ...] = (  # statement on Tensors, number in BINARY
    ("__iadd__", 0),
    ("__isub__", 1),
    ("__imul__", 2),
)


def _within(x: Any) -> Any:
    return (x.real >= -0.7) & (x.real <= 0.9)


def _larger(x: Any, y: Any) -> Any:
    return (x.real > y.real) + 0.5 * (x.real == y.real)


def _cosine(x: Any, y: Any) -> Any:
    radius = np.sqrt(x * x + y * y)  # np.hypot is for real numbers
    zero = radius.real == 0
    return np.where(zero, 0.0, x) / np.where(zero, 1.0, radius)


class Program:
    """One random program."""

    def __init__(self, choose: Choose, device: str = "cpu", *, forward: bool = False) -> None:
        self.choose = choose
        self.device = device
        self.forward = forward
        self.recording = True
        self.freed = False
        self.written = False
        self.counts: Counter[str] = Counter()
        shapes = [SHAPES[choose(len(SHAPES))] for _ in range(1 + choose(2))]
        self.points = [np.array([self.number() for _ in range(int(np.prod(s)))]).reshape(s) for s in shapes]
        self.refs = [reference.leaf(x, self.direction(x)) for x in self.points]
        self.parameters = [ref.value for ref in self.refs]
        self.tensors: list[Any] = []
        self.leaves: list[Any] = []
        self.hooks = Hooks(choose)
        self.grads = np.zeros(sum(x.size for x in self.points))

    def number(self) -> float:
        """A number with few digits: ties and zeros happen."""
        return (self.choose(9) - 4) / 2

    def direction(self, x: np.ndarray) -> np.ndarray:
        """Where to look from a point: numbers with few digits, none zero."""
        return np.array([(self.choose(8) - 3.5) / 2 for _ in range(x.size)]).reshape(x.shape)

    def pick(self) -> int:
        """One of the Tensors, rather a new one."""
        n = len(self.tensors)
        return n - 1 - min(self.choose(n), self.choose(n))

    def add(self, made: Any, ref: Ref) -> None:
        """A new Tensor, unless it is too large to go on with."""
        if np.all(np.abs(ref.values) < 30) and 0 < ref.values.size <= 36:
            self.tensors.append(made)
            self.refs.append(ref)

    def run(self, steps: int) -> None:
        """Reverse mode: some steps, and a pass at the end."""
        self.tensors = [tensor(x, self.device, requires_grad=True) for x in self.points]
        self.leaves = list(self.tensors)
        kinds = (self.unary, self.unary, self.binary, self.binary, self.reduce, self.move, self.view, self.view, self.write,
                 self.write, self.write_item, self.detach, self.switch, self.constant, self.backward, self.hook,
                 self.hook)  # fmt: skip
        for _ in range(steps):
            with self.mode():
                kinds[self.choose(len(kinds))]()
        self.backward()

    def push(self, steps: int) -> None:
        """Forward mode: some steps, and the tangents of all results. No modes, no passes: they have no meaning there."""
        kinds = (self.unary, self.unary, self.binary, self.binary, self.reduce, self.move, self.view, self.view, self.write,
                 self.write, self.write_item, self.detach, self.constant)  # fmt: skip
        for ref in self.refs:
            ref.memory.leaf = False  # what a function gets from jvp is no leaf: it may be written
        tangents = [self.direction(x) for x in self.points]

        def function(*primals: Any) -> Any:
            self.tensors = list(primals)
            for _ in range(steps):
                kinds[self.choose(len(kinds))]()
            return tuple(self.tensors)

        outs, pushed = pb.func.jvp(
            function,
            tuple(tensor(x, self.device) for x in self.points),
            tuple(tensor(t, self.device) for t in tangents),
        )
        flat = np.concatenate([t.reshape(-1) for t in tangents])
        known: dict[Any, Any] = {}
        for ref, out, found in zip(self.refs, outs, pushed, strict=True):
            close(host(out), ref.values, "value")
            rows = reference.jacobian(ref.value, self.parameters, known)
            close(host(found), np.asarray(rows.real @ flat), "tangent")

    @contextmanager
    def mode(self) -> Any:
        """Recording, or not."""
        with pb.set_grad_enabled(self.recording):
            yield

    # --- steps -------------------------------------------------------------------------------------------------------

    def unary(self) -> None:
        name, values, slope = UNARY[self.choose(len(UNARY))]
        i = self.pick()
        x, ref = self.tensors[i], self.refs[i]
        if np.any(np.abs(ref.values) > 3):
            name, values, slope = UNARY[0]
        made = ON_TENSORS.get(name, getattr(pb, name, None))(x)
        at = ref.numbers
        push = lambda r: slope(at)[..., None] * r  # noqa: E731
        self.add(made, reference.apply(values(ref.values), [(ref, push)], recorded=self.recording))

    def operands(self) -> tuple[Any, Ref, Any, Ref] | None:
        """Two Tensors that broadcast, or a Tensor and a number."""
        i = self.pick()
        if self.choose(5) == 0:
            c = self.number()
            return self.tensors[i], self.refs[i], c, reference.new(c)
        fits = [j for j, r in enumerate(self.refs) if _broadcast(r.values.shape, self.refs[i].values.shape)]
        j = fits[self.choose(len(fits))]
        return self.tensors[i], self.refs[i], self.tensors[j], self.refs[j]

    def combined(self, which: int, x: Ref, y: Ref) -> Ref:
        """The binary operation on references."""
        _, values, slope_x, slope_y = BINARY[which]
        a, b = x.numbers, y.numbers
        out = values(x.values, y.values)
        pushes = []
        for operand, slope in ((x, slope_x), (y, slope_y)):
            missing = out.ndim - operand.values.ndim

            def push(rows: np.ndarray, slope: Any = slope, missing: int = missing) -> np.ndarray:
                lifted = rows.reshape((1,) * missing + rows.shape)
                return np.broadcast_to(slope(a, b), out.shape)[..., None] * lifted

            pushes.append((operand, push))
        return reference.apply(out, pushes, recorded=self.recording)

    def binary(self) -> None:
        which = self.choose(len(BINARY))
        x, rx, y, ry = self.operands()
        if which > 3 and not hasattr(y, "shape"):
            which = 0
        self.add(BINARY[which][0](x, y), self.combined(which, rx, ry))

    def reduce(self) -> None:
        i = self.pick()
        x, ref = self.tensors[i], self.refs[i]
        axis = None if ref.values.ndim == 0 or self.choose(2) else self.choose(ref.values.ndim)
        axes = tuple(range(ref.values.ndim)) if axis is None else (axis,)
        keepdims = bool(self.choose(2))
        name = ("sum", "mean", "max")[self.choose(3)]
        at = ref.numbers
        if name == "max":
            wins = at.real == np.max(at.real, axis=axes, keepdims=True)
            weights = wins / np.sum(wins, axis=axes, keepdims=True)
        else:
            weights = np.ones_like(at) / (1 if name == "sum" else np.prod([at.shape[a] for a in axes]))
        out = getattr(np, name)(ref.values, axis=axis, keepdims=keepdims)
        push = lambda r: np.sum(weights[..., None] * r, axis=axes, keepdims=keepdims)  # noqa: E731
        made = getattr(pb, name)(x, axis=axis, keepdims=keepdims)
        self.add(made, reference.apply(out, [(ref, push)], recorded=self.recording))

    def move(self) -> None:
        """Elements to other places: broadcasting, integer arrays, concatenation, where."""
        i = self.pick()
        x, ref = self.tensors[i], self.refs[i]
        at, recorded = ref.numbers, self.recording
        kind = self.choose(4)
        if kind == 0:
            to = (2, *at.shape)
            self.add(pb.broadcast_to(x, to), ref.view(lambda p: np.broadcast_to(p, to), recorded=recorded))
        elif kind == 1 and at.ndim:
            index = [self.choose(at.shape[0]) for _ in range(3)]
            out = reference.apply(ref.values[index], [(ref, lambda r: r[index])], recorded=recorded)
            self.add(x[tensor(index, self.device)], out)
        elif kind == 2 and at.ndim:
            out = reference.apply(
                np.concatenate([ref.values, ref.values]), [(ref, lambda r: np.concatenate([r, r]))], recorded=recorded
            )
            self.add(pb.concat([x, x]), out)
        else:
            mask = at.real > 0
            out = reference.apply(
                np.where(mask, ref.values, 0.5), [(ref, lambda r: np.where(mask[..., None], r, 0))], recorded=recorded
            )
            self.add(pb.where(x > 0, x, 0.5), out)

    def view(self) -> None:
        i = self.pick()
        x, ref = self.tensors[i], self.refs[i]
        if ref.values.ndim and self.choose(2):
            key = KEYS[self.choose(len(KEYS))]
            if ref.values.shape[0] == 0:
                return
            self.add(x[key], ref.view(lambda p: p[key], recorded=self.recording))
        else:
            on_tensors, on_places = VIEWS[self.choose(len(VIEWS))]
            self.add(on_tensors(x), ref.view(on_places, recorded=self.recording))

    def detach(self) -> None:
        i = self.pick()
        self.add(self.tensors[i].detach(), self.refs[i].detach())

    def constant(self) -> None:
        x = np.array([self.number() for _ in range(3)])
        self.add(tensor(x, self.device), reference.new(x))

    def switch(self) -> None:
        self.recording = not self.recording

    def hook(self) -> None:
        kind = self.hooks.register(self.tensors, self.refs, len(self.leaves))
        if kind:
            self.counts[f"hook: {kind}"] += 1

    # --- writes ------------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """`x op= y`, and its like."""
        kind = self.choose(6)
        if kind < 3:
            method, which = IN_PLACE[kind]
            x, rx, y, ry = self.operands()
            if np.broadcast_shapes(rx.values.shape, ry.values.shape) != rx.values.shape:
                return
            self.wrote(rx, self.combined(which, rx, ry), lambda: getattr(x, method)(y))
        else:
            i = self.pick()
            x, ref = self.tensors[i], self.refs[i]
            at = ref.numbers
            if kind == 3:
                value = reference.apply(
                    np.sin(ref.values), [(ref, lambda r: np.cos(at)[..., None] * r)], recorded=self.recording
                )
                self.wrote(ref, value, x.sin_)
            elif kind == 4:
                value = reference.new(0 * at.real)
                self.wrote(ref, value, x.zero_)
            else:
                same = [j for j, r in enumerate(self.refs) if r.values.shape == at.shape]
                j = same[self.choose(len(same))]
                y, ry = self.tensors[j], self.refs[j]
                value = reference.apply(ry.values, [(ry, lambda r: r)], recorded=self.recording)
                self.wrote(ref, value, lambda: x.copy_(y))

    def write_item(self) -> None:
        """`x[key] = y`."""
        i = self.pick()
        x, ref = self.tensors[i], self.refs[i]
        if ref.values.ndim == 0:
            return
        if self.choose(3):
            key = key_on_tensors = KEYS[self.choose(len(KEYS))]
        else:
            key = ref.values > 0
            key_on_tensors = x.detach() > 0
        part = ref.view(lambda p: p[key], recorded=True)
        shape = part.places.shape
        scalar = [j for j, r in enumerate(self.refs) if r.values.ndim == 0 or r.values.shape == shape]
        if scalar and self.choose(2):
            j = scalar[self.choose(len(scalar))]
            y, ry = self.tensors[j], self.refs[j]
        else:
            y = self.number()
            ry = reference.new(y)
        value = reference.apply(np.broadcast_to(ry.values, shape), [(ry, lambda r: r)], recorded=self.recording)
        self.wrote(part, value, lambda: x.__setitem__(key_on_tensors, y))

    def wrote(self, target: Ref, value: Ref, statement: Callable[[], Any]) -> None:
        """Write in both; the engine refuses exactly where the reference says so."""
        if np.any(np.abs(value.values) > 30) or (self.forward and target.detached):
            return
        if target.refuses(value, recorded=self.recording):
            self.counts["write refused"] += 1
            try:
                statement()
            except AutogradError:
                self.compare_values()
                return
            raise AssertionError("a write that should have been refused was not")
        statement()
        target.write(value, recorded=self.recording)
        self.written = True
        self.counts["write"] += 1
        self.compare_values()

    def compare_values(self) -> None:
        """All Tensors, their values and whether they require grad."""
        if self.forward:
            return
        for made, ref in zip(self.tensors, self.refs, strict=True):
            close(host(made), ref.values, "value")
            assert made.requires_grad == ref.tracked, "requires_grad"

    # --- passes ------------------------------------------------------------------------------------------------------

    def backward(self) -> None:
        """A pass from one or two Tensors, with or without keeping the graph, and perhaps as `grad`."""
        usable = [i for i, x in enumerate(self.tensors) if x.requires_grad]
        if not usable:
            return
        chosen = sorted({usable[-1 - min(self.choose(len(usable)), self.choose(len(usable)))] for _ in range(2)})
        outs = [self.tensors[i] for i in chosen]
        cts = [np.full(self.refs[i].values.shape, self.number()) for i in chosen]
        given = [tensor(ct, self.device) for ct in cts]
        wanted, values = list(self.leaves), list(self.parameters)
        retain, functional = bool(self.choose(2)), self.choose(3) == 0
        record = self.choose(3) < (2 if functional else 1)
        if functional and self.choose(2):  # the gradient of an intermediate result too
            i = usable[self.choose(len(usable))]
            wanted.append(self.tensors[i])
            values.append(self.refs[i].value)
        arriving = self.cotangents([self.refs[i] for i in chosen], cts, values + self.hooks.values())
        stages = [AFTER if i < len(self.leaves) else BEFORE for i in range(len(wanted))]
        if len(wanted) > len(self.leaves) and wanted[-1].is_leaf:
            stages[-1] = AFTER
        expected = [arriving[v] * scale(v, (stage, 0)) for v, stage in zip(values, stages, strict=True)]
        before = self.gradients()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # passes from leaves, and create_graph, have theirs
                if functional:
                    found = pb.autograd.grad(
                        outs, wanted, given, retain_graph=retain, create_graph=record, materialize_grads=True
                    )
                else:
                    pb.autograd.backward(outs, given, retain_graph=retain, create_graph=record)
        except (OverwrittenError, GraphFreedError) as error:
            self.refused(error)
            np.testing.assert_array_equal(self.gradients(), before)
            self.hooks.forget(close)
            self.freed = self.freed or not retain
        else:
            self.counts["pass"] += 1
            self.freed = self.freed or not retain
            if functional:
                for g, right in zip(found, expected, strict=True):
                    close(host(g), right.real, "gradient")
            else:
                self.grads = self.grads + np.concatenate([g.real.reshape(-1) for g in expected])
            for ct, raw in zip(given, cts, strict=True):
                np.testing.assert_array_equal(host(ct), raw)
            sums = None if functional else [host(x.grad) if x.grad is not None else None for x in self.leaves]
            self.hooks.check(lambda value: arriving[value].real, sums, close)
            if functional and record:
                self.second(found, expected)
        close(self.gradients(), self.grads, "accumulated gradient")
        self.compare_values()

    def cotangents(self, outs: list[Ref], cts: list[np.ndarray], values: list[Value]) -> dict[Value, np.ndarray]:
        """What arrives at each value, by the reference."""
        by = list(dict.fromkeys(values))
        known: dict[Any, Any] = {}
        total = sum(
            np.tensordot(ct, reference.jacobian(ref.value, by, known), axes=ct.ndim)
            for ref, ct in zip(outs, cts, strict=True)
        )
        ends = np.cumsum([np.prod(value.shape, dtype=int) for value in by])
        return {v: part.reshape(v.shape) for v, part in zip(by, np.split(total, ends[:-1]), strict=True)}

    def refused(self, error: Exception) -> None:
        """A pass may be refused for a write, or for an earlier pass."""
        kind = "overwritten" if isinstance(error, OverwrittenError) else "graph freed"
        assert self.written if kind == "overwritten" else self.freed, f"refused without a reason: {error}"
        self.counts[kind] += 1

    def second(self, found: tuple[Any, ...], first: list[np.ndarray]) -> None:
        """The gradient of a scalar function of gradients, along the direction of the reference."""
        self.hooks.remove()  # they have had their say, and would have it again
        weights = [self.direction(g).reshape(g.shape) for g in first]
        with pb.enable_grad():
            loss = sum((g * tensor(w, self.device)).sum() for g, w in zip(found, weights, strict=True))
        right = sum(float(np.sum(w * g.imag)) for g, w in zip(first, weights, strict=True)) / reference.STEP
        try:
            seconds = pb.autograd.grad(loss, self.leaves, retain_graph=True, materialize_grads=True)
        except (OverwrittenError, GraphFreedError) as error:
            self.refused(error)
            return
        self.hooks.again()
        terms = [host(g) * x.imag / reference.STEP for g, x in zip(seconds, self.leaf_numbers(), strict=True)]
        largest = max(1.0, *(float(np.max(np.abs(t), initial=0.0)) for t in terms))
        close(np.asarray(sum(t.sum() for t in terms) / largest), np.asarray(right / largest), "second derivative")
        self.counts["second order"] += right != 0

    def leaf_numbers(self) -> list[np.ndarray]:
        """The leaves in the reference."""
        return [ref.numbers for ref in self.refs[: len(self.leaves)]]

    def gradients(self) -> np.ndarray:
        """The `.grad` of all leaves in one line."""
        parts = [np.zeros(x.size) if x.grad is None else host(x.grad).reshape(-1) for x in self.leaves]
        return np.concatenate(parts)


def close(found: np.ndarray, expected: np.ndarray, what: str) -> None:
    """Equal up to rounding."""
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    scale = 1e-11 * max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    if not np.all(np.abs(found - expected) <= scale):
        raise AssertionError(f"{what}: {found}, expected {expected}")


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return all(m in (n, 1) or n == 1 for m, n in zip(a[::-1], b[::-1], strict=False))


def run_seed(seed: int, device: str = "cpu") -> Counter[str]:
    """The program of a number, in reverse mode, or every fourth in forward mode; what happened in it."""
    rng = np.random.default_rng(seed)

    def choose(n: int) -> int:
        return int(rng.random() * n)

    program = Program(choose, device, forward=seed % 4 == 3)
    steps = 4 + choose(16)
    if program.forward:
        program.push(steps)
    else:
        program.run(steps)
    return program.counts


def main(count: int, first: int = 0, device: str = "cpu") -> None:
    """Run many programs; print how they went. From `core/tests`: `python -m helpers.random_graphs 100000`."""
    total: Counter[str] = Counter()
    wrong = 0
    started = time.perf_counter()
    for seed in range(first, first + count):
        try:
            total += run_seed(seed, device)
        except Exception as error:  # noqa: BLE001  every kind of failure is counted and shown
            wrong += 1
            if wrong <= 10:
                print(f"program {seed}: {type(error).__name__}: {error}", flush=True)
        done = seed - first + 1
        if sys.stderr.isatty() and done % 1000 == 0:
            print(f"\r{done}/{count}", end="", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - started
    print(f"{count} programs on {device} in {seconds:.0f} s: {wrong} wrong; {dict(total)}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(*(int(x) if x.isdigit() else x for x in sys.argv[1:]))  # type: ignore[arg-type]
