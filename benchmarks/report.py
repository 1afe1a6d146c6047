"""From samples to medians, ratios, the table and the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from rich.table import Table

SUBJECT = "pullback"
SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))

BUDGET: dict[str, dict[str, float]] = {
    "scalar_forward": {"torch": 0.2},
    "scalar_chain": {"torch": 0.2},
    "scalar_products": {"torch": 0.2},
    "vector_products": {"torch": 0.3},
    "vector_multiply": {"torch": 0.3},
    "sine_fit": {"torch": 0.4},
    "legendre_fit": {"torch": 1.0},
    "relu_net": {"torch": 1.0, "numpy": 1.3},
    "relu_net_data": {"torch": 1.0},
    "tanh_net": {"numpy": 1.3},
    "sgd_step": {"torch": 1.0},
    "big_expression": {"numpy": 1.3},
}
"""The largest ratio to a peer that the project allows itself, per row."""
LIMITS = {"million_nodes memory": 300.0}
"""The largest value that it allows itself."""


@dataclass(frozen=True)
class Spread:
    """A median, and the quartiles on both sides of it."""

    low: float
    median: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """The quartiles of some values."""
    if len(values) < 2:
        return Spread(values[0], values[0], values[0])
    low, _, high = quantiles(values, n=4, method="inclusive")
    return Spread(low, median(values), high)


@dataclass(frozen=True)
class Row:
    """One quantity of one workload, for every peer that was measured."""

    name: str
    unit: str
    values: dict[str, Spread]
    ratios: dict[str, Spread]
    """The subject's value over the peer's, round by round."""

    def over(self) -> list[str]:
        """What is over its budget, in words."""
        found = [
            f"{self.ratios[peer].median:.2f}x {peer}, allowed {limit}x"
            for peer, limit in BUDGET.get(self.name, {}).items()
            if peer in self.ratios and self.ratios[peer].median > limit
        ]
        limit = LIMITS.get(self.name)
        if limit is not None and SUBJECT in self.values and self.values[SUBJECT].median > limit:
            found.append(f"{self.values[SUBJECT].median:.0f}, allowed {limit:.0f}")
        return found

    @property
    def has_budget(self) -> bool:
        """Whether anything is allowed and measured here."""
        return self.name in LIMITS or bool(BUDGET.get(self.name, {}).keys() & self.ratios.keys())


def rows(workload: str, unit: str, taken: dict[str, list[dict[str, list[float]]]], clock: int) -> list[Row]:
    """The rows of a workload. `clock` says which of the two times counts."""
    quantities = dict.fromkeys(name for samples in taken.values() for sample in samples for name in sample)
    made = []
    for quantity in quantities:
        series = {
            peer: [sample[quantity][min(clock, len(sample[quantity]) - 1)] for sample in samples]
            for peer, samples in taken.items()
        }
        ours = series.get(SUBJECT, [])
        ratios = {
            peer: spread([a / b for a, b in zip(ours, theirs, strict=True)])
            for peer, theirs in series.items()
            if peer != SUBJECT and ours and all(theirs)
        }
        made.append(
            Row(
                name=workload if quantity == "time" else f"{workload} {quantity}",
                unit=f"B/{unit}" if quantity == "memory" else f"s/{unit}",
                values={peer: spread(values) for peer, values in series.items()},
                ratios=ratios,
            )
        )
    return made


def quantity(value: float, unit: str) -> str:
    """A number with three digits and a unit."""
    if unit.startswith("B"):
        return f"{value:.0f} B"
    scale, name = next(((s, n) for s, n in SCALES if value >= s), SCALES[-1])
    return f"{value / scale:.3g} {name}"


def table(made: Sequence[Row], chosen: Sequence[str]) -> Table:
    """The ratios, with the quartiles below them, and the times that they come from."""
    others = [peer for peer in chosen if peer != SUBJECT]
    out = Table(title="pullback's time over the peer's: median of the rounds (quartiles), and the peer's own median")
    out.add_column("workload")
    out.add_column(SUBJECT, justify="right")
    for peer in others:
        out.add_column(peer, justify="right")
    out.add_column("budget")
    for row in made:
        cells = []
        for peer in others:
            ratio = row.ratios.get(peer)
            if ratio is None:
                cells.append("")
                continue
            digits = 2 if ratio.median < 10 else 0
            span = f"({ratio.low:.{digits}f}-{ratio.high:.{digits}f})"
            cells.append(
                f"[bold]{ratio.median:.{digits}f}[/]\n{span}\n[dim]{quantity(row.values[peer].median, row.unit)}[/]"
            )
        ours = quantity(row.values[SUBJECT].median, row.unit) if SUBJECT in row.values else ""
        over = row.over()
        verdict = "" if not row.has_budget else "[red]over[/]: " + "; ".join(over) if over else "[green]kept[/]"
        out.add_row(f"{row.name}\n[dim]per {row.unit.partition('/')[2]}[/]", ours, *cells, verdict, end_section=True)
    return out


def as_json(row: Row) -> dict[str, Any]:
    """A row for a file."""
    return {
        "unit": row.unit,
        "values": {peer: vars(value) for peer, value in row.values.items()},
        "ratios": {peer: vars(value) for peer, value in row.ratios.items()},
        "over_budget": row.over(),
    }
