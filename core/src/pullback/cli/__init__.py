"""The command `pullback`: demo, backends, plugins, doctor, new, conformance.

Nothing here needs more than the standard library, and nothing that is installed can stop it: a broken plugin is a line
in a table. Exit status: 0 if all is well, 1 if something is wrong, 2 for a command line that makes no sense.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pullback.cli import demo, new, reports
from pullback.errors import PullbackError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (default: `sys.argv`) asks for, and return its exit status.

    >>> from pullback.cli import main
    >>> main(["backends", "--json"])  # doctest: +ELLIPSIS
    [...
    0
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # an error text may be in any language, a terminal in ASCII
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["conformance"]:
        return _conformance(arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # `pullback doctor | head`: whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python can flush at exit
        return 1
    except (PullbackError, OSError) as error:
        print(f"pullback {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"pullback {options.command}: interrupted", file=sys.stderr)
        return 130


def _conformance(arguments: Sequence[str]) -> int:
    """The suite is a distribution of its own, with its own options; it is imported here and nowhere else."""
    try:
        check = import_module("pullback_conformance.cli").main
    except ImportError as error:
        print(f"pullback conformance: {error}; to install the suite: pip install 'pullback[test]'", file=sys.stderr)
        return 1
    return int(check(arguments))


def _doctor(options: argparse.Namespace) -> int:
    """Here, or on a cluster: the distribution of the Dask backend knows how to ask one."""
    if options.cluster is None:
        return reports.doctor(options)
    try:
        compare = import_module("pullback_dask.parallel.versions").main
    except ImportError as error:
        print(f"pullback doctor: {error}; to ask a cluster: pip install 'pullback[dask]'", file=sys.stderr)
        return 1
    return int(compare(options.cluster, options.json))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pullback", description="Automatic differentiation for any Array API library."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.add_argument("--json", action="store_true", help="print JSON instead of text")
        command.set_defaults(run=run)
        return command

    training = add("demo", demo.run, "fit a cubic polynomial to a sine, and plot data, fit and loss")
    place = training.add_mutually_exclusive_group()
    place.add_argument("--backend", metavar="NAME", help="the backend to train on (default: the default device)")
    place.add_argument("--device", metavar="NAME", help="the device to train on, such as cpu or cuda:0")
    training.add_argument("--steps", type=_positive, default=2000, metavar="N", help="how long (default: %(default)s)")
    training.add_argument(
        "--out", type=Path, default=Path("pullback-demo.png"), metavar="FILE", help="the picture (default: %(default)s)"
    )
    add("backends", reports.backends, "list the backends: whether they can run here, where, and what they can do")
    listing = add("plugins", reports.plugins, "load and list every plugin, and say what is wrong with it")
    listing.add_argument("-v", "--verbose", action="store_true", help="show the full traceback of what failed")
    commands.add_parser("conformance", help="prove a backend or an op package right, see its own --help")
    checkup = add("doctor", _doctor, "examine the installation, and say what to do about each problem")
    checkup.add_argument(
        "--cluster", metavar="ADDRESS", help="compare the versions on a Dask cluster instead, such as tcp://host:8786"
    )
    _add_new(commands)
    return parser


def _add_new(commands: Any) -> None:
    """`pullback new op NAME` and `pullback new backend NAME`."""
    making = commands.add_parser("new", help="write a package for an op or a backend, with its tests")
    kinds = making.add_subparsers(dest="kind", metavar="KIND", required=True)
    for kind, example in {"op": "acme-swish, or acme::swish", "backend": "mylib"}.items():
        text = f"write a package for {'an op' if kind == 'op' else 'a backend'}, with tests, README and a CI file"
        command = kinds.add_parser(kind, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.add_argument("name", metavar="NAME", help=f"such as {example}")
        command.add_argument(
            "--into", type=Path, default=Path(), metavar="FOLDER", help="where to put its folder (default: here)"
        )
        if kind == "backend":
            command.add_argument(
                "--library", metavar="MODULE", help="the array library's module (default: called as the backend)"
            )
        command.add_argument("--json", action="store_true", help="print JSON instead of text")
        command.set_defaults(run=new.run)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number
