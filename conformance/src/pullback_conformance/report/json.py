"""The report as JSON: the schema `pullback-conformance/1`.

Cells that passed are listed by id in a tree, device > op > dtype > sample > checks, and so are those of a backend that
cannot run here; all others are records of their own, with their messages. The sum of both is the denominator, and `read`
checks that it is.
"""

from __future__ import annotations

import datetime
import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pullback as pb

from pullback_conformance.cells import Cell, State
from pullback_conformance.names import VERSION
from pullback_conformance.replay import line
from pullback_conformance.session import SCHEMA, Outcome, environment, loosened, version_of
from pullback_conformance.spec import OpSpec

BACKENDS = "pullback.backends.v1"
_BRIEF = (State.PASS, State.UNCLAIMED, State.NOT_APPLICABLE)


def document(outcome: Outcome, *, today: datetime.date | None = None) -> dict[str, Any]:
    """The whole report."""
    session, found = outcome.session, outcome.cells
    day = today or datetime.date.today()
    brief = (*_BRIEF, State.NOT_RUN) if outcome.unavailable else _BRIEF  # one reason for all of them, said once
    return {
        "schema": SCHEMA,
        "suite_version": version_of("pullback-conformance"),
        "standard": VERSION,
        "date": day.isoformat(),
        "backend": {
            "name": session.backend,
            "distribution": (owner := distribution_of(session.backend)),
            "version": version_of(owner),
            "library": "" if outcome.unavailable else library_of(session.backend),
            "devices": sorted({cell.device for cell in found}),
            "unavailable": outcome.unavailable,
        },
        "plugins": list(session.plugins),
        "environment": environment(),
        "seed": session.seed,
        "level": session.level,
        "subset": _subset(outcome),
        "ok": outcome.ok,
        "seconds": round(outcome.seconds, 1),
        "denominator": {"ops": len({cell.op for cell in found}), "cells": len(found)},
        "totals": outcome.totals,
        "pass_rate": round(rate(outcome.totals), 6),
        "problems": outcome.problems,
        "ops": {op: _row(spec) for op, spec in outcome.specs.items()},
        "passed": _tree([cell for cell in found if cell.state in brief]),
        "cells": [cell.record() | {"replay": line(cell, session.plugins)} for cell in found if cell.state not in brief],
        "worst": _worst(found),
        "gaps": [gap.record(day) for gap in outcome.gaps],
        "loosened_tolerances": loosened(outcome.specs.values()),
        **outcome.extra,
    }


def _subset(outcome: Outcome) -> str:
    session = outcome.session
    parts = []
    if session.ops:
        parts.append(f"ops {', '.join(session.ops)}")
    if session.checks:
        parts.append(f"checks {', '.join(session.checks)}")
    if session.sample > 1:
        parts.append(f"every {session.sample}. sample")
    return "; ".join(parts)


def library_of(backend: str) -> str:
    """The array library of a backend, and its version."""
    name = pb.device(backend).backend.array_types[0].__module__.partition(".")[0]
    return f"{name} {getattr(sys.modules.get(name), '__version__', '?')}"


def rate(totals: dict[str, int]) -> float:
    """PASS over everything but N/A; UNCLAIMED was verified, so it counts as passed."""
    whole = sum(totals.values()) - totals["N/A"]
    return (totals["PASS"] + totals["UNCLAIMED"]) / whole if whole else 0.0


def _row(spec: OpSpec) -> dict[str, Any]:
    """What is claimed of an op."""
    return {"module": spec.module, "kind": spec.kind, "claims": sorted(spec.claims)}


def distribution_of(backend: str) -> str:
    """Which distribution has a backend; "?" for one that none has."""
    found = [entry.dist.name for entry in metadata.entry_points(group=BACKENDS, name=backend) if entry.dist]
    return found[0] if found else "?"


def _tree(cells: list[Cell]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for cell in cells:
        of_sample = tree.setdefault(str(cell.state), {}).setdefault(cell.device, {}).setdefault(cell.op, {})
        of_sample.setdefault(cell.dtype, {}).setdefault(cell.sample, []).append(cell.check)
    return tree


def _worst(cells: list[Cell]) -> dict[str, dict[str, float]]:
    """For each op, how much of its gate the nearest cell used, per check."""
    found: dict[str, dict[str, float]] = {}
    for cell in cells:
        if cell.gate_eps:
            used = round(cell.err_eps / cell.gate_eps, 4)
            of_op = found.setdefault(cell.op, {})
            if used > of_op.get(cell.check, 0.0):
                of_op[cell.check] = used
    return found


def write(made: dict[str, Any], path: Path) -> None:
    """Write a report to a file."""
    path.write_text(json.dumps(made, separators=(",", ":"), default=str) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """A report. `ValueError` if it is none, or if its states do not add up to its denominator."""
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if made.get("schema") != SCHEMA:
        raise ValueError(f"{path} is no report of this schema: {made.get('schema')!r}, expected {SCHEMA!r}")
    listed = sum(1 for _ in entries(made))
    if not listed == sum(made["totals"].values()) == made["denominator"]["cells"]:
        raise ValueError(
            f"{path}: {listed} cells are listed, the states sum to {sum(made['totals'].values())}, the denominator is "
            f"{made['denominator']['cells']}: some cells are missing"
        )
    return made


def entries(made: dict[str, Any]) -> Any:
    """Every cell of a report, as (device, op, dtype, sample, check, state)."""
    for state, devices in made["passed"].items():
        for device, ops in devices.items():
            for op, dtypes in ops.items():
                for dtype, samples in dtypes.items():
                    for sample, checks in samples.items():
                        for check in checks:
                            yield device, op, dtype, sample, check, state
    for cell in made["cells"]:
        yield cell["device"], cell["op"], cell["dtype"], cell["sample"], cell["check"], cell["state"]
