"""What the examples share: options, a progress bar, a picture. Nothing about differentiation."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pullback as pb
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def parser(description: str, *, steps: int | None = None, plot: bool = False) -> argparse.ArgumentParser:
    """The options of an example. `--backend` takes effect when it is read."""
    made = argparse.ArgumentParser(description=description.partition("\n")[0])
    made.add_argument(
        "--backend",
        type=_backend,
        metavar="NAME",
        help="a backend or one of its devices: numpy, strict, strict:device1, cuda:0, ...",
    )
    if steps is not None:
        made.add_argument(
            "--steps", type=int, default=steps, metavar="N", help="how long to train (default: %(default)s)"
        )
    if plot:
        made.add_argument("--plot", type=Path, metavar="FILE", help="draw a picture: a .png, .svg or .pdf file")
    return made


def _backend(name: str) -> str:
    try:
        pb.set_default_device(name)
    except pb.errors.PullbackError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return name


def track(steps: int) -> Iterator[int]:
    """`range(steps)` with a progress bar on a terminal; what the loop prints appears above it."""
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield from progress.track(range(steps), description="training")


def one_thread() -> AbstractContextManager[None]:
    """Inside, NumPy multiplies on one thread: with matrices as small as these, several mostly wait for each other."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  comes with scikit-learn, which few examples need

    return threadpool_limits(1)


def expect(reached: bool, goal: str) -> None:
    """End the program with an error if it did not get where it should."""
    if not reached:
        raise SystemExit(f"did not get there: {goal}")


@contextmanager
def picture(path: Path, panels: int = 1) -> Iterator[list[Axes]]:
    """The panels of a picture, side by side; inside they are drawn, and then written to `path`."""
    from matplotlib.figure import Figure  # noqa: PLC0415  only for those who want a picture

    figure = Figure(figsize=(5 * panels, 4), layout="constrained")
    yield list(figure.subplots(1, panels, squeeze=False).flat)
    figure.savefig(path, dpi=120)
    print(f"wrote {path}")


def draw(path: Path | None, losses: Sequence[float], x: pb.Tensor | None = None, **curves: pb.Tensor) -> None:
    """Write a picture of the losses to `path`, if there is one; and of curves over `x`, named by their keywords."""
    if path is None:
        return
    with picture(path, 1 + bool(curves)) as (*left, right):
        draw_losses(right, losses)
        for axes in left:
            for name, curve in curves.items():
                axes.plot(x.tolist(), curve.tolist(), marker="o" if curve.size < 20 else None, label=name)
            axes.set(xlabel="x")
            axes.legend()


def draw_losses(axes: Axes, losses: Sequence[float]) -> None:
    """The loss over the steps, in powers of ten."""
    axes.plot(losses)
    axes.set(xlabel="step", ylabel="loss", yscale="log")
