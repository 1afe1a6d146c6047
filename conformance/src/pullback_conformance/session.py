"""One run, from what is asked for to what is reported: `check_backend` and the command are both this."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pullback as pb
from pullback.errors import BackendUnavailableError

from pullback_conformance import cells, gaps, names, runner, specs
from pullback_conformance.cells import GREEN, LEVELS, Cell, Group, State
from pullback_conformance.spec import OpSpec

SCHEMA = "pullback-conformance/1"
INCONCLUSIVE_BUDGET = 0.01
"""The part of all cells that may be INCONCLUSIVE."""


@dataclass
class Session:
    """What is asked for."""

    backend: str = "numpy"
    devices: Sequence[str] = ()
    plugins: Sequence[str] = ()
    level: str = "L4"
    seed: int = 0
    jobs: int = 0
    ops: Sequence[str] = ()
    checks: Sequence[str] = ()
    gap_files: Sequence[Path] = ()
    timeout: float = runner.TIMEOUT
    sample: int = 1
    """Every n-th smooth sample of an op only: a subset for quick runs. The report says so."""


@dataclass
class Outcome:
    """What came of it."""

    session: Session
    groups: list[Group]
    specs: dict[str, OpSpec]
    gaps: list[gaps.Gap] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What makes a run fail beside its cells: a name without a row, a gap that covers nothing."""
    unavailable: str = ""
    """Why the backend cannot run here, in the driver's own words."""
    seconds: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def cells(self) -> list[Cell]:
        """All cells, in the order of the denominator."""
        return [cell for group in self.groups for cell in group.cells]

    @property
    def totals(self) -> dict[str, int]:
        """How many cells ended in each state."""
        return cells.totals(self.cells)

    @property
    def ok(self) -> bool:
        """Whether all is as claimed: nothing red, nothing left out, little undecided."""
        return not self.problems and not self.unavailable and not self.red and self.decided

    @property
    def red(self) -> list[Cell]:
        """The cells that fail the run."""
        allowed = GREEN | {State.INCONCLUSIVE}
        return [
            cell for cell in self.cells if cell.state not in allowed and not (cell.state is State.NOT_RUN and cell.gap)
        ]

    @property
    def decided(self) -> bool:
        """Whether few enough cells are INCONCLUSIVE."""
        return self.totals["INCONCLUSIVE"] <= INCONCLUSIVE_BUDGET * max(1, len(self.cells))


def devices_of(name: str, chosen: Sequence[str] = ()) -> dict[str, frozenset[str]]:
    """The devices of a backend (or those chosen), and the dtypes that each has."""
    backend = pb.device(name).backend
    made = [pb.device(one) for one in chosen] or [backend.device(native) for native in backend.native_devices()]
    for device in made:
        if device.backend is not backend:
            raise ValueError(f"device {str(device)!r} is of the backend {device.backend.name!r}, not of {name!r}")
    everything = cells.REAL + cells.COMPLEX
    return {
        str(device): frozenset(dtype for dtype in everything if backend.supports(getattr(pb, dtype), device.native))
        for device in made
    }


def _shipped(backend: str) -> list[Path]:
    """The gaps that are known for a backend and come with the suite."""
    path = Path(__file__).parent / "known" / f"{backend}.toml"
    return [path] if path.exists() else []


def _unavailable(name: str) -> str:
    """Why an installed backend cannot run here, in the driver's own words, or nothing. Other errors are raised."""
    try:
        pb.device(name)
    except BackendUnavailableError as error:
        return str(error)
    return ""


def prepare(session: Session) -> Outcome:
    """The denominator: all cells, before any of them runs."""
    rows = specs.rows(session.plugins)
    unknown = set(session.ops) - set(rows) - {cells.ENGINE}
    if unknown:
        raise LookupError(f"no row for {', '.join(sorted(unknown))}; see --list")
    chosen = {op: spec for op, spec in rows.items() if not session.ops or op in session.ops}
    problems = [] if session.plugins or session.ops else names.missing()
    if reason := _unavailable(session.backend):
        groups = cells.groups(chosen, {session.backend: frozenset(cells.REAL + cells.COMPLEX)}, level=LEVELS[session.level],
                              seed=session.seed, engine=False)  # fmt: skip
        outcome = Outcome(session, groups, chosen, unavailable=reason)
        for cell in outcome.cells:
            cell.message = reason
        return outcome
    engine = cells.ENGINE in session.ops or not (session.ops or session.plugins)
    groups = cells.groups(
        chosen,
        devices_of(session.backend, session.devices),
        level=LEVELS[session.level],
        seed=session.seed,
        engine=engine,
    )
    groups = [kept for group in groups if (kept := _subset(group, session)).cells]
    outcome = Outcome(session, groups, chosen, gaps.read([*_shipped(session.backend), *session.gap_files]), problems)
    found = gaps.claim(outcome.cells, outcome.gaps, session.backend)
    part = (
        session.ops
        or session.checks
        or session.devices
        or session.plugins
        or session.sample > 1
        or session.level != "L4"
    )
    outcome.problems += [
        problem for problem in found if not (part and "covers no cell" in problem)
    ]  # a part has not all
    return outcome


def _subset(group: Group, session: Session) -> Group:
    """The cells that were chosen by check, and every n-th sample."""
    found = group.cells
    if session.checks:
        found = [cell for cell in found if any(cell.check.startswith(prefix) for prefix in session.checks)]
    if session.sample > 1:
        order = list(dict.fromkeys(cell.sample for cell in found))
        keep = {
            s for i, s in enumerate(order) if i % session.sample == 0 or s.startswith(("kink", "special", "refused"))
        }
        found = [cell for cell in found if cell.sample in keep]
    return Group(group.device, group.op, group.dtype, found)


def run(
    session: Session, done: Callable[[Group], None] = lambda group: None, outcome: Outcome | None = None
) -> Outcome:
    """Prepare, run, and settle the gaps."""
    outcome = outcome or prepare(session)
    start = time.perf_counter()
    if not outcome.unavailable:
        runner.run(
            outcome.groups,
            plugins=session.plugins,
            seed=session.seed,
            jobs=session.jobs,
            timeout=session.timeout,
            done=done,
        )
        gaps.settle(outcome.cells, outcome.gaps)
    outcome.seconds = time.perf_counter() - start
    return outcome


def environment() -> dict[str, Any]:
    """Where a run was made."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "pullback": pb.__version__,
        "numpy": np.__version__,
    }


def version_of(distribution: str) -> str:
    """The installed version, or "?"."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "?"


def loosened(rows: Iterable[OpSpec]) -> list[dict[str, Any]]:
    """The gates that rows have widened: they are listed beside the gaps."""
    return [{"op": spec.op, "tol_eps": dict(spec.tol)} for spec in rows if spec.tol]
