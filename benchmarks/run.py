"""Measure pullback against whatever of its peers is installed: `python benchmarks/run.py --json out.json`."""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import harness
import peers
import report
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

CLOCKS = ("wall", "cpu")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workload", action="append", choices=peers.WORKLOADS, help="only this one; may be repeated")
    parser.add_argument("--peers", nargs="+", choices=peers.PEERS, metavar="PEER", help=f"of {', '.join(peers.PEERS)}")
    parser.add_argument("--rounds", type=int, help="samples of each peer (default: 15; 5 of the million nodes)")
    parser.add_argument("--quick", action="store_true", help="three short rounds: to see that it works")
    parser.add_argument("--clock", choices=CLOCKS, default="cpu", help="which time counts (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Measure, print and write."""
    options = parse(argv)
    here = peers.installed()
    chosen = [peer for peer in peers.PEERS if peer in (options.peers or here) and peer in here]
    console = Console()
    notes = Console(stderr=True)
    for peer in set(options.peers or ()) - set(here):
        notes.print(f"{peer} is not installed")

    results: dict[str, Any] = {}
    made: list[report.Row] = []
    columns = (TextColumn("{task.description:16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=notes, transient=True) as progress:
        for workload in options.workload or peers.WORKLOADS:
            module = importlib.import_module(f"workloads.{workload}")
            slow = getattr(module, "PHASES", False)
            rounds = options.rounds or (1 if options.quick and slow else 3 if options.quick else 5 if slow else 15)
            task = progress.add_task(workload, total=rounds + 1)
            taken, failed = harness.measure(
                workload,
                chosen,
                rounds=rounds,
                seconds=0.02 if options.quick else 0.1,
                progress=lambda task=task: progress.advance(task),
            )
            progress.remove_task(task)
            for peer, reason in failed.items():
                notes.print(f"{workload}: {peer} failed: {reason}", markup=False)
            rows = report.rows(workload, module.UNIT, taken, CLOCKS.index(options.clock))
            made += rows
            results[workload] = {
                "about": module.__doc__.partition("\n")[0],
                "rounds": rounds,
                "samples": taken,
                "failed": failed,
                "rows": {row.name: report.as_json(row) for row in rows},
            }

    console.print(report.table(made, chosen))
    if options.json is not None:
        document = {
            "command": " ".join(["python", "benchmarks/run.py", *(sys.argv[1:] if argv is None else argv)]),
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "threads": 1,
            "clock": options.clock,
            "versions": peers.versions(chosen),
            "workloads": results,
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if any(result["failed"] for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
