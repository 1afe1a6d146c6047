"""The hooks of a plugin of ops, and the mark of a function that implements one.

pluggy is imported by whoever marks or reads hooks: when the first plugin of ops is loaded, and not before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pluggy import PluginManager

    from pullback.plugins.registry import Registrar

PROJECT: Final = "pullback"
API: Final = (1, 0)
"""Generation and revision of these hooks. A plugin may say `pullback_api = (1, 0)`: what it was written for."""


def hookimpl(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Mark a function of a plugin as the implementation of the hook of its name. (The options are pluggy's.)

    >>> from pullback.extend import hookimpl, op
    >>> @op
    ... def swish(xp, x):
    ...     return x / (1 + xp.exp(-x))
    >>> @hookimpl
    ... def pullback_register_ops(register):
    ...     register(swish)
    """
    from pluggy import HookimplMarker  # noqa: PLC0415  30 ms that `import pullback` does not pay

    return HookimplMarker(PROJECT)(function, **options)


def pullback_register_ops(register: Registrar) -> None:
    """Called once, when the plugin's namespace is first used: `register(op)` for each op."""


def manager() -> PluginManager:
    """A plugin manager that knows these hooks. One for each plugin: what goes wrong in it stays in it."""
    from pluggy import HookspecMarker, PluginManager  # noqa: PLC0415

    made = PluginManager(PROJECT)
    HookspecMarker(PROJECT)(pullback_register_ops)
    made.add_hookspecs(sys.modules[__name__])
    return made


def hooks_of(made: PluginManager, target: Any) -> list[str]:
    """The hooks that a target implements, misspelt ones too."""
    return [name for name in dir(target) if made.parse_hookimpl_opts(target, name) is not None]
