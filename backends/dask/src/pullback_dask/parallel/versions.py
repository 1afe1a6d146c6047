"""`pullback doctor --cluster ADDRESS`: which versions each process of a cluster has, and where they differ.

All must be the same: workers run our code, and the scheduler unpickles it. The processes are asked by a function that is
sent by value, so that one without pullback can answer, too.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from distributed import Client

TIMEOUT = 10.0
"""Seconds to wait for the scheduler."""
_HERE = "this process"


def installed() -> dict[str, str]:
    """The versions of what must be the same everywhere, by name, where this runs."""
    found: dict[str, str] = _asker()()
    return found


def _asker() -> Any:
    def versions() -> dict[str, str]:
        import platform  # noqa: PLC0415  this function is pickled with all that it needs
        from importlib.metadata import distributions  # noqa: PLC0415

        wanted = {"numpy", "dask", "distributed", "cloudpickle"}
        found = {dist.metadata["Name"].lower(): dist.version for dist in distributions() if dist.metadata["Name"]}
        ours = {name: v for name, v in found.items() if name in wanted or name.startswith(("pullback", "cupy"))}
        return {"python": platform.python_version(), **dict(sorted(ours.items()))}

    return versions


def gathered(client: Client) -> dict[str, dict[str, str]]:
    """The versions in each process: this one, the scheduler, and each worker by its address."""
    ask = _asker()
    return {_HERE: installed(), "scheduler": client.run_on_scheduler(ask), **dict(sorted(client.run(ask).items()))}


def differences(versions: dict[str, dict[str, str]]) -> list[str]:
    """One line for each package that is not the same everywhere.

    >>> differences({"this process": {"numpy": "2.4"}, "tcp://a": {"numpy": "2.3"}, "tcp://b": {}})
    ['numpy: 2.4 in this process; 2.3 in tcp://a; not installed in tcp://b']
    """
    return list(_differences(versions))


def _differences(versions: dict[str, dict[str, str]]) -> Iterator[str]:
    for name in sorted({name for found in versions.values() for name in found}):
        places: defaultdict[str, list[str]] = defaultdict(list)
        for process, found in versions.items():
            places[found.get(name, "not installed")].append(process)
        if len(places) > 1:
            yield f"{name}: " + "; ".join(f"{version} in {_some(where)}" for version, where in places.items())


def _some(processes: list[str], most: int = 3) -> str:
    more = f" and {len(processes) - most} more" if len(processes) > most else ""
    return ", ".join(processes[:most]) + more


def main(address: str, as_json: bool = False) -> int:
    """Print the versions in all processes of the cluster at `address`; 1 if they differ or nobody answers."""
    try:
        with Client(address, timeout=TIMEOUT, set_as_default=False) as client:
            found = gathered(client)
    except (OSError, TimeoutError, ValueError) as error:
        print(f"pullback doctor: no scheduler answers at {address}: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    findings = differences(found)
    workers = len(found) - 2
    if not workers:
        findings.append(f"the cluster has no workers; start some with `dask worker {address}`")
    if as_json:
        print(json.dumps({"healthy": not findings, "processes": found, "findings": findings}, indent=2))
        return int(bool(findings))
    print(f"cluster {address}: {workers} workers")
    for name, version in found[_HERE].items():
        print(f"  {name:22} {version}")
    for finding in findings:
        print(f"error: {finding}")
    print("There is something to mend." if findings else "The same everywhere.")
    return int(bool(findings))
