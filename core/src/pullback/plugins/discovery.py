"""Discovery: which plugins are installed, and loading one of them without being harmed by it.

Metadata is read once per process. A plugin passes, before any of its code runs: the block and allow lists, the check
that its name has one owner, and the check that the installed core is the one that its distribution asks for.
"""

from __future__ import annotations

import os
import time
import traceback
import warnings
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pullback.errors import PluginError

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

BACKENDS: Final = "pullback.backends.v1"
OPS: Final = "pullback.ops.v1"

_TRUE: Final = {"1", "true", "yes", "on"}
_FALSE: Final = {"0", "false", "no", "off", ""}


@dataclass
class Plugin:
    """One entry point, and what became of it.

    `state`: found, loaded, blocked, conflict, incompatible or failed; `cause` says why in one line, `trace` in full.
    """

    group: str
    name: str
    distribution: str
    version: str
    entry: EntryPoint = field(repr=False)
    dist: Distribution = field(repr=False)
    state: str = "found"
    cause: str = ""
    trace: str = field(default="", repr=False)
    load_ms: float = 0.0
    target: Any = field(default=None, repr=False)

    @property
    def owner(self) -> str:
        """Distribution and version, as messages name them."""
        return f"{self.distribution} {self.version}"


def flag(variable: str) -> bool:
    """A boolean environment variable; nonsense is an error, not a yes."""
    text = os.environ.get(variable, "").strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise PluginError(
        f"environment variable {variable}={text!r} is neither true (1, true, yes, on) nor false (0, false, no, off)"
    )


def _names(variable: str) -> frozenset[str] | None:
    text = os.environ.get(variable)
    return None if text is None else frozenset(name.strip() for name in text.split(",") if name.strip())


@lru_cache(maxsize=1)
def _scan() -> tuple[Plugin, ...]:
    """Every plugin of every generation, in an order that does not depend on directories."""
    from importlib.metadata import distributions  # noqa: PLC0415  40 ms that `import pullback` does not pay

    found: list[Plugin] = []
    seen = set()
    for dist in distributions():
        name = dist.name
        if name is None or name in seen:  # broken metadata; or shadowed by an earlier entry of sys.path
            continue
        seen.add(name)
        ours = [e for e in dist.entry_points if e.group.startswith(("pullback.backends.", "pullback.ops."))]
        found.extend(Plugin(e.group, e.name, name, dist.version, e, dist) for e in ours)
    found.sort(key=lambda plugin: (plugin.group, plugin.name, plugin.distribution))
    for plugin in found:
        _judge(plugin, found)
    _warn_about_unknown_names(found)
    return tuple(found)


def _judge(plugin: Plugin, found: list[Plugin]) -> None:
    """What can be said of a plugin without running it."""
    if plugin.group not in (BACKENDS, OPS):
        plugin.state, plugin.cause = (
            "incompatible",
            f"made for {plugin.group}; this pullback speaks {BACKENDS} and {OPS}",
        )
        return
    if _is_blocked(plugin):
        plugin.state, plugin.cause = "blocked", "by PULLBACK_BLOCK_PLUGINS or PULLBACK_LOAD_PLUGINS"
        return
    rivals = [
        p for p in found if (p.group, p.name) == (plugin.group, plugin.name) and p is not plugin and not _is_blocked(p)
    ]
    if rivals:
        others = ", ".join(p.owner for p in rivals)
        plugin.state = "conflict"
        plugin.cause = (
            f"the name {plugin.name!r} is also claimed by {others}; none is loaded. Uninstall one, or set "
            f"PULLBACK_BLOCK_PLUGINS={rivals[0].distribution}"
        )
        return
    problem = _requirement_problem(plugin)
    if problem:
        plugin.state, plugin.cause = "incompatible", problem


def _is_blocked(plugin: Plugin) -> bool:
    blocked, allowed = _names("PULLBACK_BLOCK_PLUGINS"), _names("PULLBACK_LOAD_PLUGINS")
    mine = {plugin.name, plugin.distribution}
    return bool(blocked and mine & blocked) or (allowed is not None and not mine & allowed)


def _warn_about_unknown_names(found: list[Plugin]) -> None:
    known = {name for plugin in found for name in (plugin.name, plugin.distribution)}
    for variable in ("PULLBACK_BLOCK_PLUGINS", "PULLBACK_LOAD_PLUGINS"):
        unknown = sorted((_names(variable) or frozenset()) - known)
        if unknown:
            warnings.warn(
                f"{variable}: no plugin or distribution named {', '.join(unknown)}", RuntimeWarning, stacklevel=2
            )


def _requirement_problem(plugin: Plugin) -> str:
    """Pip and uv leave a plugin installed that no longer fits the core; say so instead of running it."""
    try:
        from packaging.requirements import Requirement  # noqa: PLC0415  used where it is installed, see below
    except ImportError:  # then the `api` handshake alone decides
        return ""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        installed = version("pullback")
    except PackageNotFoundError:
        return ""
    for text in plugin.dist.requires or ():
        requirement = Requirement(text)
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if (
            requirement.name == "pullback"
            and applies
            and not requirement.specifier.contains(installed, prereleases=True)
        ):
            return f"needs {requirement}, but pullback {installed} is installed; upgrade {plugin.distribution}"
    return ""


def plugins(group: str | None = None) -> list[Plugin]:
    """The plugins of a group, or all of them, whatever their state."""
    return [plugin for plugin in _scan() if group is None or plugin.group == group]


def refresh() -> None:
    """Forget what was found; the next lookup reads the metadata again."""
    _scan.cache_clear()


def load(plugin: Plugin) -> Any:
    """Import what the entry point names. A failure is recorded on the plugin and raised as `PluginError`."""
    if plugin.state == "loaded":
        return plugin.target
    if plugin.state == "found":
        start = time.perf_counter()
        try:
            plugin.target = plugin.entry.load()
            plugin.state = "loaded"
        except Exception as error:  # noqa: BLE001  plugins fail in every way there is (OSError, RuntimeError, ...)
            fail(plugin, error)
        plugin.load_ms = (time.perf_counter() - start) * 1e3
    if plugin.state != "loaded":
        raise PluginError(describe(plugin)) from plugin.target
    return plugin.target


def fail(plugin: Plugin, error: Exception) -> None:
    """Record why a plugin cannot be used."""
    plugin.state = "failed"
    plugin.cause = f"{type(error).__name__}: {error}"
    if isinstance(error, ModuleNotFoundError) and plugin.entry.module.startswith(error.name or "?"):
        plugin.cause += f" (a stale editable install? reinstall {plugin.distribution})"
    plugin.trace = "".join(traceback.format_exception(error))
    plugin.target = error


def describe(plugin: Plugin) -> str:
    """One sentence about a plugin that cannot be used: what, whose, why, and how to be rid of it."""
    return (
        f"plugin {plugin.name!r} of {plugin.owner} ({plugin.group}) is {plugin.state}: {plugin.cause}. To go on without "
        f"it: PULLBACK_BLOCK_PLUGINS={plugin.name}, or pip uninstall {plugin.distribution}"
    )


def report(plugin: Plugin) -> None:
    """A plugin that nobody asked for by name cannot be used: warn once, or raise if PULLBACK_STRICT_PLUGINS is set."""
    if flag("PULLBACK_STRICT_PLUGINS"):
        raise PluginError(describe(plugin)) from plugin.target
    warnings.warn(describe(plugin), RuntimeWarning, stacklevel=3)
