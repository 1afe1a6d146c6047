"""Run every example, one after the other; the exit status is 1 if one fails."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
SHORT = {
    "first_gradient": "",
    "chain_rule": "",
    "tracking": "",
    "linear_fit": "--steps 5",
    "sine_fit": "--steps 20",
    "legendre_fit": "--steps 20",
    "two_layer_net": "--steps 10",
    "custom_relu": "--steps 10",
    "logistic_regression": "--steps 5",
    "scipy_and_sklearn": "--steps 10",
    "scipy_minimize": "--variables 4",
    "gaussian_process": "--steps 40",
    "physics_informed": "--steps 10",
    "neural_ode": "--steps 10",
    "digits --net mlp": "--steps 40",
    "digits --net conv": "--steps 20",
}
"""The examples, and the options of their short form. Those that have none compute one thing, and draw nothing."""


def command(name: str, *, short: bool = False, backend: str | None = None, plots: Path | None = None) -> list[str]:
    """The command line that runs an example."""
    script, *rest = name.split()
    words = [sys.executable, str(HERE / f"{script}.py"), *rest]
    if backend is not None:
        words += ["--backend", backend]
    if SHORT[name]:
        if short:
            words += SHORT[name].split()
        if plots is not None:
            words += ["--plot", str(plots / f"{name.replace(' --net ', '_')}.png")]
    return words


def main(argv: list[str] | None = None) -> int:
    """Run them and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few steps of each, to see that they run")
    parser.add_argument("--backend", metavar="NAME", help="numpy, strict, strict:device1, cuda:0, ...")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw the pictures into this folder")
    options = parser.parse_args(argv)
    if options.plots is not None:
        options.plots.mkdir(parents=True, exist_ok=True)

    failed = []
    for name in SHORT:
        start = time.perf_counter()
        words = command(name, short=options.short, backend=options.backend, plots=options.plots)
        result = subprocess.run(words, capture_output=True, text=True, check=False)
        state = "ok" if result.returncode == 0 else "FAILED"
        print(f"{name:22} {state:6} {time.perf_counter() - start:6.1f} s", flush=True)
        if result.returncode != 0:
            failed.append(name)
            print(result.stdout + result.stderr, file=sys.stderr)
    print(
        f"{len(SHORT) - len(failed)} of {len(SHORT)} examples ran"
        + (f"; failed: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
