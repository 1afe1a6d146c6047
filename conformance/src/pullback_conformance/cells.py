"""The denominator: every cell that a run must fill, computed from rows and claims before anything runs.

A cell is one check of one op at one sample and dtype on one device. Its id, `device|op|sample|dtype|check`, is what
`--replay` takes. `State` is closed: a run that does not end every cell in one of these is no run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from pullback_conformance import samples
from pullback_conformance.checks import catalogue
from pullback_conformance.checks.base import Check
from pullback_conformance.spec import OpSpec, Sample

LEVELS = {"L0": 0, "L1": 1, "L2": 2, "L3": 3, "L4": 4}
REAL, COMPLEX = ("float32", "float64"), ("complex64", "complex128")
ENGINE = "engine"
ELSEWHERE = ("V25", "F13", "V27")
"""Checks that say nothing of the NumPy backend: what it is compared with is itself, and its values are on the host."""


class State(StrEnum):
    """What became of a cell."""

    PASS = "PASS"
    FAIL = "FAIL"
    ERROR = "ERROR"
    """Not decided: what the check builds on failed, or the suite itself did."""
    GAP = "GAP"
    """Declared as a gap, and failed as declared."""
    GAP_CLOSED = "GAP-CLOSED"
    """Declared as a gap, but passes: the run fails until the gap is deleted."""
    UNCLAIMED = "UNCLAIMED"
    """Not claimed, and verified to be refused."""
    NOT_APPLICABLE = "N/A"
    """The device has no such dtype."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """The oracle could not decide."""
    NOT_RUN = "NOT-RUN"
    """Crashed, hung, or never reached. Never green."""


GREEN = frozenset({State.PASS, State.UNCLAIMED, State.GAP, State.NOT_APPLICABLE})


@dataclass
class Cell:
    """One entry of the report."""

    device: str
    op: str
    sample: str
    dtype: str
    check: str
    state: State = State.NOT_RUN
    err_eps: float = 0.0
    gate_eps: float = 0.0
    ms: float = 0.0
    message: str = ""
    cause: str = ""
    gap: str = ""

    @property
    def id(self) -> str:
        """`device|op|sample|dtype|check`."""
        return "|".join((self.device, self.op, self.sample, self.dtype, self.check))

    def record(self) -> dict[str, Any]:
        """For the JSON: without what is empty."""
        kept = {name: value for name, value in asdict(self).items() if value not in ("", 0.0)}
        return {"id": self.id} | kept | {"state": str(self.state), "ms": round(self.ms, 2)}


@dataclass(frozen=True)
class Group:
    """The cells of one op, dtype and device: what a worker does in one go."""

    device: str
    op: str
    dtype: str
    cells: list[Cell] = field(hash=False, compare=False)


def checks_of(spec: OpSpec, sample: Sample, dtype: str, level: int) -> list[Check]:
    """The checks that apply to a sample, in the order in which they run."""
    return [c for c in catalogue().values() if c.level <= level and c.applies(spec, sample, dtype)]


def dtypes_of(spec: OpSpec) -> list[str]:
    """The dtypes in which an op has samples."""
    families = spec.families()
    return [d for d in (*REAL, *COMPLEX) if d in spec.dtypes and ("complex" if d in COMPLEX else "real") in families]


def samples_in(spec: OpSpec, dtype: str, seed: int) -> list[Sample]:
    """The samples of an op in a dtype."""
    if dtype not in dtypes_of(spec):
        return []
    return samples.every(spec, "complex" if dtype in COMPLEX else "real", seed)


def groups(
    specs: Mapping[str, OpSpec],
    devices: Mapping[str, frozenset[str]],
    *,
    level: int = 4,
    seed: int = 0,
    engine: bool = True,
) -> list[Group]:
    """All cells, by device, op and dtype. `devices` maps a device to the dtypes that it has."""
    made = []
    for device, available in devices.items():
        reference = device == "cpu"
        for op, spec in specs.items():
            for dtype in (*REAL, *COMPLEX):
                found = []
                for sample in samples_in(spec, dtype, seed):
                    for check in checks_of(spec, sample, dtype, level):
                        if check.number in ELSEWHERE and reference:
                            continue
                        known = dtype in available and sample.kwargs.get("to", dtype) in available
                        state = State.NOT_RUN if known else State.NOT_APPLICABLE
                        found.append(Cell(device, op, sample.id, dtype, check.id, state))
                if found:
                    made.append(Group(device, op, dtype, found))
        if engine and level >= 1:
            made += _battery(device, available, level)
    return made


def _battery(device: str, available: frozenset[str], level: int) -> list[Group]:
    from pullback_conformance.engine import BATTERY  # noqa: PLC0415  only where it is asked for

    dtype = "float64" if "float64" in available else "float32"
    cells = [Cell(device, ENGINE, "program", dtype, id) for id, trial in BATTERY.items() if trial.level <= level]
    return [Group(device, ENGINE, dtype, [cell]) for cell in cells]


def totals(cells: Iterable[Cell]) -> dict[str, int]:
    """How many cells ended in each state; every state is named."""
    count = dict.fromkeys((str(state) for state in State), 0)
    for cell in cells:
        count[str(cell.state)] += 1
    return count
