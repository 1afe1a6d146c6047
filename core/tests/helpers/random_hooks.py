"""The hooks of a random program: some multiply gradients, all note what they were given.

A hook belongs to a value of the reference: the one that its Tensor had when it was registered. `retain_grad` belongs to
the Tensor, whatever value it has. After a pass, what each hook was given is compared with the Jacobian of the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb

from helpers.checks import host
from helpers.reference import Ref, Value

TENSOR, BEFORE, AFTER = range(3)
"""The stages of a value in a pass: hooks of the Tensor, those before its node runs, those after."""
FACTORS = (1.0, 2.0, -0.5, 0.0)

Expected = Callable[[Value], np.ndarray]
"""The gradient that arrives at a value, before its hooks."""


class Hook:
    """One function at one value (or, a multi-grad hook, at several)."""

    adding = False  # called when `.grad` has its new value, so not at all where no `.grad` changes

    def __init__(self, stage: int, values: list[Value], factor: float, number: int) -> None:
        self.stage, self.values, self.factor, self.number = stage, values, factor, number
        self.given: list[list[Any]] = []
        self.handle: Any = None
        for value in values:
            value.factors[self] = factor

    def note(self, cts: list[Any]) -> None:
        """It was called with gradients, one for each value."""
        self.given.append([None if ct is None else host(ct) for ct in cts])

    def on_tensor(self, ct: Any) -> Any:
        self.note([ct])
        return None if self.factor == 1 else ct * self.factor

    def before_node(self, cts: Any) -> Any:
        self.note(list(cts))
        return None if self.factor == 1 else tuple(ct * self.factor for ct in cts)

    def after_node(self, grads: Any, cts: Any) -> Any:
        self.note(list(cts))
        return None if self.factor == 1 else tuple(None if g is None else g * self.factor for g in grads)

    def remove(self) -> None:
        """Take it back, in the engine and in the reference."""
        self.handle.remove()
        for value in self.values:
            value.factors.pop(self, None)

    def check(self, expected: Expected, close: Callable[..., None]) -> None:
        """It was called once with the right gradients; or never, and these are zero."""
        assert len(self.given) <= 1, "a hook was called twice in a pass"
        stage = (self.stage, self.number) if self.stage < AFTER else (AFTER, -1)
        for i, value in enumerate(self.values):
            found = self.given[0][i] if self.given else None
            right = expected(value) * scale(value, stage)
            close(0 * right if found is None else found, right, "what a hook was given")


def scale(value: Value, before: tuple[int, int]) -> float:
    """What the hooks before a point in the order of hooks multiply a gradient by."""
    return float(np.prod([hook.factor for hook in value.factors if (hook.stage, hook.number) < before]))


class Hooks:
    """All hooks of a program."""

    def __init__(self, choose: Callable[[int], int]) -> None:
        self.choose = choose
        self.active: list[Hook] = []
        self.accumulated: dict[int, list[np.ndarray]] = {}  # number of a leaf -> its .grad as its hook found it
        self.retained: dict[int, tuple[Any, Ref, np.ndarray]] = {}  # number of a Tensor -> itself, its .grad so far
        self.made = 0

    def register(self, tensors: list[Any], refs: list[Ref], leaves: int) -> str | None:
        """A new hook somewhere, or `retain_grad`, or the end of a hook; which of them."""
        usable = [i for i, ref in enumerate(refs) if ref.tracked]
        if not usable:
            return None
        i = usable[-1 - min(self.choose(len(usable)), self.choose(len(usable)))]
        x, ref = tensors[i], refs[i]
        kind = ("tensor", "tensor", "before", "after", "multi", "retain", "accumulated", "remove")[self.choose(8)]
        factor = FACTORS[self.choose(4) if self.choose(2) else self.choose(2)]
        if kind == "remove":
            if self.active:
                self.active.pop(self.choose(len(self.active))).remove()
        elif kind == "retain":
            x.retain_grad()
            if not x.is_leaf and i not in self.retained:
                self.retained[i] = x, ref, np.zeros(ref.places.shape)
        elif kind == "accumulated":
            if i < leaves and i not in self.accumulated:
                seen = self.accumulated[i] = []
                x.register_post_accumulate_grad_hook(lambda leaf: seen.append(host(leaf.grad).copy()))
        elif kind == "multi":
            chosen = [i, usable[self.choose(len(usable))]]
            hook = self._add(TENSOR, [refs[j].value for j in chosen], 1.0)
            hook.handle = pb.autograd.graph.register_multi_grad_hook([tensors[j] for j in chosen], hook.note)
        elif kind == "tensor":
            hook = self._add(TENSOR, [ref.value], factor)
            hook.handle = x.register_hook(hook.on_tensor)
        else:
            node = pb.autograd.graph.get_gradient_edge(x).node
            if kind == "before":
                hook = self._add(BEFORE, [ref.value], factor)
                hook.handle = node.register_prehook(hook.before_node)
            else:
                hook = self._add(AFTER, [ref.value], 1.0 if x.is_leaf else factor)
                hook.adding = x.is_leaf
                hook.handle = node.register_hook(hook.after_node)
        return kind

    def _add(self, stage: int, values: list[Value], factor: float) -> Hook:
        self.made += 1
        self.active.append(Hook(stage, values, factor, self.made))
        return self.active[-1]

    def values(self) -> list[Value]:
        """All values where something is to be checked after a pass."""
        hooked = [value for hook in self.active for value in hook.values]
        return hooked + [ref.value for _, ref, _ in self.retained.values()]

    def check(self, expected: Expected, leaf_grads: list[np.ndarray] | None, close: Callable[..., None]) -> None:
        """After a pass; `leaf_grads`: the `.grad` of each leaf, if the pass has added to them."""
        for hook in self.active:
            if hook.adding and leaf_grads is None:
                assert not hook.given, "a hook after the addition to .grad was called by grad()"
            else:
                hook.check(expected, close)
        for i, (x, ref, before) in self.retained.items():
            total = before + expected(ref.value) * scale(ref.value, (TENSOR, self.made + 1))
            self.retained[i] = x, ref, total
        for i, seen in self.accumulated.items():
            assert len(seen) <= (leaf_grads is not None), "a post-accumulate hook was called too often"
            if seen:
                close(seen[0], leaf_grads[i], "the .grad that a hook found")
        self.forget(close)

    def forget(self, close: Callable[..., None]) -> None:
        """Be ready for the next pass. What is retained has not changed since the last one."""
        for seen in (*(hook.given for hook in self.active), *self.accumulated.values()):
            seen.clear()
        for x, _, total in self.retained.values():
            close(0 * total if x.grad is None else host(x.grad), total, "retained gradient")

    def again(self) -> None:
        """A pass whose gradients are checked elsewhere was run: go on from what it has left."""
        for i, (x, ref, total) in self.retained.items():
            self.retained[i] = x, ref, 0 * total if x.grad is None else host(x.grad).copy()

    def remove(self) -> None:
        """All hooks that multiply."""
        while self.active:
            self.active.pop().remove()
