"""One training problem for pullback and for PyTorch, and the configurations that both are run with.

A configuration is plain data: an optimiser with its options, perhaps a scheduler with its own, how the parameters are
grouped, and whether one of them is complex. Functions are named, schedulers inside schedulers are pairs too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

STEPS = 20
KEPT = (1, 5, 20)
"""The steps after which the parameters are compared."""
LAMBDAS: dict[str, Callable[[int], float]] = {
    "hyperbolic": lambda t: 1 / (1 + t),
    "slower": lambda t: 0.9 + 0.01 * t,
}
REAL = {"w": [0.5, -1.25, 2.0], "m": [[1.0, -0.5], [0.25, 1.5]], "s": 0.75, "idle": [1.0, 2.0]}
COMPLEX = {"z": [0.5 - 1j, -0.25 + 0.5j]}


def loss(xp: Any, params: dict[str, Any]) -> Any:
    """Smooth, bounded from below, not convex, and different along every parameter; `idle` has no part in it."""
    w, m, s = params["w"], params["m"], params["s"]
    total = xp.sum(w * w) * (2 + xp.sin(s)) / 2 + xp.sum(m * m + xp.cos(m) + (m @ m) / 8) + 2 * s * s + xp.cos(w[0] + s)
    if "z" in params:
        z = params["z"]
        total = total + xp.sum(xp.real(z * xp.conj(z)) * (2 + xp.cos(s)) + xp.cos(xp.imag(z)))
    return total


def start(config: dict[str, Any], make: Callable[[Any], Any]) -> dict[str, Any]:
    """The parameters, made by `make` from numbers."""
    return {name: make(value) for name, value in (REAL | COMPLEX if config["complex"] else REAL).items()}


def grouped(config: dict[str, Any], params: dict[str, Any]) -> Any:
    """What the optimiser is given."""
    if not config["groups"]:
        return list(params.values())
    first, *rest = params.values()
    return [{"params": rest}, {"params": [first], **config["groups"]}]


def build_scheduler(module: Any, optimizer: Any, name: str, options: dict[str, Any]) -> Any:
    """A scheduler of `module` from its description."""
    options = dict(options)
    for function in {"lr_lambda", "scale_fn"} & options.keys():
        options[function] = LAMBDAS[options[function]]
    if "schedulers" in options:
        options["schedulers"] = [build_scheduler(module, optimizer, *inner) for inner in options["schedulers"]]
        if name == "ChainedScheduler":
            return module.ChainedScheduler(**options)
    return getattr(module, name)(optimizer, **options)


def run(
    config: dict[str, Any], params: dict[str, Any], optim: Any, schedulers: Any, xp: Any, flat: Any, steps: int = STEPS
) -> dict[str, Any]:
    """Train; returns the rates at each step, and the parameters, as `flat` lists them, after the steps that are kept."""
    options = {k: tuple(v) if k == "betas" else v for k, v in config["options"].items()}
    optimizer = getattr(optim, config["optimizer"])(grouped(config, params), **options)
    scheduler = build_scheduler(schedulers, optimizer, *config["scheduler"]) if config["scheduler"] else None

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss(xp, params)
        value.backward()
        return value

    rates, kept = [], {}
    for step in range(1, steps + 1):
        rates.append([group["lr"] for group in optimizer.param_groups])
        value = optimizer.step(closure)
        if config["scheduler"]:
            scheduler.step(*([value.detach()] if config["scheduler"][0] == "ReduceLROnPlateau" else []))
        if step in KEPT:
            kept[str(step)] = flat(params)
    return {"rates": rates, "params": kept}
