"""One cell again, verbosely: what the op is, the code that reproduces it, what was found and what it looks like."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pullback_conformance import judge
from pullback_conformance.cells import ENGINE, Cell, Group, samples_in
from pullback_conformance.checks import catalogue
from pullback_conformance.problem import Problem
from pullback_conformance.samples import Twice
from pullback_conformance.spec import OpSpec

PARTS = 5


def line(cell: Cell, plugins: Sequence[str] = ()) -> str:
    """The command that runs a cell again."""
    options = "".join(f" --plugin {name}" for name in plugins)
    return f"pullback conformance{options} --replay {shlex.quote(cell.id)}"


def cell_of(id: str) -> Cell:
    """The cell of an id; `ValueError` for what is none."""
    parts = id.split("|")
    if len(parts) != PARTS:
        raise ValueError(f"a cell is device|op|sample|dtype|check, got {id!r}")
    device, op, sample, dtype, check = parts
    return Cell(device, op, sample, dtype, check)


def problem_of(cell: Cell, rows: Mapping[str, OpSpec], seed: int = 0) -> Problem:
    """The problem of a cell. `LookupError` if there is no such row or sample."""
    if cell.op not in rows:
        raise LookupError(f"there is no row for {cell.op!r}")
    found = [s for s in samples_in(rows[cell.op], cell.dtype, seed) if s.id == cell.sample]
    if not found:
        raise LookupError(f"{cell.op} has no sample {cell.sample!r} in {cell.dtype} with seed {seed}")
    return Problem(rows[cell.op], found[0], cell.dtype, cell.device, seed)


def again(id: str, rows: Mapping[str, OpSpec], seed: int = 0) -> Cell:
    """Run one cell."""
    cell = cell_of(id)
    if cell.op == ENGINE:
        judge.fill(Group(cell.device, cell.op, cell.dtype, [cell]), rows, seed)
        return cell
    if cell.check not in catalogue():
        raise LookupError(f"there is no check {cell.check!r}")
    problem_of(cell, rows, seed)
    judge.fill(Group(cell.device, cell.op, cell.dtype, [cell]), rows, seed)
    return cell


def reproduction(problem: Problem, plugins: Sequence[str] = ()) -> str:
    """Code that makes the arguments of a sample and runs the op."""
    lines = ["import numpy as np", "import pullback as pb", "from pullback_conformance import row"]
    names = []
    for i, x in enumerate(problem.inputs):
        if isinstance(x, np.ndarray):
            text = np.array2string(x, separator=", ", threshold=1000, floatmode="unique").replace("\n", "")
            text = text.replace("nan", "np.nan").replace("inf", "np.inf")
            grad = ".requires_grad_()" if i in problem.wrt else ""
            array = f"np.asarray({text}, dtype={str(x.dtype)!r}).reshape({x.shape})"
            lines.append(f"x{i} = pb.asarray({array}).to({problem.device!r}){grad}")
        else:
            lines.append(f"x{i} = {x!r}")
        names.append(f"x{i}")
    rest = iter(names)
    given: list[str] = []
    for x in problem.sample.args:
        given.append(given[-1] if x is Twice else next(rest))
    options = [f"{k}={v.tolist() if isinstance(v, np.ndarray) else v!r}" for k, v in problem.sample.kwargs.items()]
    of = "".join(f", plugin={name!r}" for name in plugins[:1])
    lines.append(f"out = row({problem.spec.op!r}{of}).call({', '.join([*given, *options])})")
    if problem.sample.layout != "C":
        lines.append(f"# in the failing sample, memory is laid out as: {problem.sample.layout}")
    return "\n".join(lines)


def explain(cell: Cell, rows: Mapping[str, OpSpec], seed: int = 0, plugins: Sequence[str] = ()) -> str:
    """All that is known of a cell, for a terminal."""
    meaning = _meaning(cell)
    parts: list[Any] = [f"{cell.state}  {cell.id}", f"  {meaning}"]
    if cell.message:
        parts.append(f"  {cell.message}")
    if cell.gate_eps or cell.err_eps:
        parts.append(f"  error {cell.err_eps:.3g} eps, gate {cell.gate_eps:.3g} eps of {cell.dtype}")
    if cell.cause:
        parts.append(f"  likely cause: {cell.cause}")
    if cell.op != ENGINE:
        code = reproduction(problem_of(cell, rows, seed), plugins)
        parts += ["  to reproduce:", *(f"    {row}" for row in code.splitlines())]
    parts.append(f"  again: {line(cell, plugins)}")
    return "\n".join(parts)


def _meaning(cell: Cell) -> str:
    if cell.op == ENGINE:
        from pullback_conformance.engine import BATTERY  # noqa: PLC0415  only where it is asked for

        return BATTERY[cell.check].meaning
    return catalogue()[cell.check].meaning
