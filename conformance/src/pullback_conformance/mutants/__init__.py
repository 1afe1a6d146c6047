"""Faults, put in on purpose: what proves that the suite has teeth.

`run_catalogue` puts in each fault of the catalogue, in a process of its own, and looks which check names it. `automatic`
does so with changes of the real rules that nobody thought of, and `alarms` runs healthy rules over many seeds.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pullback as pb

from pullback_conformance import cells, judge, specs
from pullback_conformance.cells import Cell, Group, State
from pullback_conformance.problem import reference_namespace
from pullback_conformance.session import INCONCLUSIVE_BUDGET
from pullback_conformance.spec import OpSpec

DEVICES = {"cpu": frozenset(cells.REAL + cells.COMPLEX)}
LIMIT = 60.0
"""Seconds for one mutant; one that hangs is killed, by the clock."""


def groups_for(op: str, devices: Any = None, level: int = 4, seed: int = 0) -> list[Group]:
    """The cells of one op, or of the battery."""
    chosen: dict[str, OpSpec] = {} if op == cells.ENGINE else {op: specs.standard()[op]}
    return cells.groups(chosen, devices or DEVICES, level=level, seed=seed, engine=op == cells.ENGINE)


def hunt(put_in: Callable[[], Any], ops: Sequence[str], wanted: str = "", devices: Any = None) -> list[str]:
    """In this process, which is lost: put a fault in, and run ops until the wanted check fails, or any if none is.

    Returns the ids of the checks that failed.
    """
    for device in devices or DEVICES:
        pb.device(device).backend._avals.clear()  # with them go the plans that were made of healthy rules
    put_in()
    failed: list[str] = []
    rows = specs.standard()

    def enough(cell: Cell) -> bool:
        if cell.state is State.FAIL:
            failed.append(cell.check)
            return not wanted or cell.check.startswith(f"{wanted}.")
        return False

    for op in ops:
        found = groups_for(op, devices)
        found.sort(key=lambda group: (not _mentions(group, wanted), group.dtype not in ("float64", "complex128")))
        for group in found:
            cells_first = (
                sorted(group.cells, key=lambda cell: not cell.check.startswith(f"{wanted}.")) if wanted else group.cells
            )
            judge.fill(Group(group.device, group.op, group.dtype, cells_first), rows, stop=enough)
            for cell in cells_first if op == cells.ENGINE else ():
                enough(cell)
            if failed and (not wanted or failed[-1].startswith(f"{wanted}.")):
                return list(dict.fromkeys(failed))
    return list(dict.fromkeys(failed))


def _mentions(group: Group, wanted: str) -> bool:
    return any(cell.check.startswith(f"{wanted}.") for cell in group.cells)


def warm(devices: Iterable[str] = ("cpu", "strict:device1")) -> None:
    """Import the libraries of some devices here, so that no child has to. No op is run: its plan would outlive a fault."""
    for device in devices:
        pb.device(device).backend.xp  # noqa: B018  imported when it is looked at
    reference_namespace()


def in_child(work: Callable[[], Any], limit: float = LIMIT, seconds: int | None = None) -> Any:
    """What `work` returns in a forked child; "crashed" or "hung" if it does not return.

    `limit` is in seconds by the clock; `seconds` are those of the processor, after which the child has hung as well.
    """
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe(duplex=False)

    def run() -> None:
        if seconds is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        try:
            theirs.send(work())
        except BaseException as error:  # noqa: BLE001  told to the parent
            theirs.send([f"raised {type(error).__name__}: {error}"])
        os._exit(0)

    child = context.Process(target=run)
    child.start()
    theirs.close()
    try:
        found = mine.recv() if mine.poll(limit) else ["hung"]
    except EOFError:
        found = ["crashed"]
    child.kill()
    child.join()
    return found


def run_catalogue(jobs: int = 1, only: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Every fault of the catalogue, and which checks it was killed by."""
    from pullback_conformance.mutants.catalogue import CATALOGUE, Fault  # noqa: PLC0415  it patches when it is called

    warm()
    chosen = [fault for fault in CATALOGUE if not only or fault.id in set(only)]

    def one(fault: Fault) -> dict[str, Any]:
        devices = {fault.device: DEVICES["cpu"]}
        found = in_child(lambda: hunt(fault.put_in, [fault.op], fault.killed_by, devices))
        named = any(check.startswith(f"{fault.killed_by}.") for check in found)
        return {
            "id": fault.id,
            "meaning": fault.meaning,
            "op": fault.op,
            "expected": fault.killed_by,
            "found": found,
            "killed": named,
        }

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        return list(pool.map(one, chosen))


def detection_limit() -> dict[str, float]:
    """The smallest error of all entries, and of one entry, that V05 sees in a gradient of `sin`."""
    from pullback_conformance.mutants.limit import limit  # noqa: PLC0415  it patches when it is called

    return {kind: in_child(lambda kind=kind: limit(kind)) for kind in ("uniform", "single_entry")}  # type: ignore[misc]


def main(
    mutate: str | None,
    seeds: int | None,
    *,
    first: int = 1,
    automatic: int | None = None,
    resume: Path | None = None,
    jobs: int = 0,
    path: Path | None = None,
) -> int:
    """The command's part: print, write the JSON, and return the exit status."""
    start = time.perf_counter()
    report: dict[str, Any] = {}
    ok = True
    if mutate:
        results = run_catalogue(jobs or 1)
        killed = [r for r in results if r["killed"]]
        for r in results:
            if not r["killed"]:
                print(
                    f"SURVIVES {r['id']} {r['meaning']} ({r['op']}): expected {r['expected']}, found {', '.join(r['found']) or 'nothing'}"
                )
        print(f"catalogue: {len(killed)} of {len(results)} faults killed, each by the check that it names")
        report["mutation"] = {"total": len(results), "killed": len(killed), "faults": results}
        report["detection_limit"] = detection_limit()
        print(
            "detection limit: " + ", ".join(f"{kind} {value:.1e}" for kind, value in report["detection_limit"].items())
        )
        ok = len(killed) == len(results) and report["detection_limit"]["single_entry"] <= 2e-7
    if automatic:
        found = importlib.import_module(f"{__name__}.automatic").run_automatic(jobs or 1, automatic, resume)
        report["automatic"] = found
        for id in found["unlisted"]:
            print(f"SURVIVES {id}")
        for id in found["stale"]:
            print(f"STALE {id}: it is killed, or no more; take it out of known/survivors.toml")
        print(
            f"automatic: {found['killed']} of {found['total']} mutants killed, {found['equivalent']} change nothing: "
            f"{found['rate']:.1%} of the others"
        )
        ok = ok and found["ok"]
    if seeds:
        alarms = importlib.import_module(f"{__name__}.alarms")
        found = report["false_alarms"] = alarms.run_seeds(seeds, first=first, jobs=jobs)
        print("\n".join(found["alarms"][:20]))
        print(
            f"false alarms: {len(found['alarms'])} in {found['cells']} cells over {seeds} seeds from {first}, "
            f"{found['undecided']} undecided; {found['rows']} rows, {found['places']} of about {found['all_places']} "
            f"samples in a dtype"
        )
        ok = ok and not found["alarms"] and found["undecided"] <= INCONCLUSIVE_BUDGET * found["cells"]
    if path:
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"{time.perf_counter() - start:.0f} s")
    return 0 if ok else 1
