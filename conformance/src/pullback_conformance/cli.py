"""The command line: `pullback conformance` and `python -m pullback_conformance` are the same.

Exit status: 0 if every cell is as claimed, 1 if not, 2 for a command line that makes no sense. A backend that is installed
but cannot run here ends with 0 and says NOT-RUN with the driver's own reason; with --require it ends with 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pullback.errors import PullbackError

from pullback_conformance import replay, specs
from pullback_conformance.cells import ENGINE, LEVELS, Cell, State
from pullback_conformance.progress import Progress
from pullback_conformance.report import json, outputs
from pullback_conformance.session import Outcome, Session, prepare, run

SHOWN = 20


def parser(add_to: Any = None) -> argparse.ArgumentParser:
    """The options; of a parser of their own, or of one that is given."""
    made = add_to or argparse.ArgumentParser(
        prog="pullback conformance", description="Prove a backend or an op package right: values, derivatives, engine."
    )
    add = made.add_argument
    add("--backend", default="numpy", metavar="NAME", help="the backend to check (default: %(default)s)")
    add("--device", action="append", default=[], metavar="NAME", help="only this device of it; may be repeated")
    add(
        "--plugin",
        action="append",
        default=[],
        metavar="NAME",
        help="check the ops of this plugin instead of the standard's",
    )
    add(
        "--level",
        default="L4",
        choices=[*LEVELS, "full"],
        help="L0 values, L1 vjp, L2 jvp and double, L3 edges, L4 robustness",
    )
    add(
        "--op",
        action="append",
        default=[],
        metavar="NAME",
        help="only this op ('engine' is the battery); may be repeated",
    )
    add("--check", action="append", default=[], metavar="ID", help="only checks whose id begins so; may be repeated")
    add("--sample", type=int, default=1, metavar="N", help="only every N-th sample of an op: a quick subset")
    add("--seed", type=int, default=0, metavar="N", help="other values and shapes; 0 is the derandomised gate")
    add("-n", "--jobs", type=int, default=0, metavar="N", help="worker processes (default: none, all in this one)")
    add("--timeout", type=float, default=120.0, metavar="S", help="seconds for one op in one dtype, in a worker")
    add("--gaps", action="append", default=[], type=Path, metavar="FILE", help="a TOML file of gaps; may be repeated")
    outputs.options(add)
    add("--replay", metavar="CELL", help="run one cell again, verbosely: device|op|sample|dtype|check")
    add(
        "--mutate",
        action="store_const",
        const="catalogue",
        help="prove the suite: break rules on purpose",
    )
    add(
        "--automatic",
        type=int,
        metavar="N",
        help="also rewrite the real rules in every N-th place where they can be wrong",
    )
    add("--resume", type=Path, metavar="FILE", help="where --automatic keeps what it found, to go on after a break")
    add(
        "--false-alarms",
        type=int,
        metavar="SEEDS",
        help="run healthy rules over this many seeds from --seed on, every row at one sample each, and count alarms",
    )
    add("--list", action="store_true", help="list the rows and checks, and end")
    add("--require", action="store_true", help="a backend that cannot run here is a failure")
    add("-q", "--quiet", action="store_true", help="no progress bar")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["merge"]:
        return outputs.merge(arguments[1:])
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except (PullbackError, LookupError, ValueError, OSError) as error:
        print(f"pullback conformance: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    if options.list:
        return _list(options)
    if options.replay:
        rows = specs.rows(options.plugin)
        cell = replay.again(options.replay, rows, options.seed)
        print(replay.explain(cell, rows, options.seed, options.plugin))
        return 0 if cell.state in (State.PASS, State.UNCLAIMED) else 1
    session = Session(
        backend=options.backend,
        devices=options.device,
        plugins=options.plugin,
        level="L4" if options.level == "full" else options.level,
        seed=options.seed,
        jobs=options.jobs,
        ops=options.op,
        checks=options.check,
        gap_files=options.gaps,
        timeout=options.timeout,
        sample=max(1, options.sample),
    )
    if options.mutate or options.automatic or options.false_alarms:
        from pullback_conformance import mutants  # noqa: PLC0415  only where it is asked for

        return mutants.main(
            options.mutate,
            options.false_alarms,
            first=max(1, options.seed),
            automatic=options.automatic,
            resume=options.resume,
            jobs=options.jobs,
            path=options.json,
        )
    outcome = prepare(session)
    with Progress(len(outcome.cells), quiet=options.quiet) as done:
        run(session, done, outcome)
    outputs.write(options, [json.document(outcome)])
    print(summary(outcome))
    return 1 if outcome.unavailable and options.require else 0 if outcome.ok or outcome.unavailable else 1


def _list(options: argparse.Namespace) -> int:
    from pullback_conformance.checks import catalogue  # noqa: PLC0415  only here
    from pullback_conformance.engine import BATTERY  # noqa: PLC0415

    for op, spec in specs.rows(options.plugin).items():
        print(f"{op:32} {spec.module:18} {spec.kind:12} {' '.join(sorted(spec.claims)) or 'constant'}")
    for id, meaning, level in [
        *((c.id, c.meaning, c.level) for c in catalogue().values()),
        *((id, trial.meaning, trial.level) for id, trial in BATTERY.items()),
    ]:
        print(f"{id:18} L{level}  {meaning}")
    return 0


# --- what a terminal shows ---------------------------------------------------------------------------------------------


def summary(outcome: Outcome) -> str:
    """The end of a run, in a few lines."""
    lines = []
    if outcome.unavailable:
        lines.append(f"NOT-RUN: backend {outcome.session.backend!r} cannot run here: {outcome.unavailable}")
    lines += [f"gap {gap.id}: {gap.hits} cells, expires {gap.expires}: {gap.reason}" for gap in outcome.gaps]
    shown: set[tuple[str, str]] = set()
    for cell in () if outcome.unavailable else outcome.red:
        if (cell.op, cell.check) not in shown and len(shown) < SHOWN:
            shown.add((cell.op, cell.check))
            lines.append(_failure(cell, outcome))
    if len(outcome.red) > len(shown) and not outcome.unavailable:
        lines.append(f"... and {len(outcome.red) - len(shown)} more, see --json or --report")
    lines += [f"problem: {problem}" for problem in outcome.problems]
    totals = outcome.totals
    lines.append(f"{len(outcome.cells)} cells: " + ", ".join(f"{n} {state}" for state, n in totals.items() if n))
    if not outcome.decided:
        lines.append("too many cells are INCONCLUSIVE: declare kinks=, or move the domains of the samples")
    lines.append(badge(outcome))
    return "\n".join(lines)


def badge(outcome: Outcome) -> str:
    """One line to quote."""
    from pullback_conformance.names import VERSION  # noqa: PLC0415

    state = "NOT-RUN" if outcome.unavailable else "ok" if outcome.ok else "FAILED"
    what = ", ".join(outcome.session.plugins) or f"std {VERSION}"
    return (
        f"pullback-conformance / {what} on {outcome.session.backend}: {outcome.session.level} {state}, "
        f"{len(outcome.gaps)} gaps, {outcome.seconds:.0f} s"
    )


def _failure(cell: Cell, outcome: Outcome) -> str:
    if cell.state is State.FAIL and cell.op != ENGINE:
        try:
            return replay.explain(cell, outcome.specs, outcome.session.seed, outcome.session.plugins)
        except LookupError:
            pass
    return f"{cell.state}  {cell.id}\n  {cell.message}"
