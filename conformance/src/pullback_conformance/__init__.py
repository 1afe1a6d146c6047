"""Checks that prove a backend or an op package of pullback right, for their authors to run.

`check_backend("numpy")` and `opcheck("sin")` run them from Python; `pullback conformance` from a shell; `parametrize` in
a test suite of one's own. An op is described by an `OpSpec`, see `spec.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback_conformance.spec import ALL, Arg, Case, Domain, Fails, Kink, OpSpec, Sample, case

if TYPE_CHECKING:
    from pullback_conformance.session import Outcome

__all__ = [
    "ALL",
    "Arg",
    "Case",
    "Domain",
    "Fails",
    "Kink",
    "OpSpec",
    "Sample",
    "case",
    "check_backend",
    "opcheck",
    "parametrize",
    "row",
]


def check_backend(name: str, **options: Any) -> Outcome:
    """Check a backend by its name; the options are those of `session.Session`. Nothing is raised for a failure.

    >>> check_backend("numpy", ops=["sin"], level="L1", sample=4).ok
    True
    """
    from pullback_conformance.session import Session, run  # noqa: PLC0415  the rows are needed only where something runs

    return run(Session(backend=name, **options))


def opcheck(op: str, *, plugin: str | None = None, backend: str = "numpy", **options: Any) -> dict[str, str]:
    """Check one op: for each check "PASS", or the message of its first failure.

    >>> opcheck("square", level="L0")["F05.value"]
    'PASS'
    """
    from pullback_conformance.cells import GREEN  # noqa: PLC0415  likewise

    plugins = (plugin,) if plugin else ()
    outcome = check_backend(backend, ops=[op], plugins=plugins, **options)
    found: dict[str, str] = {}
    for cell in outcome.cells:
        if cell.state not in GREEN and found.get(cell.check, "PASS") == "PASS":
            found[cell.check] = f"{cell.state}: {cell.message} [{cell.id}]"
        else:
            found.setdefault(cell.check, "PASS")
    return found


def row(op: str, *, plugin: str | None = None) -> OpSpec:
    """The row of an op of the standard, or of a plugin.

    >>> row("sin").kind
    'elementwise'
    """
    from pullback_conformance import specs  # noqa: PLC0415  likewise

    return specs.rows((plugin,) if plugin else ())[op]


def parametrize(**options: Any) -> Any:
    """A decorator: one test per cell, `def test_conformance(cell): cell.run()`. The options are those of `Session`."""
    from pullback_conformance.testing import parametrize as made  # noqa: PLC0415  pytest, only where there are tests

    return made(**options)
