"""`pullback demo`: train a cubic polynomial to be a sine, with nothing but the gradients.

Training needs a backend only. The progress bar is drawn by rich and the picture by matplotlib, from the extra `demo`;
where one is missing, the demo says so and goes on.
"""

from __future__ import annotations

import json
import math
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pullback as pb
from pullback.plugins import backends

LEARNING_RATE = 1e-6
_INSTALL = "pip install 'pullback[demo]'"
Advance = Callable[[int, float], None]


@dataclass
class Fit:
    """y = a + b x + c x^2 + d x^3, where it was trained, and the loss on the way."""

    device: str
    coefficients: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        terms = zip(self.coefficients, ("", " x", " x^2", " x^3"), strict=True)
        text = " ".join(f"{'-' if value < 0 else '+'} {abs(value):.4f}{power}" for value, power in terms)
        return f"y = {text.removeprefix('+ ')}"


def run(options: Namespace) -> int:
    """Train, print the polynomial, and write the picture."""
    if options.backend:
        backends.backend(options.backend)  # so that its errors speak of a backend, not of a device
    device = pb.device(options.device or options.backend or pb.get_default_device())
    with _progress(options.steps) as advance:
        fit = train(device, options.steps, advance)
    picture = plot(fit, options.out)
    if options.json:
        last = fit.losses[-1]
        print(json.dumps({**vars(fit), "polynomial": str(fit), "loss": last, "picture": picture}, indent=2))
    else:
        print(f"{fit}\nloss {fit.losses[-1]:.4g} after {options.steps} steps on {fit.device} in {fit.seconds:.2f} s")
        if picture:
            print(f"picture: {picture}")
    return 0


def train(device: Any, steps: int, advance: Advance) -> Fit:
    """Gradient descent on the squared error of a cubic polynomial at 2000 points of the sine."""
    pb.manual_seed(0)
    x = pb.linspace(-math.pi, math.pi, 2000, device=device)
    y = pb.sin(x)
    weights = [pb.randn((), device=device, requires_grad=True) for _ in range(4)]
    fit = Fit(device=str(device))
    start = time.perf_counter()
    for step in range(1, steps + 1):
        a, b, c, d = weights
        loss = (a + b * x + c * x**2 + d * x**3 - y).pow(2).sum()
        loss.backward()
        with pb.no_grad():
            for weight in weights:
                weight -= LEARNING_RATE * weight.grad  # noqa: PLW2901  in place: the Tensor in the list changes
                weight.grad = None
        if step % 20 == 0 or step == steps:
            fit.steps.append(step)
            fit.losses.append(loss.item())
            advance(step, fit.losses[-1])
    fit.coefficients = [weight.item() for weight in weights]
    fit.seconds = time.perf_counter() - start
    return fit


@contextmanager
def _progress(steps: int) -> Iterator[Advance]:
    """What `train` calls as it goes on: moves a bar on standard error, if rich is there to draw it."""
    try:
        from rich.console import Console  # noqa: PLC0415  from the extra
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    except ImportError as error:
        print(f"no progress bar: {error}. To see one: {_INSTALL}", file=sys.stderr)
        yield lambda step, loss: None
        return
    columns = ("step {task.completed}/{task.total}", BarColumn(), "loss {task.fields[loss]:.4g}", TimeRemainingColumn())
    with Progress(*(TextColumn(c) if isinstance(c, str) else c for c in columns), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=steps, loss=math.nan)
        yield lambda step, loss: bar.update(task, completed=step, loss=loss)


def plot(fit: Fit, path: Path) -> str | None:
    """Write data, fit and loss curve to `path`; its name, or None if matplotlib cannot be used. `OSError` if `path`
    cannot be written."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  from the extra
    except Exception as error:  # noqa: BLE001  compiled against another NumPy, it fails in ways of its own
        print(f"no picture: {type(error).__name__}: {error}. To get one: {_INSTALL}", file=sys.stderr)
        return None
    x = [math.pi * (2 * i / 400 - 1) for i in range(401)]
    a, b, c, d = fit.coefficients
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(x, [math.sin(v) for v in x], label="sin x", linewidth=3, alpha=0.5)
    left.plot(x, [a + b * v + c * v**2 + d * v**3 for v in x], "--", label="fit")
    left.set(title=str(fit), xlabel="x", ylabel="y")
    left.legend()
    right.semilogy(fit.steps, fit.losses)
    right.set(title=f"squared error, on {fit.device}", xlabel="step", ylabel="loss")
    figure.savefig(path)
    return str(path)
