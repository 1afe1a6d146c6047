"""Processes that are killed while they save: helpers of test_replacing.py and test_training.py.

A process that has imported everything forks a child for each run, so that a run costs milliseconds; the child knows
nothing but the file. Used as `python killed.py saves DIRECTORY` and `python killed.py trains PATH SEED KILLS`; results are
printed as JSON. `python killed.py whole PATH STEPS` trains without interruption.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pullback as pb
import pullback_optim as optim
from pullback_safetensors import load_file, load_training, save_file, save_training


def forked(run: Callable[[], None]) -> int:
    """Start `run()` in a child; returns its process id."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # whoever was to kill it may be gone
        try:
            run()
            os._exit(0)
        except BaseException:  # noqa: BLE001  a child of a fork must not return
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    return child


def ended(child: int) -> str:
    """How a child ended: "killed", "done" or "failed"."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed" if os.WTERMSIG(status) == signal.SIGKILL else "failed"
    return "done" if os.WEXITSTATUS(status) == 0 else "failed"


# --- killed at every point of a save ---------------------------------------------------------------------------------


def kill_at(point: int, after: bool) -> list[str]:
    """Have this process killed before or after the call number `point` that reaches the file system; the calls so far."""
    calls: list[str] = []

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) == point and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*args, **options)
            if len(calls) == point:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapper

    class Watched:
        """A file whose writes count; half of the first bytes of each is on the disk when it is killed there."""

        def __init__(self, file: Any) -> None:
            self.file = file
            self.write = counted("write", self._write)

        def _write(self, data: Any) -> int:
            view = memoryview(data)
            half = len(view) // 2
            self.file.write(view[:half])
            self.file.flush()
            return half + int(self.file.write(view[half:]))

        def __enter__(self) -> Watched:
            self.file.__enter__()
            return self

        def __exit__(self, *exc_info: Any) -> Any:
            return self.file.__exit__(*exc_info)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    fdopen = os.fdopen
    os.fdopen = lambda *args, **options: Watched(fdopen(*args, **options))  # type: ignore[assignment]
    for name in ("open", "fsync", "replace", "close"):
        setattr(os, name, counted(name, getattr(os, name)))
    return calls


def saves(directory: Path) -> None:
    """Replace a file and be killed, at every point in turn; print what was there afterwards, each time."""
    path = directory / "weights.safetensors"
    old, new = ({"w": pb.full((300,), value), "b": pb.full((3,), value)} for value in (1.0, 2.0))
    found = []
    for point in range(1, 100):
        for after in (False, True):
            save_file(old, path)
            litter_before = len(list(directory.iterdir())) - 1

            def run(point: int = point, after: bool = after) -> None:
                kill_at(point, after)
                save_file(new, path)

            how = ended(forked(run))
            values = {value for tensor in load_file(path).values() for value in tensor.tolist()}
            litter = len(list(directory.iterdir())) - 1
            found.append({"point": point, "after": after, "how": how, "values": sorted(values), "litter": litter})
            assert litter_before == 0
        if how == "done":
            break
    save_file(new, path)
    print(json.dumps({"runs": found, "left": sorted(entry.name for entry in directory.iterdir())}))


# --- a training that is killed and goes on ---------------------------------------------------------------------------


class Training:
    """A net with dropout, on batches that are drawn: all that a resumed training must get right."""

    def __init__(self) -> None:
        draw = pb.Generator(1)
        shapes = {"w1": (4, 16), "b1": (16,), "w2": (16, 1)}
        self.weights = {name: pb.randn(*shape, generator=draw).requires_grad_() for name, shape in shapes.items()}
        self.optimizer = optim.SGD(self.weights.values(), lr=0.01, momentum=0.9, nesterov=True)
        warm = optim.lr_scheduler.LinearLR(self.optimizer, 0.1, total_iters=10)
        cosine = optim.lr_scheduler.CosineAnnealingWarmRestarts(self.optimizer, 7)
        self.scheduler = optim.lr_scheduler.SequentialLR(self.optimizer, [warm, cosine], [10])
        self.average = optim.ExponentialMovingAverage(self.weights.values(), decay=0.9)
        self.generator = pb.Generator(2)
        self.step = 0
        self.loss = float("inf")

    def parts(self) -> dict[str, Any]:
        return {
            "weights": self.weights,
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "average": self.average,
            "generator": self.generator,
        }

    def advance(self) -> None:
        w = self.weights
        x = pb.rand(8, 4, generator=self.generator)
        kept = pb.rand(8, 16, generator=self.generator) > 0.3
        hidden = pb.where(kept, pb.tanh(x @ w["w1"] + w["b1"]), 0.0) / 0.7
        loss = ((hidden @ w["w2"] - pb.sin(x).sum(axis=1, keepdims=True)) ** 2).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.average.update()
        self.step += 1
        self.loss = loss.item()

    def save(self, path: Path) -> None:
        save_training(path, **self.parts(), step=self.step, loss=self.loss)

    def load(self, path: Path) -> None:
        data = load_training(path, **self.parts())
        self.step, self.loss = data["step"], data["loss"]


def train(path: Path, until: int) -> None:
    """Go on from the file if it is there, and save after each step."""
    training = Training()
    if path.exists():
        training.load(path)
    while training.step < until:
        training.advance()
        training.save(path)


def trains(path: Path, seed: int, kills: int) -> None:
    """Kill a training again and again, then let it end a few steps later; print how it went."""
    Training().advance()  # everything is imported before the first child
    draw = random.Random(seed)
    steps, litter = [], 0
    while len(steps) < kills:
        child = forked(lambda: train(path, 10**9))
        time.sleep(draw.uniform(0.0, 0.2))
        os.kill(child, signal.SIGKILL)
        assert ended(child) == "killed"
        litter += len(list(path.parent.iterdir())) - path.exists()
        steps.append(load_training(path)["step"] if path.exists() else 0)
    until = steps[-1] + 5
    assert ended(forked(lambda: train(path, until))) == "done"
    print(json.dumps({"steps": steps, "until": until, "litter": litter}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["saves", directory]:
            saves(Path(directory))
        case ["trains", path, seed, kills]:
            trains(Path(path), int(seed), int(kills))
        case ["whole", path, steps]:
            whole = Training()
            for _ in range(int(steps)):
                whole.advance()
            whole.save(Path(path))
