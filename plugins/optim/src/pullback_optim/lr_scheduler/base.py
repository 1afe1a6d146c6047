"""LRScheduler: the learning rate as a function of time. A subclass says in a line what the rate is at step `t`."""

from __future__ import annotations

from typing import Any

from pullback.errors import ArgumentError

from pullback_optim.optimizer import Group, Optimizer


class LRScheduler:
    """Base class of the schedulers. A subclass overrides `rate`.

    When it is made, it sets the rates for step 0; each call of `step()`, after the steps of the optimiser that belong
    to it, those for the next. Schedulers that multiply the present rate can be combined on one optimiser. To resume,
    make it as before and call `load_state_dict`.

    Attributes as in PyTorch: `optimizer`, `last_epoch` (the present step), `base_lrs` (the rates before step 0). Raises
    `ArgumentError` if `optimizer` is none.

    >>> import pullback as pb, pullback_optim as optim
    >>> class Hyperbolic(optim.lr_scheduler.LRScheduler):
    ...     def rate(self, t, base, lr):
    ...         return base / (1 + t)
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = Hyperbolic(optimizer)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ArgumentError(f"{self.name}: an Optimizer is needed, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self._begin()

    @property
    def name(self) -> str:
        """The name of its class."""
        return type(self).__name__

    def rate(self, t: int, base: float, lr: float) -> float:
        """The learning rate at step `t`, from the rate before step 0 and the present one."""
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        """The rate of each group at the present step, from those of the step before."""
        pairs = zip(self.base_lrs, self.optimizer.param_groups, strict=True)
        return [self.rate(self.last_epoch, base, group["lr"]) for base, group in pairs]

    def get_last_lr(self) -> list[float]:
        """The rates that were set last, one for each group."""
        return list(self._last_lr)

    def step(self) -> None:
        """Go on to the next step, and set its rates."""
        self.last_epoch += 1
        self._set_rates()

    def restart(self) -> None:
        """Go back to step 0, from the rates before it."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        self._begin()

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers and lists: everything but the optimiser and functions."""
        return {name: value for name, value in vars(self).items() if _is_plain(value)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned. The rates themselves are part of the state of the optimiser.

        Raises `ArgumentError` if the state is one of another scheduler, and changes nothing then.
        """
        own = self.state_dict()
        if own.keys() != state_dict.keys():
            raise ArgumentError(
                f"{self.name}.load_state_dict: a state with {', '.join(own)} is needed, got {', '.join(state_dict)}"
            )
        vars(self).update(state_dict)

    def _begin(self) -> None:
        """Set the rates for step 0, from the present ones."""
        self.last_epoch = 0
        self._set_rates()

    def _set_rates(self) -> None:
        if len(self.base_lrs) != len(self.optimizer.param_groups):
            raise ArgumentError(
                f"{self.name}: the optimiser has {len(self.optimizer.param_groups)} groups of parameters, and had "
                f"{len(self.base_lrs)} when the scheduler was made; make it after the last add_param_group"
            )
        rates = self.get_lr()
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = rates


def _is_plain(value: Any) -> bool:
    """Whether JSON has it."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return isinstance(value, (int, float, str)) or value is None


def each(name: str, values: Any, optimizer: Optimizer) -> list[Any]:
    """One value for each group of parameters, from one for all or a sequence."""
    count = len(optimizer.param_groups)
    if not isinstance(values, (list, tuple)):
        return [values] * count
    if len(values) != count:
        raise ArgumentError(f"{name} has {len(values)} values for {count} groups of parameters")
    return list(values)


def positive(name: str, value: Any) -> int:
    """`value`, if it is a positive integer."""
    if isinstance(value, int) and value > 0:
        return value
    raise ArgumentError(f"{name} must be a positive integer, got {value!r}")


def momentum_of(optimizer: Optimizer, name: str) -> str:
    """The option of an optimiser that is its momentum; of `betas`, it is the first."""
    for option in ("betas", "momentum"):
        if option in optimizer.defaults:
            return option
    raise ArgumentError(f"{name}: this optimiser has no momentum; write cycle_momentum=False")


def set_momentum(group: Group, option: str, value: float) -> None:
    """Set the momentum of a group."""
    group[option] = (value, *group["betas"][1:]) if option == "betas" else value
