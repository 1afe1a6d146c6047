"""Every error that pullback raises on purpose. A leaf module.

Each class is also the built-in that a PyTorch user would catch.

::

    PullbackError
    ├── AutogradError (RuntimeError)        misuse of the graph: no gradient to compute, a leaf overwritten, ...
    │   ├── GraphFreedError                 a second pass over a graph whose residuals are gone
    │   ├── OverwrittenError                a value that a rule needs was written in place
    │   ├── DegenerateError                 a derivative that depends on an arbitrary choice (a basis, a phase)
    │   ├── AnomalyError                    a NaN or an infinity, found by detect_anomaly
    │   ├── CheckpointError                 a checkpoint that computed something else the second time
    │   ├── GradcheckError                  a derivative that does not agree with differences
    │   └── CotangentError                  a rule, Function or hook returned the wrong number, shape or dtype
    ├── NoDerivativeError (NotImplementedError)   the op has no rule for what was asked
    ├── BackendError (RuntimeError)
    │   ├── BackendMismatchError (TypeError)      one op, two backends or two devices
    │   ├── BackendNotFoundError (ValueError)     nobody installed claims this name or device
    │   └── BackendUnavailableError               installed, but cannot run here
    ├── DTypeError (TypeError, RuntimeError)      a dtype that the op or the graph cannot take
    ├── ShapeError (ValueError, RuntimeError)     shapes that do not fit together
    ├── IndexingError (IndexError)                an index that the array does not have
    ├── ArgumentError (TypeError, ValueError)     something that is not an array, or not an option
    └── PluginError (RuntimeError)                a plugin that cannot be loaded, asked for by name
"""

from __future__ import annotations

__all__ = [
    "AnomalyError",
    "ArgumentError",
    "AutogradError",
    "BackendError",
    "BackendMismatchError",
    "BackendNotFoundError",
    "BackendUnavailableError",
    "CheckpointError",
    "CotangentError",
    "DTypeError",
    "DegenerateError",
    "GradcheckError",
    "GraphFreedError",
    "IndexingError",
    "NoDerivativeError",
    "OverwrittenError",
    "PluginError",
    "PullbackError",
    "ShapeError",
]


class PullbackError(Exception):
    """Root of every error that pullback raises on purpose."""


class AutogradError(PullbackError, RuntimeError):
    """The graph was asked for something that it cannot give."""


class GraphFreedError(AutogradError):
    """A second pass over a graph whose residuals the first pass released."""

    def __init__(self, op: str) -> None:
        super().__init__(
            f"backward: the graph was already used: the residuals of {op} were released by an earlier backward() or "
            f"grad(). Pass retain_graph=True to every call but the last, or run the forward computation again."
        )


class OverwrittenError(AutogradError):
    """A value saved for the reverse pass was written in place after it was saved."""


class DegenerateError(AutogradError):
    """The derivative asked for depends on a choice that a decomposition makes arbitrarily."""


class AnomalyError(AutogradError):
    """A value or a gradient that is not finite, found by `detect_anomaly`."""


class CheckpointError(AutogradError):
    """The function of a checkpoint did not save the same values when it ran again."""


class GradcheckError(AutogradError):
    """A derivative that `gradcheck` found to be wrong."""


class CotangentError(AutogradError):
    """A rule, a Function or a hook returned cotangents of the wrong number, shape or dtype."""


class NoDerivativeError(PullbackError, NotImplementedError):
    """The op has no rule in the requested mode, or for the requested argument."""


class BackendError(PullbackError, RuntimeError):
    """Something about backends or devices."""


class BackendMismatchError(BackendError, TypeError):
    """Operands of one op live on different backends or devices."""


class BackendNotFoundError(BackendError, ValueError):
    """No installed backend has this name, claims this device, or owns this array type."""


class BackendUnavailableError(BackendError):
    """The backend is installed but cannot run on this machine."""


class DTypeError(PullbackError, TypeError, RuntimeError):
    """A dtype that the operation cannot take."""


class ShapeError(PullbackError, ValueError, RuntimeError):
    """Shapes that do not fit together."""


class IndexingError(PullbackError, IndexError):
    """An index that the array does not have."""


class ArgumentError(PullbackError, TypeError, ValueError):
    """An argument that is not an array, or an option that does not exist."""


class PluginError(PullbackError, RuntimeError):
    """A plugin that was asked for by name and cannot be loaded."""
