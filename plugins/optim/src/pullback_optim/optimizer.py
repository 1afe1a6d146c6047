"""Optimizer: parameters in groups, the state of each, and a step. A subclass says how one parameter is updated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from numbers import Real
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, AutogradError, ShapeError
from pullback.extend import Backend

Group = dict[str, Any]
State = dict[str, Any]


class Optimizer:
    """Base class of the optimisers. A subclass overrides `update`, and `check` for the options of a group.

    `params` is an iterable of leaf Tensors, or of dicts with one under "params" beside the options of that group.
    Attributes as in PyTorch: `param_groups`, `state` (a dict for each parameter), `defaults`. Raises `ArgumentError` for
    what is no Tensor, for a parameter that is given twice and for an option that `check` refuses, `AutogradError` for
    a Tensor that is no leaf.

    >>> import pullback as pb, pullback_optim as optim
    >>> class SignDescent(optim.Optimizer):
    ...     def __init__(self, params, lr):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     def update(self, p, grad, state, group):
    ...         p -= group["lr"] * pb.sign(grad)
    >>> w = pb.tensor([1.0, -1.0], requires_grad=True)
    >>> optimizer = SignDescent([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.7500, -0.7500], requires_grad=True)
    """

    linear = False
    """Whether `update` may be given complex Tensors as they are; otherwise it gets pairs of real and imaginary parts."""

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, pb.Tensor):
            raise ArgumentError(
                f"{self._name}: params must be an iterable of Tensors, got a single one; write [tensor]"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, State] = defaultdict(dict)
        self.param_groups: list[Group] = []
        given = list(params)
        if not given:
            raise ArgumentError(f"{self._name}: no parameters were given")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    @property
    def _name(self) -> str:
        return type(self).__name__

    # --- what a subclass says ----------------------------------------------------------------------------------------

    def update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        """Write into `p`, a parameter, what follows from its gradient. Nothing is recorded here, `grad` is only read.

        `state` is a dict of this parameter, empty at first; Tensors, numbers and lists of them may be kept in it. `group`
        has the options. No value of a Tensor may be looked at, so that lazy backends need not compute it.
        """
        raise NotImplementedError

    def check(self, group: Group) -> None:
        """Raise `ArgumentError` if an option of the group is none. The numbers that most have are checked here."""
        for name in ("lr", "weight_decay", "momentum", "eps", "lr_decay", "initial_accumulator_value"):
            if name in group:
                self.demand(group, name, is_number(group[name]) and group[name] >= 0, "a number >= 0")
        if "betas" in group:
            betas = group["betas"]
            pair = isinstance(betas, (tuple, list)) and len(betas) == 2
            self.demand(
                group, "betas", pair and all(is_number(b) and 0 <= b < 1 for b in betas), "two numbers in [0, 1)"
            )

    def demand(self, group: Group, name: str, good: bool, wanted: str) -> None:
        """Refuse the option `name` of a group unless it is good."""
        if not good:
            raise ArgumentError(f"{self._name}: {name} must be {wanted}, got {group[name]!r}")

    # --- what a user calls -------------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; returns the loss if a closure is given that computes it.

        `closure()` is called first, with recording on: it clears the gradients, calls `backward()` and returns the loss.
        Parameters on a lazy backend, their state and that loss are computed by the end of the step, in one go; if that
        fails, the step has not happened.
        """
        loss = None
        if closure is not None:
            with pb.enable_grad():
                loss = closure()
        work = list(self._work())
        with pb.no_grad():
            if any(is_lazy(p.device.backend) for p, _, _ in work):
                with self._undone_on_failure(p for p, _, _ in work):
                    self._update_all(work)
                    pb.compute(
                        loss if isinstance(loss, pb.Tensor) else None,
                        [[p, _tensors(self.state[p])] for p, _, _ in work],
                    )
            else:
                self._update_all(work)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or make them zeros.

        >>> import pullback as pb, pullback_optim as optim
        >>> w = pb.tensor([1.0], requires_grad=True)
        >>> optimizer = optim.SGD([w])
        >>> w.sum().backward()
        >>> optimizer.zero_grad()
        >>> w.grad is None
        True
        """
        for p in self._parameters():
            if p.grad is not None:
                p.grad = None if set_to_none else pb.zeros_like(p.grad.detach())

    def add_param_group(self, param_group: Group) -> None:
        """Optimise more parameters: a dict with "params" and with the options that differ from the defaults.

        >>> import pullback as pb, pullback_optim as optim
        >>> body, head = pb.zeros(2, requires_grad=True), pb.zeros(2, requires_grad=True)
        >>> optimizer = optim.SGD([body], lr=0.1)
        >>> optimizer.add_param_group({"params": [head], "lr": 1.0})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 1.0]
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise ArgumentError(f"{self._name}: a param group is a dict with the key 'params', got {param_group!r}")
        params = param_group["params"]
        if isinstance(params, (set, frozenset)):
            raise ArgumentError(f"{self._name}: a set has no order, and the saved state goes by it; write a list")
        params = [params] if isinstance(params, pb.Tensor) else list(params)
        known = {id(p) for p in self._parameters()}
        for p in params:
            if not isinstance(p, pb.Tensor):
                raise ArgumentError(f"{self._name}: parameters are Tensors, got {type(p).__name__}")
            if not (p.is_leaf or p.retains_grad):
                raise AutogradError(f"{self._name}: a parameter must be a leaf, not the result of {p.grad_fn.name()}")
            if id(p) in known:
                raise ArgumentError(f"{self._name}: a parameter of shape {p.shape} was given twice")
            known.add(id(p))
        group = {**self.defaults, **param_group, "params": params}
        self.check(group)
        self.param_groups.append(group)

    def state_dict(self) -> dict[str, Any]:
        """The state and the options, in PyTorch's layout: parameters are numbered in the order of the groups.

        The Tensors in it are those of the optimiser, not copies.

        >>> import pullback as pb, pullback_optim as optim
        >>> optimizer = optim.SGD([pb.zeros(2, requires_grad=True)], lr=0.1)
        >>> optimizer.state_dict()["param_groups"][0]["params"]
        [0]
        """
        number = {id(p): n for n, p in enumerate(self._parameters())}
        groups = [{**group, "params": [number[id(p)] for p in group["params"]]} for group in self.param_groups]
        return {"state": {number[id(p)]: dict(s) for p, s in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned: copied, and brought to dtype and device of the parameters.

        Raises `ArgumentError` if the groups are not as many and as large, and changes nothing then.

        >>> import pullback as pb, pullback_optim as optim
        >>> w = pb.zeros(2, requires_grad=True)
        >>> saved = optim.SGD([w], lr=0.1).state_dict()
        >>> optimizer = optim.SGD([w], lr=0.5)
        >>> optimizer.load_state_dict(saved)
        >>> optimizer.param_groups[0]["lr"]
        0.1
        """
        saved = state_dict["param_groups"]
        lengths = [[len(group["params"]) for group in groups] for groups in (saved, self.param_groups)]
        if lengths[0] != lengths[1]:
            raise ArgumentError(
                f"{self._name}.load_state_dict: the saved groups have {lengths[0]} parameters, these {lengths[1]}"
            )
        pairs = zip(saved, self.param_groups, strict=True)
        groups = [{**self.defaults, **old, "params": new["params"]} for old, new in pairs]
        for group in groups:
            self.check(group)
        names = [n for group in saved for n in group["params"]]
        numbered = dict(zip(names, self._parameters(), strict=True))
        strangers = [n for n in state_dict["state"] if n not in numbered]
        if strangers:
            raise ArgumentError(f"{self._name}.load_state_dict: no group has the parameters {strangers}")
        with pb.no_grad():
            state = {
                numbered[n]: {name: _like(value, numbered[n], name) for name, value in values.items()}
                for n, values in state_dict["state"].items()
            }
        self.param_groups = groups
        self.state = defaultdict(dict, state)

    def __repr__(self) -> str:
        lines = [f"{self._name} ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])

    # --- inside ------------------------------------------------------------------------------------------------------

    def _parameters(self) -> Iterator[Any]:
        for group in self.param_groups:
            yield from group["params"]

    def _work(self) -> Iterator[tuple[Any, Any, Group]]:
        """Each parameter that has a gradient, with it and its group."""
        for group in self.param_groups:
            for p in group["params"]:
                grad = p.grad
                if grad is not None:
                    if grad.shape != p.shape:
                        raise ShapeError(
                            f"{self._name}.step: a parameter of shape {p.shape} has a grad of {grad.shape}"
                        )
                    yield p, grad, group

    def _update_all(self, work: Iterable[tuple[Any, Any, Group]]) -> None:
        for p, grad, group in work:
            if p.dtype.is_complex and not self.linear:
                self._update_parts(p, grad, self.state[p], group)
            else:
                self.update(p, grad, self.state[p], group)

    def _update_parts(self, p: Any, grad: Any, state: State, group: Group) -> None:
        """Update a complex parameter as the pairs of its real and imaginary parts, as PyTorch does."""
        pairs = as_real(p)
        own = {name: as_real(value) if isinstance(value, pb.Tensor) else value for name, value in state.items()}
        self.update(pairs, as_real(grad), own, group)
        for name, value in own.items():
            state[name] = as_complex(value) if isinstance(value, pb.Tensor) else value
        p.copy_(as_complex(pairs))

    @contextmanager
    def _undone_on_failure(self, params: Iterable[Any]) -> Iterator[None]:
        """What was only written down and then failed to be computed must not be applied again by the next step."""
        states = {p: dict(self.state[p]) for p in params}
        before = [(x, x.clone()) for p, state in states.items() for x in (p, *_tensors(state))]
        try:
            yield
        except BaseException:
            for x, value in before:
                x.copy_(value)
            self.state.update(states)
            raise


@cache
def is_lazy(backend: Backend) -> bool:
    """Whether a backend computes only when it is asked to."""
    return backend.capabilities.lazy


def is_number(value: object) -> bool:
    """Whether an option is a real number of Python; a Tensor would have to be computed to be looked at."""
    return isinstance(value, Real) and not isinstance(value, bool)


def as_real(x: Any) -> Any:
    """The real and imaginary parts of a complex Tensor along a new last axis."""
    return pb.stack([x.real, x.imag], axis=-1)


def as_complex(pairs: Any) -> Any:
    """The complex Tensor of such pairs."""
    return pairs[..., 0] + 1j * pairs[..., 1]


def _tensors(state: Any) -> list[Any]:
    """The Tensors in a state."""
    if isinstance(state, pb.Tensor):
        return [state]
    items = state.values() if isinstance(state, dict) else state if isinstance(state, (list, tuple)) else ()
    return [x for item in items for x in _tensors(item)]


def _like(value: Any, p: Any, name: str) -> Any:
    """A saved value as part of the state of `p`. A count of steps, a Tensor in PyTorch, is an integer here."""
    if name == "step":
        return int(value)
    if isinstance(value, pb.Tensor):
        return value.detach().to(p.device, p.dtype if value.dtype.kind == p.dtype.kind else value.dtype).clone()
    if isinstance(value, (list, tuple)):
        return type(value)(_like(item, p, "") for item in value)
    return value
