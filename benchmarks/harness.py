"""Runs the workers of one workload in turns, A B C A B C ..., so that a noisy machine is noisy for all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import peers

HERE = Path(__file__).parent


class Worker:
    """A process that measures one workload with one peer."""

    def __init__(self, workload: str, peer: str, seconds: float) -> None:
        self.peer = peer
        self.errors = TemporaryFile("w+")  # noqa: SIM115  closed in stop()
        self.process = subprocess.Popen(
            [sys.executable, "worker.py", workload, peer, str(seconds)],
            cwd=HERE,
            env={**os.environ, **peers.ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def sample(self) -> dict[str, list[float]]:
        """The next sample; `RuntimeError` with what the process said last if there is none."""
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.process.wait()
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines()
            raise RuntimeError(f"{self.peer}: {said[-1] if said else f'exit status {self.process.returncode}'}")
        return json.loads(line)

    def stop(self) -> None:
        """End the process."""
        with suppress(BrokenPipeError):  # what it did not read, if it ended by itself
            self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()


def measure(
    workload: str,
    chosen: Sequence[str],
    *,
    rounds: int,
    seconds: float,
    progress: Callable[[], Any] = lambda: None,
) -> tuple[dict[str, list[dict[str, list[float]]]], dict[str, str]]:
    """The samples of each peer, one per round, and for each peer that failed the reason."""
    taken: dict[str, list[dict[str, list[float]]]] = {}
    failed: dict[str, str] = {}
    with ExitStack() as stack:
        workers = {}
        for peer in chosen:
            if peers.has(workload, peer):
                workers[peer] = Worker(workload, peer, seconds)
                stack.callback(workers[peer].stop)
        for number in range(rounds + 1):
            for peer, worker in list(workers.items()):
                try:
                    sample = worker.sample()
                except RuntimeError as error:
                    failed[peer] = str(error)
                    taken.pop(peer, None)
                    del workers[peer]
                    continue
                if number == 0:
                    taken[peer] = []  # the first round warms up
                else:
                    taken[peer].append(sample)
            progress()
    return taken, failed
