"""Who reads a value is seen, on a device whose arrays can be watched; who does not is left alone."""

from __future__ import annotations

from typing import Any

import pullback as pb
import pytest
from pullback.extend import elementwise
from pullback_conformance import ALL, Arg, Domain, OpSpec, cells, judge, specs
from pullback_conformance.watching import HostReadError, no_reads, watched

DEVICE = "strict:device1"


def failed(spec: OpSpec) -> set[str]:
    """The checks of laziness that one op fails."""
    found: set[tuple[str, cells.State]] = set()
    for group in cells.groups({spec.op: spec}, {DEVICE: frozenset({"float64"})}, engine=False):
        group.cells[:] = [cell for cell in group.cells if cell.check in ("F13.lazy", "V27.lazy")]
        judge.fill(group, {spec.op: spec})
        found |= {(cell.check, cell.state) for cell in group.cells}
    assert found
    return {check for check, state in found if state is not cells.State.PASS}


def halved(name: str, *, forward: Any, rule: Any, **options: Any) -> OpSpec:
    op = elementwise(f"conformance::{name}", forward=forward, x=rule)
    return OpSpec(op=f"conformance::{name}", call=op, args=[Arg("x", Domain.real(0.5, 1))], derivatives=ALL,
                  kind="elementwise", **options)  # fmt: skip


def branching(xp: Any, x: Any) -> Any:
    return x * (0.5 if bool(xp.all(x > 0)) else 0.25)


def branching_rule(xp: Any, t: Any) -> Any:
    return t * (0.5 if float(xp.sum(xp.abs(t))) >= 0 else 0.0)


def test_an_op_and_a_rule_that_read_are_told_apart() -> None:
    def straight(xp: Any, t: Any) -> Any:
        return t * 0.5

    assert failed(halved("straight", forward=straight, rule=straight)) == set()
    assert failed(halved("branches", forward=branching, rule=straight)) == {"F13.lazy", "V27.lazy"}
    assert failed(halved("rule_branches", forward=straight, rule=branching_rule)) == {"V27.lazy"}


def test_what_a_row_declares_is_allowed() -> None:
    spec = halved("declared", forward=branching, rule=branching_rule, reads=frozenset({"values", "gradient"}))
    assert failed(spec) == set()


@pytest.mark.parametrize("op", sorted(op for op, spec in specs.standard().items() if spec.reads))
def test_no_row_declares_too_much(op: str) -> None:
    spec = specs.find(op)
    undeclared = OpSpec(**{name: value for name, value in vars(spec).items() if name != "reads"})
    named = {"values": "F13.lazy", "gradient": "V27.lazy"}
    assert {named[what] for what in spec.reads} <= failed(undeclared)


def test_watching_ends_with_its_block() -> None:
    x = pb.ones(2, device=DEVICE)
    with no_reads(DEVICE):
        y = x + 1
        for read in (lambda: bool(y._array[0]), lambda: float(y._array[0]), lambda: y.to("cpu")):
            with pytest.raises(HostReadError):
                read()
    assert y.tolist() == [2.0, 2.0]
    assert "to_host" not in vars(y.device.backend)


def test_what_cannot_be_watched_is_known() -> None:
    assert watched(DEVICE)
    assert not watched("cpu"), "NumPy's arrays are of a compiled class"
