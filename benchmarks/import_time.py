"""What `import pullback` adds to the start of a bare Python: the two run in turn, and the median difference counts."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

BUDGET_MS = 50.0


def start(program: str) -> float:
    """The milliseconds that an interpreter takes to run a program, byte code cached."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    return (time.perf_counter() - before) * 1000


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status is 1 above the budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50, metavar="N", help="pairs of runs (default: %(default)s)")
    runs = parser.parse_args(argv).runs
    start("import pullback")
    pairs = [(start("pass"), start("import pullback")) for _ in range(runs)]
    bare = statistics.median(bare for bare, _ in pairs)
    added = statistics.median(both - bare for bare, both in pairs)
    print(f"bare Python {bare:.1f} ms, import pullback adds {added:.1f} ms (budget {BUDGET_MS:.0f} ms, {runs} pairs)")
    return 0 if added <= BUDGET_MS else 1


if __name__ == "__main__":
    sys.exit(main())
