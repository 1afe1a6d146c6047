"""Replacing a file as a whole: whenever the process or the machine stops, the old file is there, or the new one.

The new bytes go to a file beside the old one, which is then renamed over it; both are brought to the disk first. A
process that is killed leaves its file behind; the next one that replaces the same path takes it away. Whose writer still
lives is known by a lock, which ends with the process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE
from typing import Any, BinaryIO

locks: Any = None
with suppress(ImportError):  # Windows has none; nobody can remove or rename a file there that is open
    locks = import_module("fcntl")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` at the end of the block; after an error, `path` is as it was.

    A link is followed, and a file that is replaced keeps its mode.
    """
    target = Path(os.path.realpath(path))
    _remove_abandoned(target)
    descriptor, mine = _create(target)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with suppress(OSError, AttributeError):
                os.fchmod(descriptor, S_IMODE(target.stat().st_mode))
            yield file
            file.flush()
            _bring_to_disk(descriptor)
            if locks is not None:
                os.replace(mine, target)  # before the lock ends
        if locks is None:
            os.replace(mine, target)
    except BaseException:
        with suppress(FileNotFoundError):
            mine.unlink()
        raise
    if locks is not None:
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            _bring_to_disk(directory)  # the new name too
        finally:
            os.close(directory)


def _create(target: Path) -> tuple[int, Path]:
    """A new file beside the target, open and locked."""
    while True:
        mine = target.with_name(f".{target.name}.{token_hex(4)}.tmp")
        descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        if _locked(descriptor, wait=True) is None or os.fstat(descriptor).st_nlink:
            return descriptor, mine
        os.close(descriptor)  # another process took it for abandoned before it was locked


def _remove_abandoned(target: Path) -> None:
    for other in target.parent.glob(f".{glob_escaped(target.name)}.????????.tmp"):
        with suppress(OSError):
            descriptor = os.open(other, os.O_WRONLY)
            try:
                if _locked(descriptor, wait=False):
                    other.unlink()
            finally:
                os.close(descriptor)
            if locks is None:
                other.unlink()


def glob_escaped(name: str) -> str:
    """A pattern that matches this name only."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _locked(descriptor: int, *, wait: bool) -> bool | None:
    """Lock a file: whether it is ours now, or None if nothing is locked here."""
    if locks is None:
        return None
    try:
        locks.flock(descriptor, locks.LOCK_EX | (0 if wait else locks.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


def _bring_to_disk(descriptor: int) -> None:
    """Have what was written on the disk, not only on the way to it."""
    if hasattr(locks, "F_FULLFSYNC"):  # macOS, whose fsync leaves it in the cache of the disk
        with suppress(OSError):  # a file system that does not know it
            locks.fcntl(descriptor, locks.F_FULLFSYNC)
            return
    os.fsync(descriptor)
