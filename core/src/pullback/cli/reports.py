"""What `pullback backends`, `plugins` and `doctor` print. What they know is in `pullback.plugins.doctor`."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import Any

from pullback.plugins import doctor as examination


def backends(options: Namespace) -> int:
    """Print the backends; always 0."""
    with redirect_stdout(sys.stderr):  # what a plugin prints while it loads is not our output
        found = examination.backend_reports()
    if options.json:
        return _json([asdict(backend) for backend in found])
    _print_backends(found)
    return 0


def plugins(options: Namespace) -> int:
    """Print the plugins; 1 if one of them is broken."""
    with redirect_stdout(sys.stderr):
        found = examination.plugin_reports()
    if options.json:
        _json([asdict(plugin) for plugin in found])
    else:
        print(f"Plugins in {sys.prefix}:")
        _print_plugins(found)
    if options.verbose and not options.json:
        for plugin in found:
            if plugin.trace:
                print(f"\n--- {plugin.name} of {plugin.distribution} {plugin.version}\n{plugin.trace.rstrip()}")
    return int(any(plugin.broken for plugin in found))


def doctor(options: Namespace) -> int:
    """Print everything that is known of the installation; 1 if there is something to mend."""
    with redirect_stdout(sys.stderr):
        report = examination.examine()
    if options.json:
        _json(report.as_dict())
    else:
        _print_report(report)
    return int(not report.healthy)


def _print_report(report: examination.Report) -> None:
    print(f"Python {report.python} on {report.platform}")
    _table([("executable", report.executable), ("prefix", report.prefix)], indent=2)
    print("\nDistributions")
    _table(sorted(report.distributions.items()), indent=2)
    print("\nEnvironment variables")
    _table(sorted(report.environment.items()) or [("none set",)], indent=2)
    print("\nBackends")
    _print_backends(report.backends)
    print("\nPlugins")
    _print_plugins(report.plugins)
    print()
    for finding in report.findings:
        print(f"{finding.level}: {finding.subject}: {finding.text}")
        if finding.remedy:
            print(f"    what to do: {finding.remedy}")
    print("Nothing to mend." if report.healthy else "There is something to mend.")


def _print_backends(found: Sequence[examination.BackendReport]) -> None:
    rows = [("NAME", "STATE", "DISTRIBUTION", "DEVICES")]
    details = [""]
    for backend in found:
        rows.append(
            (backend.name, backend.state, f"{backend.distribution} {backend.version}", ", ".join(backend.devices))
        )
        able = " ".join(name for name, value in backend.capabilities.items() if value is True)
        unable = " ".join(name for name, value in backend.capabilities.items() if value is False)
        limits = " ".join(
            f"{name}={value}" for name, value in backend.capabilities.items() if value not in (True, False, None)
        )
        lines = (
            ("can: ", able),
            ("cannot: ", unable),
            ("limits: ", limits),
            ("", backend.reason),
            ("what to do: ", backend.remedy),
        )
        details.append("".join(f"\n      {label}{text}" for label, text in lines if text))
    _table(rows, details)


def _print_plugins(found: Sequence[examination.PluginReport]) -> None:
    rows = [("NAME", "STATE", "MS", "DISTRIBUTION", "GROUP")]
    rows += [(p.name, p.state, f"{p.load_ms:.1f}", f"{p.distribution} {p.version}", p.group) for p in found]
    _table(rows, ["", *map(_details, found)])


def _details(plugin: examination.PluginReport) -> str:
    """What there is to say of a plugin below its row."""
    others = f"{', '.join(plugin.overrides)} ({'in use' if plugin.overriding else 'not in use'})"
    lines = [plugin.cause, _listing(plugin.ops), f"overrides {others}" if plugin.overrides else ""]
    return "".join(f"\n      {line}" for line in lines if line)


def _listing(ops: Sequence[str], most: int = 8) -> str:
    more = f" and {len(ops) - most} more" if len(ops) > most else ""
    return f"ops: {' '.join(ops[:most])}{more}" if ops else ""


def _table(rows: Sequence[Sequence[str]], details: Sequence[str] = (), indent: int = 2) -> None:
    """Print rows in columns as wide as their longest entry, each followed by its details."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for index, row in enumerate(rows):
        line = "  ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True)).rstrip()
        print(f"{' ' * indent}{line}{details[index] if details else ''}")


def _json(value: Any) -> int:
    print(json.dumps(value, indent=2))
    return 0
