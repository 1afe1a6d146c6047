"""One process that measures one workload with one peer: `python worker.py WORKLOAD PEER SECONDS`.

It prepares, warms up, and then takes one sample for each line that it reads. It answers in lines of JSON: for each
quantity its value, and for times two of them, seconds per unit by the clock on the wall and by the processor time of this
process. The latter leaves out the time that other processes took.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peers

Sample = dict[str, list[float]]


def timed(function: Callable[[], Any], times: int = 1) -> tuple[list[float], Any]:
    """How long calling `function` so many times took, by both clocks, and the last result."""
    result = None
    process, wall = time.process_time(), time.perf_counter()
    for _ in range(times):
        result = function()
    return [time.perf_counter() - wall, time.process_time() - process], result


def steps(step: Callable[[], Any], seconds: float, units: int) -> Iterator[Sample]:
    """Samples of about `seconds` each, of the same step again and again."""
    times = 1
    while min(timed(step, times)[0][0] for _ in range(3)) < seconds / 2:  # the first calls import and compile
        times *= 2
    while True:
        gc.collect()
        taken, _ = timed(step, times)
        yield {"time": [t / (times * units) for t in taken]}


def phases(build: Callable[[], Any], differentiate: Callable[[Any], Any], units: int) -> Iterator[Sample]:
    """Samples of a graph being made, dropped, made again and differentiated; and of the memory that it takes."""
    memory = 0.0
    while True:
        gc.collect()
        before = resident()
        forward, graph = timed(build)
        memory = max(memory, resident() - before)  # most in a fresh process: later ones have free memory to use
        held = [graph]
        del graph
        drop, _ = timed(held.clear)
        graph = build()
        backward, _ = timed(lambda graph=graph: differentiate(graph))
        del graph
        times = {"forward": forward, "backward": backward, "drop": drop}
        yield {name: [t / units for t in taken] for name, taken in times.items()} | {"memory": [memory / units]}


def resident() -> int:
    """The memory of this process, in bytes; 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def samples(workload: str, peer: str, seconds: float) -> Iterator[Sample]:
    """The samples of a workload with a peer."""
    module = importlib.import_module(f"workloads.{workload}")
    made = getattr(module, f"with_{peer}")()
    if getattr(module, "PHASES", False):
        return phases(*made, module.COUNTS.get(peer, module.COUNT))
    return steps(made, seconds, module.COUNT)


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints goes elsewhere
    workload, peer, seconds = sys.argv[1:]
    peers.prepare(peer)
    taken = samples(workload, peer, float(seconds))
    for _ in sys.stdin:
        print(json.dumps(next(taken)), file=answers, flush=True)


if __name__ == "__main__":
    main()
