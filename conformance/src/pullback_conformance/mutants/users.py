"""Which ops run which functions of the rule table, and what of their rows tells a mutant soonest."""

from __future__ import annotations

import gc
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pullback as pb

from pullback_conformance import judge, mutants, specs
from pullback_conformance.cells import Cell, Group, State

WATCHED = ("F01", "V01", "V16", "V22", "F06", "F07", "J02", "J05", "D02")
"""The checks that run all of an op: its values, its VJP, its JVP, and the VJP of the VJP."""
SLOW = ("F10", "V09", "V12", "V13", "V14", "V20", "V21", "V23", "J03", "D02")
"""Checks of memory, repetition and linearity, which a changed formula does not fail alone: a mutant is not sent there."""
OPS_PER_MUTANT = 4
"""How many other ops a mutant is sent to."""
CONVERTING = ("astype", "composite.cast")
"""Ops that have nothing to do where everything is in double precision already."""
NO_DEVICE = "device= is lost"
DEVICES = mutants.DEVICES | {"strict:device1": frozenset({"float64", "complex128"})}
"""Where mutants are run. The second one allows nothing that is not in the standard, and sees what forgets a device."""
"""Where a mutant that forgets the device is seen: what is not made here is somewhere else."""


def living(folder: str) -> dict[CodeType, list[FunctionType]]:
    """The functions of a folder that are alive, by their code: closures share one."""
    found: dict[CodeType, list[FunctionType]] = {}
    gc.unfreeze()  # what is frozen is not listed
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(folder):
            found.setdefault(one.__code__, []).append(one)
    return found


def of(mutations: Sequence[Any], kept: Path | None = None) -> dict[str, list[str]]:
    """For each mutation, by id, some ops that run its function: the short rows first, then those that do so most often."""
    known = kept is not None and kept.exists()
    seen = json.loads(kept.read_text(encoding="utf-8")) if kept and known else mutants.in_child(watch, limit=6000.0)
    if kept:
        kept.write_text(json.dumps(seen), encoding="utf-8")
    found = {tuple(place): ops for place, ops in seen}
    rows = specs.standard()

    def chosen(ops: list[str]) -> list[str]:
        short = [op for op in ops if rows[op].module in ("refusals", "composites")]
        return short + [op for op in ops if op not in short][:OPS_PER_MUTANT]

    return {m.id: chosen(found.get(address(m.source.code), [])) for m in mutations}


def address(code: CodeType) -> tuple[str, str, int, int]:
    """A name for a code object that another process understands: file, name, line, and where its parts stand."""
    return code.co_filename, code.co_name, code.co_firstlineno, zlib.crc32(repr([*code.co_positions()]).encode())


def watch() -> list[tuple[tuple[str, str, int, int], list[str]]]:
    """Run all rows, and count which ops call which functions. In a child, as it runs ops."""
    found: dict[CodeType, dict[str, int]] = {}
    folder = "pullback/ops/"
    rows = specs.standard()
    for op in rows:
        counts: dict[CodeType, int] = {}

        def profile(frame: Any, event: str, arg: Any, counts: dict[CodeType, int] = counts) -> None:
            code = frame.f_code
            if event == "call" and folder in code.co_filename:
                counts[code] = counts.get(code, 0) + 1

        for group in mutants.groups_for(op):
            if group.dtype not in ("float64", "complex128") and op not in CONVERTING:
                continue
            chosen = [cell for cell in group.cells if cell.check.startswith(WATCHED)][
                :: max(1, len(group.cells) // 600)
            ]
            sys.setprofile(profile)
            judge.fill(Group(group.device, group.op, group.dtype, chosen), rows)
            sys.setprofile(None)
        for code, count in counts.items():
            found.setdefault(code, {})[op] = count
    return [(address(code), sorted(ops, key=ops.__getitem__, reverse=True)) for code, ops in found.items()]


# --- hunting ----------------------------------------------------------------------------------------------------------

_PREPARED: dict[tuple[str, str], list[Group]] = {}


def prepare(ops: Iterable[str]) -> None:
    """Compute the cells of some ops before any process is forked, so that each of them has them."""
    mutants.warm(tuple(DEVICES))
    for op in sorted(set(ops)):
        for device, dtypes in DEVICES.items():
            if (op, device) not in _PREPARED:
                _PREPARED[op, device] = _quick(mutants.groups_for(op, {device: dtypes}))
    gc.freeze()  # so that no child copies all of this when it collects


def _quick(groups: list[Group]) -> list[Group]:
    return [
        Group(group.device, group.op, group.dtype, [cell for cell in group.cells if not cell.check.startswith(SLOW)])
        for group in groups
    ]


def hunt(put_in: Callable[[], Any], ops: Sequence[str], what: str) -> list[str]:
    """In this process, which is lost: put a mutant in, and run ops until a check fails. Its id, or nothing."""
    for device in DEVICES:
        pb.device(device).backend._avals.clear()  # with them go the plans that were made of healthy rules
    put_in()
    rows = specs.standard()
    failed: list[str] = []

    def enough(cell: Cell) -> bool:
        if cell.state is State.FAIL:
            failed.append(cell.check)
        return bool(failed)

    cpu, strict = DEVICES
    for device, some in ((strict, ops), (cpu, ops)) if what == NO_DEVICE else ((cpu, ops), (strict, ops[:2])):
        for op in some:
            for group in _ordered(op, device, what):
                judge.fill(group, rows, stop=enough)
                if failed:
                    return failed
    return failed


def _ordered(op: str, device: str, what: str) -> list[Group]:
    """The groups of an op that tell such a mutant. A formula is the same in both precisions: it is run in double."""
    groups = _PREPARED[op, device]
    if "dtype" in what or op in CONVERTING:
        return sorted(groups, key=lambda group: group.dtype not in ("float32", "complex64"))
    return [group for group in groups if group.dtype in ("float64", "complex128")]
