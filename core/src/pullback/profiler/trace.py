"""A trace file in the Trace Event Format, which chrome://tracing and https://ui.perfetto.dev open.

The format is Google's "Trace Event Format" (2016): complete events "X" with a start `ts` and a duration `dur` in
microseconds, counters "C" and metadata "M".
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable
from typing import Any

from pullback.profiler.events import Event, Saved


def trace(events: Iterable[Event], saved: Iterable[Saved], origin: int) -> dict[str, Any]:
    """The content of the file; `origin` is where time begins."""
    pid = os.getpid()
    found: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "ts": 0, "args": {"name": "pullback"}}
    ]
    threads: dict[int, int] = {}
    for event in sorted(events, key=lambda event: (event.start, -event.duration)):
        tid = threads.get(event.thread)
        if tid is None:
            tid = threads[event.thread] = len(threads) + 1
            label = {"name": f"thread {event.thread}"}
            found.append({"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "ts": 0, "args": label})
        args: dict[str, Any] = {"self_us": event.own / 1000}
        if event.nbytes:
            args["allocated_bytes"] = event.nbytes
        if event.note:
            args["grad_fn" if event.kind == "backward" else "shapes"] = event.note
        found.append(
            {
                "ph": "X",
                "cat": event.kind,
                "name": event.note if event.kind == "backward" else event.name,
                "pid": pid,
                "tid": tid,
                "ts": (event.start - origin) / 1000,
                "dur": event.duration / 1000,
                "args": args,
            }
        )
    total = 0
    for kept in sorted(saved, key=lambda kept: kept.time):
        total += kept.nbytes
        found.append(
            {
                "ph": "C",
                "name": "bytes saved so far",
                "pid": pid,
                "tid": 0,
                "ts": (kept.time - origin) / 1000,
                "args": {"bytes": total},
            }
        )
    return {"traceEvents": found, "displayTimeUnit": "ms"}


def write(content: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a trace; compressed if the name ends in .gz."""
    text = json.dumps(content)
    if os.fspath(path).endswith(".gz"):
        with gzip.open(path, "wt", encoding="utf-8") as file:
            file.write(text)
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
