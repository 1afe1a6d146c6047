"""Fill the cells of a group: run each check, and say in which state it ended."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping

import numpy as np

from pullback_conformance.cells import ENGINE, Cell, Group, State, samples_in
from pullback_conformance.checks import catalogue
from pullback_conformance.checks.base import Measure, Mismatch, Undecided
from pullback_conformance.problem import Blocked, Problem, describe
from pullback_conformance.spec import OpSpec

_UNCLAIMED = ("V24.unclaimed", "J04.unclaimed", "D05.unclaimed")


def fill(group: Group, specs: Mapping[str, OpSpec], seed: int = 0, stop: Callable[[Cell], bool] | None = None) -> None:
    """Run the checks of all cells of a group, in place; until `stop(cell)` says that it is enough."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # values such as log(0): NumPy warns of them, rightly
        if group.op == ENGINE:
            for cell in group.cells:
                _battery(cell)
            return
        spec = specs[group.op]
        by_id = {sample.id: sample for sample in samples_in(spec, group.dtype, seed)}
        problem: Problem | None = None
        for cell in group.cells:
            if cell.state is not State.NOT_RUN:
                continue
            sample = by_id[cell.sample]
            if problem is None or problem.sample.id != cell.sample:
                problem = Problem(spec, sample, cell.dtype, cell.device, seed)
            judge(cell, problem)
            if stop is not None and stop(cell):
                return


def judge(cell: Cell, problem: Problem) -> None:
    """Run the check of one cell."""
    check = catalogue()[cell.check]
    _timed(cell, lambda: check.run(problem))
    if cell.state is State.PASS and cell.check in _UNCLAIMED:
        cell.state = State.UNCLAIMED


def _battery(cell: Cell) -> None:
    from pullback_conformance.engine import BATTERY  # noqa: PLC0415  only where it is asked for

    def run() -> Measure:
        BATTERY[cell.check].run(cell.device, cell.dtype)
        return Measure()

    _timed(cell, run)


def _timed(cell: Cell, run: Callable[[], Measure]) -> None:
    start = time.perf_counter()
    try:
        measure = run()
        cell.state, cell.err_eps, cell.gate_eps = State.PASS, measure.error, measure.gate
    except Mismatch as error:
        cell.state, cell.message, cell.cause = State.FAIL, str(error), error.cause
        cell.err_eps, cell.gate_eps = error.measure.error, error.measure.gate
    except AssertionError as error:
        cell.state, cell.message = State.FAIL, str(error) or "assertion failed"
    except Undecided as error:
        cell.state, cell.message = State.INCONCLUSIVE, str(error)
    except Blocked as error:
        cell.state, cell.message = State.ERROR, f"not decided: {error}"
    except Exception as error:  # noqa: BLE001  an op may raise anything; it must end in a cell
        cell.state, cell.message = State.FAIL, f"raised {describe(error)}"
    finally:
        cell.ms = (time.perf_counter() - start) * 1e3
