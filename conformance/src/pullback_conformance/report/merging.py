"""Several reports as one: parts of one run put together again, runs of several backends beside each other.

Parts are reports of one backend, plugin, seed and version whose cells do not overlap: a run that was split by device, op or
check. What `--mutate`, `--automatic` and `--false-alarms` write is no report of cells; it says how sharp the suite is, and
goes beside them.
"""

from __future__ import annotations

import json as library
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pullback_conformance.report import json

TEETH = ("mutation", "detection_limit", "automatic", "false_alarms")
"""The keys of what says how sharp the suite is."""
_SAME = ("suite_version", "standard", "plugins", "seed")


class Merged(NamedTuple):
    """Reports, one for each backend and plugin, and what is known of the suite's teeth."""

    reports: list[dict[str, Any]]
    teeth: dict[str, Any]


def read(paths: Iterable[Path]) -> Merged:
    """The reports of some files. `ValueError` if one is none, or if two hold the same cell."""
    parts: dict[Any, list[dict[str, Any]]] = {}
    teeth: dict[str, Any] = {}
    for path in paths:
        made = library.loads(path.read_text(encoding="utf-8"))
        if "schema" not in made and set(made) & set(TEETH):
            teeth |= {key: made[key] for key in TEETH if key in made}
            continue
        report = json.read(path)
        teeth |= {key: report[key] for key in TEETH if key in report}
        parts.setdefault((report["backend"]["name"], tuple(report["plugins"])), []).append(report)
    if not parts:
        raise ValueError("none of the files is a report of cells")
    return Merged([together(found) for found in parts.values()], teeth)


def together(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One report of the parts of a run."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    name = first["backend"]["name"]
    for key in _SAME:
        if len({str(part[key]) for part in parts}) > 1:
            raise ValueError(f"reports of {name} differ in {key}: they are no parts of one run")
    seen = Counter(entry[:5] for part in parts for entry in json.entries(part))
    twice = [entry for entry, n in seen.items() if n > 1]
    if twice:
        raise ValueError(f"{len(twice)} cells are in two reports of {name}, the first is {'|'.join(twice[0])}")
    totals = Counter[str]()
    for part in parts:
        totals.update(part["totals"])
    return first | {
        "date": max(part["date"] for part in parts),
        "backend": first["backend"] | {"devices": sorted({d for part in parts for d in part["backend"]["devices"]})},
        "level": min(part["level"] for part in parts),
        "subset": "; ".join(dict.fromkeys(part["subset"] for part in parts if part["subset"])),
        "ok": all(part["ok"] for part in parts),
        "seconds": round(sum(part["seconds"] for part in parts), 1),
        "denominator": {
            "ops": len({entry[1] for part in parts for entry in json.entries(part)}),
            "cells": sum(part["denominator"]["cells"] for part in parts),
        },
        "totals": dict(totals),
        "pass_rate": round(json.rate(totals), 6),
        "problems": [problem for part in parts for problem in part["problems"]],
        "ops": {op: row for part in parts for op, row in part["ops"].items()},
        "passed": _trees(part["passed"] for part in parts),
        "cells": [cell for part in parts for cell in part["cells"]],
        "worst": _worst(part["worst"] for part in parts),
        "gaps": _gaps(gap for part in parts for gap in part["gaps"]),
        "loosened_tolerances": list({row["op"]: row for part in parts for row in part["loosened_tolerances"]}.values()),
    }


def _trees(trees: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Trees of dicts with lists as their leaves, as one."""
    whole: dict[str, Any] = {}
    for tree in trees:
        for key, value in tree.items():
            if isinstance(value, dict):
                whole[key] = _trees((whole.get(key, {}), value))
            else:
                whole[key] = [*whole.get(key, []), *value]
    return whole


def _worst(tables: Iterable[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    whole: dict[str, dict[str, float]] = {}
    for table in tables:
        for op, checks in table.items():
            mine = whole.setdefault(op, {})
            for check, used in checks.items():
                mine[check] = max(used, mine.get(check, 0.0))
    return whole


def _gaps(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each gap once, with the cells that it covers in all parts."""
    whole: dict[str, dict[str, Any]] = {}
    for gap in found:
        before = whole.get(gap["id"])
        whole[gap["id"]] = gap if before is None else before | {"cells": before["cells"] + gap["cells"]}
    return list(whole.values())
