"""L-BFGS: steps along the gradient times an approximate inverse Hessian, made from the last few steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError

from pullback_optim.line_search import Point, strong_wolfe
from pullback_optim.optimizer import Group, Optimizer, State, as_complex, as_real, is_number

Vector = list[Any]
"""A part for each parameter, pairs of real numbers for a complex one."""


class LBFGS(Optimizer):
    """Minimise a loss that is computed again as often as the method wants: up to `max_iter` iterations in a `step(closure)`.

    `lr`: the step length, or with `line_search_fn="strong_wolfe"` the first one that the line search tries. `max_eval`:
    the most calls of the closure in a step, `max_iter * 5 // 4` if None. It ends early when no element of the gradient
    exceeds `tolerance_grad`, or a step changes no parameter, or the loss, by more than `tolerance_change`. `history_size`:
    how many steps make the inverse Hessian. Nocedal and Wright, Numerical Optimization, 2nd edition, algorithm 7.4.

    One group of parameters. It looks at the loss and at products of vectors, so a lazy backend computes at each
    iteration. The state is in PyTorch's names, but vectors are kept with the parameters that they belong to.

    >>> import pullback as pb, pullback_optim as optim
    >>> w = pb.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 1) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()
    13.0
    >>> w
    tensor([1.0000, 1.0000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        limits = dict(max_iter=max_iter, max_eval=max_iter * 5 // 4 if max_eval is None else max_eval)
        tolerances = dict(tolerance_grad=tolerance_grad, tolerance_change=tolerance_change)
        search = dict(history_size=history_size, line_search_fn=line_search_fn)
        super().__init__(params, {"lr": lr, **limits, **tolerances, **search})

    def add_param_group(self, param_group: Group) -> None:
        if self.param_groups:
            raise ArgumentError("LBFGS: there is one group of parameters; the method makes one direction for all")
        super().add_param_group(param_group)

    def check(self, group: Group) -> None:
        super().check(group)
        for name in ("max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size"):
            self.demand(group, name, is_number(group[name]) and group[name] >= 0, "a number >= 0")
        self.demand(
            group, "line_search_fn", group["line_search_fn"] in (None, "strong_wolfe"), "'strong_wolfe' or None"
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate; returns the loss that the first call of `closure` returned.

        `closure()` clears the gradients, calls `backward()` and returns the loss.
        """
        if closure is None:
            raise ArgumentError("LBFGS.step: a closure is needed that computes the loss and its gradients again")
        with pb.no_grad():
            return self._iterate(closure)

    def _iterate(self, closure: Callable[[], Any]) -> Any:
        (group,) = self.param_groups
        params = group["params"]
        shared = self.state[params[0]]
        shared.setdefault("func_evals", 0)
        shared.setdefault("n_iter", 0)

        loss, value, grad = self._evaluate(closure)
        shared["func_evals"] += 1
        calls = 1
        if largest(grad) <= group["tolerance_grad"]:
            return loss
        for iteration in range(1, group["max_iter"] + 1):
            shared["n_iter"] += 1
            first = shared["n_iter"] == 1
            direction = self._direction(grad, group["history_size"])
            t = group["lr"] * (min(1.0, 1 / total(grad)) if first else 1.0)
            slope = dot(grad, direction)
            self._keep(direction, grad, t=t, prev_loss=value)
            if slope > -group["tolerance_change"]:
                break
            before, spent = value, 0
            if group["line_search_fn"] is not None:
                point, spent = self._search(closure, Point(0.0, value, slope, grad), direction, t, group, calls)
                t, value, grad = point.t, point.value, point.grad
                shared["t"] = t
            else:
                self._walk(params, direction, t)
                if iteration < group["max_iter"]:  # whoever draws batches is spared a call that nothing follows from
                    _, value, grad = self._evaluate(closure)
                    spent = 1
            calls += spent
            shared["func_evals"] += spent
            if calls >= group["max_eval"] or largest(grad) <= group["tolerance_grad"]:
                break
            if t * largest(direction) <= group["tolerance_change"] or abs(value - before) < group["tolerance_change"]:
                break
        return loss

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, float, Vector]:
        """The loss, as it was returned and as a number, and the gradient."""
        with pb.enable_grad():
            loss = closure()
        params = self.param_groups[0]["params"]
        grad = [pb.zeros_like(p) if p.grad is None else p.grad.detach().clone() for p in params]
        grad = [as_real(part) if part.dtype.is_complex else part for part in grad]
        pb.compute(loss if isinstance(loss, pb.Tensor) else None, grad)
        return loss, float(loss.detach()) if isinstance(loss, pb.Tensor) else float(loss), grad

    def _states(self) -> list[State]:
        return [self.state[p] for p in self.param_groups[0]["params"]]

    def _direction(self, grad: Vector, history_size: int) -> Vector:
        """Minus the approximate inverse Hessian times the gradient; the last step is added to what it is made of."""
        states, shared = self._states(), self._states()[0]
        if "prev_flat_grad" not in shared:
            shared.update(ro=[], H_diag=1.0)
            for state in states:
                state.update(old_dirs=[], old_stps=[])
            return [-part for part in grad]
        change = [part - state["prev_flat_grad"] for part, state in zip(grad, states, strict=True)]
        step = [shared["t"] * state["d"] for state in states]
        curvature = dot(change, step)
        if curvature > 1e-10:
            if len(shared["ro"]) == history_size:
                for forgotten in (
                    shared["ro"],
                    *(state[name] for state in states for name in ("old_dirs", "old_stps")),
                ):
                    del forgotten[:1]
            shared["ro"].append(1 / curvature)
            for state, y, s in zip(states, change, step, strict=True):
                state["old_dirs"].append(y)
                state["old_stps"].append(s)
            shared["H_diag"] = curvature / dot(change, change)
        changes = [list(parts) for parts in zip(*(state["old_dirs"] for state in states), strict=True)]
        steps = [list(parts) for parts in zip(*(state["old_stps"] for state in states), strict=True)]
        past = list(zip(steps, changes, shared["ro"], strict=True))
        direction = [-part for part in grad]
        weights = []
        for s, y, rho in reversed(past):
            weights.append(rho * dot(s, direction))
            add(direction, y, -weights[-1])
        direction = [shared["H_diag"] * part for part in direction]
        for (s, y, rho), weight in zip(past, reversed(weights), strict=True):
            add(direction, s, weight - rho * dot(y, direction))
        return direction

    def _keep(self, direction: Vector, grad: Vector, **shared: float) -> None:
        """What the next direction is made of."""
        for state, d, g in zip(self._states(), direction, grad, strict=True):
            state.update(d=d, prev_flat_grad=g)
        self._states()[0].update(shared)

    def _search(
        self, closure: Callable[[], Any], start: Point, direction: Vector, t: float, group: Group, calls: int
    ) -> tuple[Point, int]:
        """Walk to the point that a line search finds; with it, how often the closure was called."""
        params = group["params"]
        origin = [p.detach().clone() for p in params]

        def go(t: float) -> None:
            for p, value in zip(params, origin, strict=True):
                p.copy_(value)
            self._walk(params, direction, t)

        def evaluate(t: float) -> Point:
            go(t)
            _, value, grad = self._evaluate(closure)
            return Point(t, value, dot(grad, direction), grad)

        tries = group["max_eval"] - calls
        point, spent = strong_wolfe(evaluate, start, t, largest(direction), group["tolerance_change"], tries)
        go(point.t)
        return point, spent

    @staticmethod
    def _walk(params: Sequence[Any], direction: Vector, t: float) -> None:
        for p, part in zip(params, direction, strict=True):
            p.add_(t * (as_complex(part) if p.dtype.is_complex else part))


def _sum(parts: list[Any]) -> float:
    """The sum of 0-d Tensors, perhaps on several devices, as a number."""
    return sum(float(part) for part in pb.compute(*parts))


def dot(x: Vector, y: Vector) -> float:
    """The inner product."""
    return _sum([pb.sum(a * b) for a, b in zip(x, y, strict=True)])


def total(x: Vector) -> float:
    """The sum of the absolute values."""
    return _sum([pb.sum(pb.abs(part)) for part in x])


def largest(x: Vector) -> float:
    """The largest absolute value."""
    return max(map(float, pb.compute(*(pb.max(pb.abs(part)) for part in x if part.size))), default=0.0)


def add(x: Vector, y: Vector, factor: float) -> None:
    """`x += factor * y`."""
    for a, b in zip(x, y, strict=True):
        a.add_(factor * b)
