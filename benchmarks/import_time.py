"""What `import pullback` costs: the time and the modules that it adds to bare Python. `python benchmarks/import_time.py`.

Interpreters with and without the import start in turns; the difference of each pair counts, by the processor time that
the child process took. The first array, which imports the array library, is measured apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
from tempfile import TemporaryDirectory

PROGRAMS = {
    "import pullback": "import pullback",
    "and the first array": "import pullback; pullback.tensor(1.0)",
    "import numpy, to compare": "import numpy",
}
BUDGET = 0.050
"""Seconds that the import may add."""


def run(program: str, cache: str) -> bytes:
    """Run `program` in a fresh Python whose byte code is in the folder `cache`; returns what it prints."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run([sys.executable, "-c", program], check=True, env=environment, stdout=subprocess.PIPE).stdout


def started(program: str, cache: str) -> float:
    """The processor time in seconds that Python takes to start, run `program` and end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(program, cache)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def added(programs: dict[str, str], rounds: int, cache: str) -> dict[str, float]:
    """The median of what each program adds to bare Python."""
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for program in programs.values():  # the first time writes byte code
        run(program, cache)
    for _ in range(rounds):
        bare = started("pass", cache)
        for name, program in programs.items():
            taken[name].append(started(program, cache) - bare)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def modules(program: str, cache: str) -> list[str]:
    """The modules that `program` loads beyond bare Python."""

    def loaded(text: str) -> set[str]:
        listing = f"{text}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
        return set(json.loads(run(listing, cache)))

    return sorted(loaded(program) - loaded("pass"))


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 1 if the import is over its budget."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args(argv)
    with TemporaryDirectory() as cache:
        seconds = added(PROGRAMS, options.rounds, cache)
        loaded = modules("import pullback", cache)
    for name, value in seconds.items():
        print(f"{name:26} {value * 1e3:6.1f} ms")
    foreign = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names - {"pullback"}
    print(f"modules from elsewhere     {', '.join(sorted(foreign)) or 'none'}")
    return int(seconds["import pullback"] > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
