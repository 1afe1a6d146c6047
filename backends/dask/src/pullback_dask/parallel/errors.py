"""What can go wrong between here and the workers."""

from __future__ import annotations

import traceback
from typing import Any

from pullback.errors import PullbackError


class ClusterError(PullbackError, RuntimeError):
    """The cluster cannot do what was asked: no client, no workers, no scheduler, or data that died with it."""


class BlockError(ClusterError):
    """The code that runs on one block of the data raised, each time that it was tried.

    `block` is its number, `name` what the data call it, `worker` the address of the worker that tried last, `trace` the
    traceback there, as text. The error itself is the `__cause__`, if it can be sent from one process to another.
    """

    def __init__(self, block: int, name: str, worker: str, reason: str, trace: str) -> None:
        super().__init__(block, name, worker, reason, trace)
        self.block = block
        self.name = name
        self.worker = worker
        self.reason = reason
        self.trace = trace

    @classmethod
    def of(cls, error: BaseException, block: int, worker: str, name: str = "") -> BlockError:
        """What became of a block where `error` was raised."""
        return cls(block, name, worker, f"{type(error).__name__}: {error}", _trace(error))

    def __str__(self) -> str:
        named = f" ({self.name})" if self.name else ""
        return f"block {self.block}{named} failed on the worker {self.worker}: {self.reason}\n\n{self.trace}".rstrip()

    def renamed(self, name: str) -> BlockError:
        """The same error of a block that is called `name`."""
        made: Any = BlockError(self.block, name, self.worker, self.reason, self.trace)
        made.__cause__ = self.__cause__
        return made  # type: ignore[no-any-return]


_MACHINERY = ("pullback", "pullback_dask", "dask", "distributed")


def _trace(error: BaseException) -> str:
    """The traceback from where the caller's code begins; all of it if that did not come to run."""
    text = traceback.TracebackException.from_exception(error)
    modules = [
        str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    del text.stack[: next((i for i, module in enumerate(modules) if module not in _MACHINERY), 0)]
    return "".join(text.format())
