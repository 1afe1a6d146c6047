"""What plugins cost: the first look at what is installed, each look after it, an op call. `python benchmarks/discovery.py`.

Measured among many made-up distributions beside the real ones. That an op call asks nothing of plugins is counted, not
timed: the functions of `pullback.plugins` that are called while ops run.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pullback as pb
from pullback.extend import find_op
from pullback.plugins import discovery

BUDGET = 1e-3
"""Seconds that a look may take after the first one."""
MODULE = """
from pullback.extend import hookimpl, op

@op.elementwise(x=lambda xp, t, x: t * xp.cos(x))
def sine(xp, x):
    return xp.sin(x)

@hookimpl
def pullback_register_ops(register):
    register(sine)
"""


def install(folder: Path, number: int) -> None:
    """A distribution with a plugin of ops, as an installer would leave it."""
    name = f"made_up_{number}"
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{discovery.OPS}]\n{name} = {name}\n")
    (folder / f"{name}.py").write_text(MODULE)


def seconds(function: Callable[[], Any], *, rounds: int, calls: int) -> float:
    """The median over rounds of the processor time of one call."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(calls):
            function()
        times.append((time.process_time() - start) / calls)
    return statistics.median(times)


def questions(function: Callable[[], Any]) -> int:
    """How many functions of `pullback.plugins` run inside of a call."""
    count = 0

    def watch(frame: Any, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call" and frame.f_globals.get("__name__", "").startswith("pullback.plugins")

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 1 if a later look is over its budget, or an op call asks about plugins."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--plugins", type=int, default=100, help="how many to make up (default: %(default)s)")
    options = parser.parse_args(argv)

    with TemporaryDirectory() as folder:
        for number in range(options.plugins):
            install(Path(folder), number)
        sys.path.insert(0, folder)
        discovery.refresh()
        start = time.process_time()
        found = discovery.plugins()
        first = time.process_time() - start
        find_op("made_up_0::sine")

        looks = {
            "the list of plugins, again": seconds(discovery.plugins, rounds=options.rounds, calls=100),
            "an op by its name": seconds(lambda: find_op("made_up_0::sine"), rounds=options.rounds, calls=1000),
            "pb.ops.made_up_0.sine": seconds(lambda: pb.ops.made_up_0.sine, rounds=options.rounds, calls=10000),
        }
        x = pb.tensor(0.5)
        sine = pb.ops.made_up_0.sine
        sine(x)
        op_calls = {
            "pb.ops.made_up_0.sine(x)": seconds(lambda: pb.ops.made_up_0.sine(x), rounds=options.rounds, calls=5000),
            "the same, kept in a name": seconds(lambda: sine(x), rounds=options.rounds, calls=5000),
            "pb.sin(x)": seconds(lambda: pb.sin(x), rounds=options.rounds, calls=5000),
        }
        asked = questions(lambda: [pb.ops.made_up_0.sine(x) for _ in range(1000)])
        sys.path.remove(folder)
        discovery.refresh()

    print(f"{'first look, ' + str(len(found)) + ' plugins':28} {first * 1e3:8.1f} ms")
    for name, value in looks.items():
        print(f"{name:28} {value * 1e6:8.2f} us")
    for name, value in op_calls.items():
        print(f"{name:28} {value * 1e6:8.2f} us")
    print(f"questions about plugins in 1000 op calls: {asked}")
    return int(max(looks.values()) > BUDGET or asked > 0)


if __name__ == "__main__":
    sys.exit(main())
