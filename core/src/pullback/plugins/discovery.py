"""Discovery: which plugins are installed, and loading one of them without being harmed by it.

Metadata is read once per process. A plugin passes, before any of its code runs: the check of its generation, the block
and allow lists, the check that its name has one owner, and the check that the installed core is the one that its
distribution asks for. What fails is recorded on the plugin, where `pullback plugins` finds it.
"""

from __future__ import annotations

import os
import re
import sys
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from pullback.errors import PluginError

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

BACKENDS: Final = "pullback.backends.v1"
OPS: Final = "pullback.ops.v1"
LISTS: Final = ("PULLBACK_BLOCK_PLUGINS", "PULLBACK_LOAD_PLUGINS")
"""The environment variables that name plugins or distributions: never these; no others than these."""
BROKEN: Final = ("conflict", "incompatible", "failed")

_TRUE: Final = {"1", "true", "yes", "on"}
_FALSE: Final = {"0", "false", "no", "off", ""}
_scanning = RLock()
on_refresh: Final[list[Callable[[], None]]] = []
"""What else to forget when the metadata is read again."""


class Plugin:
    """One entry point, and what became of it.

    `state`: found, loaded, blocked, conflict, incompatible or failed; `cause` says why in one line, `trace` in full.
    """

    def __init__(
        self,
        group: str,
        name: str,
        distribution: str,
        version: str,
        entry: EntryPoint | None,
        dist: Distribution,
        state: str = "found",
        cause: str = "",
    ) -> None:
        self.group = group
        self.name = name
        self.distribution = distribution
        self.version = version
        self.entry = entry
        self.dist = dist
        self.state = state
        self.cause = cause
        self.trace = ""
        self.load_ms = 0.0
        self.target: Any = None
        self.reported = False
        self.ops: list[str] = []  # what a plugin of ops registered, and what of others it would replace
        self.overrides: list[str] = []

    def __repr__(self) -> str:
        return f"<plugin {self.name} of {self.owner}: {self.state}>"

    @property
    def owner(self) -> str:
        """Distribution and version, as messages name them."""
        return f"{self.distribution} {self.version}"

    @property
    def broken(self) -> bool:
        """Whether something is wrong that somebody should mend."""
        return self.state in BROKEN


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


def trace(text: str) -> None:
    """Say on standard error what is being done with plugins, if PULLBACK_TRACE_PLUGINS is set.

    Nonsense in it is a yes here, and a finding of the doctor: a trace does not stop what it follows.
    """
    if os.environ.get("PULLBACK_TRACE_PLUGINS", "").strip().lower() not in _FALSE:
        print(f"pullback: {text}", file=sys.stderr)


def normalized(distribution: str) -> str:
    """The name of a distribution, spelt as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


# --- what is installed -----------------------------------------------------------------------------------------------


def plugins(group: str | None = None) -> list[Plugin]:
    """The plugins of a group, or all of them, whatever their state."""
    with _scanning:
        return [plugin for plugin in _scan() if group is None or plugin.group == group]


def refresh() -> None:
    """Forget what was found; the next lookup reads the metadata again."""
    with _scanning:
        _scan.cache_clear()
    for forget in on_refresh:
        forget()


def distributions() -> dict[str, Distribution]:
    """Every installed distribution by its normalised name; the first on `sys.path` shadows the others."""
    from importlib import metadata  # noqa: PLC0415  40 ms that `import pullback` does not pay

    found: dict[str, Distribution] = {}
    for dist in metadata.distributions():
        try:
            found.setdefault(normalized(dist.metadata["Name"]), dist)
        except Exception:  # noqa: BLE001  a half-removed distribution is no reason to stop
            continue
    return found


@lru_cache(maxsize=1)
def _scan() -> tuple[Plugin, ...]:
    """Every plugin of every generation, in an order that does not depend on directories."""
    start = time.perf_counter()
    found = [plugin for dist in distributions().values() for plugin in _entries(dist)]
    found.sort(key=lambda plugin: (plugin.group, plugin.name, plugin.distribution))
    for plugin in found:
        _judge(plugin, found)
    for variable, unknown in unknown_names(found).items():
        warnings.warn(f"{variable}: no plugin or distribution named {', '.join(unknown)}", RuntimeWarning, stacklevel=4)
    trace(f"found {len(found)} plugins in {(time.perf_counter() - start) * 1e3:.1f} ms")
    for plugin in found:
        trace(f"{plugin.name} of {plugin.owner} ({plugin.group}): {plugin.state}{plugin.cause and ': '}{plugin.cause}")
    return tuple(found)


def _entries(dist: Distribution) -> list[Plugin]:
    owner = (dist.name, dist.version or "?")
    try:
        entries = [e for e in dist.entry_points if e.group.startswith(("pullback.backends.", "pullback.ops."))]
    except Exception as error:  # noqa: BLE001  what the parser of the standard library makes of a garbled file
        if "[pullback." not in (dist.read_text("entry_points.txt") or ""):
            return []
        cause = f"its entry_points.txt cannot be read: {type(error).__name__}: {error}"
        return [Plugin(BACKENDS, dist.name, *owner, None, dist, "failed", cause)]
    return [Plugin(e.group, e.name, *owner, e, dist) for e in entries]


def _judge(plugin: Plugin, found: list[Plugin]) -> None:
    """What can be said of a plugin without running it."""
    if plugin.state != "found":
        return
    if plugin.group not in (BACKENDS, OPS):
        plugin.state = "incompatible"
        plugin.cause = f"it is made for {plugin.group}; this pullback speaks {BACKENDS} and {OPS}"
    elif variable := _blocked_by(plugin):
        plugin.state, plugin.cause = "blocked", f"by {variable}={os.environ[variable]}"
    elif rivals := [p for p in found if p is not plugin and _same_name(p, plugin) and not _blocked_by(p)]:
        plugin.state = "conflict"
        plugin.cause = (
            f"the name {plugin.name!r} is also claimed by {', '.join(p.owner for p in rivals)}; none is loaded. "
            f"Uninstall one, or block one by its distribution: PULLBACK_BLOCK_PLUGINS={rivals[0].distribution}"
        )
    elif problem := requirement_problem(plugin.dist, "pullback"):
        plugin.state = "incompatible"
        plugin.cause = f"{problem}; install versions of pullback and {plugin.distribution} that belong together"


def _same_name(one: Plugin, other: Plugin) -> bool:
    return (one.group, one.name) == (other.group, other.name)


# --- block and allow lists -------------------------------------------------------------------------------------------


def _listed(variable: str) -> frozenset[str] | None:
    """The names in a list, as they are and normalised; None if the variable is not set."""
    text = os.environ.get(variable)
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    return frozenset(names) | frozenset(map(normalized, names))


def _blocked_by(plugin: Plugin) -> str:
    """The variable that keeps a plugin out, or nothing."""
    mine = {plugin.name, normalized(plugin.distribution)}
    blocked, allowed = map(_listed, LISTS)
    if blocked and mine & blocked:
        return LISTS[0]
    return LISTS[1] if allowed is not None and not mine & allowed else ""


def unknown_names(found: list[Plugin]) -> dict[str, list[str]]:
    """For each list, the names in it that nobody has: a misspelt name blocks nothing."""
    known = {name for plugin in found for name in (plugin.name, normalized(plugin.distribution))}
    unknown = {}
    for variable in LISTS:
        names = [name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()]
        strangers = sorted(name for name in names if name not in known and normalized(name) not in known)
        if strangers:
            unknown[variable] = strangers
    return unknown


# --- versions --------------------------------------------------------------------------------------------------------


def requirement_problem(dist: Distribution, on: str) -> str:
    """How the installed version of the distribution `on` differs from what `dist` requires, or nothing.

    Installers leave a plugin in place that no longer fits an upgraded core; better said than run.
    """
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        installed = version(on)
    except PackageNotFoundError:
        return ""
    unmet = [text for text in dist.requires or () if not _satisfied(text, on, installed)]
    return f"it needs {', '.join(unmet)}, but {on} {installed} is installed" if unmet else ""


def _satisfied(requirement: str, on: str, installed: str) -> bool:
    """Whether a requirement, if it is one on `on`, takes the installed version.

    Without `packaging`, which core does not depend on, only exact pins are judged: what first-party distributions use.
    """
    try:
        from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415
    except ImportError:
        pin = re.fullmatch(r"\s*([\w.-]+)\s*(?:\[.*\])?\s*\(?==\s*([\w.!+-]+)\)?\s*", requirement)
        return pin is None or normalized(pin[1]) != on or pin[2] == installed
    try:
        wanted = Requirement(requirement)
    except InvalidRequirement:
        return True
    applies = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
    return normalized(wanted.name) != on or not applies or wanted.specifier.contains(installed, prereleases=True)


def speaks(api: Any, ours: tuple[int, int]) -> bool:
    """Whether a plugin of this api generation and revision can be used: an older revision can, a newer one cannot."""
    numbers = isinstance(api, tuple) and len(api) == 2 and all(isinstance(part, int) for part in api)
    return numbers and api[0] == ours[0] and api[1] <= ours[1]


# --- loading ---------------------------------------------------------------------------------------------------------


def load(plugin: Plugin) -> Any:
    """Import what the entry point names. A failure is recorded on the plugin and raised as `PluginError`."""
    if plugin.state == "found" and plugin.entry is not None:
        start = time.perf_counter()
        try:
            plugin.target = plugin.entry.load()
            plugin.state = "loaded"
        except (Exception, SystemExit) as error:  # native libraries raise OSError, RuntimeError, ...; some exit
            raise fail(plugin, error) from error
        finally:
            plugin.load_ms += (time.perf_counter() - start) * 1e3
            trace(f"imported {plugin.name} of {plugin.owner} in {plugin.load_ms:.1f} ms: {plugin.state}")
    if plugin.state != "loaded":
        raise _refusal(plugin)
    return plugin.target


def fail(plugin: Plugin, error: BaseException) -> PluginError:
    """Record why a plugin cannot be used, and return the error to raise. The exception itself is not kept."""
    plugin.state = "failed"
    plugin.cause = f"{type(error).__name__}: {error}"
    if plugin.entry is not None and _is_stale(plugin.entry, error):
        plugin.cause += (
            f" (the entry point names {plugin.entry.value}, which is not there: if {plugin.distribution} is an "
            f"editable install, reinstall it)"
        )
    import traceback  # noqa: PLC0415  only where something failed

    plugin.trace = "".join(traceback.format_exception(error))
    plugin.target = None
    return PluginError(describe(plugin))


def reject(plugin: Plugin, state: str, cause: str) -> PluginError:
    """Record that a plugin is not what it should be, and return the error to raise."""
    plugin.state, plugin.cause, plugin.target = state, cause, None
    return PluginError(describe(plugin))


def _is_stale(entry: EntryPoint, error: BaseException) -> bool:
    """Whether what the entry point itself names is missing, and not something that its code asks for."""
    if isinstance(error, ModuleNotFoundError):
        return error.name is not None and f"{entry.module}.".startswith(f"{error.name}.")
    module = getattr(error, "obj", None)
    return isinstance(error, AttributeError) and getattr(module, "__name__", None) == entry.module


def _refusal(plugin: Plugin) -> PluginError:
    """The error for a plugin that was asked for by name and is known to be unusable."""
    error = PluginError(describe(plugin))
    if plugin.trace:
        error.add_note(f"When it was first loaded:\n{plugin.trace}")
    return error


def describe(plugin: Plugin) -> str:
    """What is wrong with a plugin, whose it is, and how to be rid of it."""
    text = f"plugin {plugin.name!r} of {plugin.owner} ({plugin.group}) cannot be used: {plugin.state}: {plugin.cause}"
    if plugin.state == "blocked":
        return text
    block = plugin.distribution if plugin.state == "conflict" else plugin.name
    return f"{text}. To go on without it: PULLBACK_BLOCK_PLUGINS={block}, or pip uninstall {plugin.distribution}"


def report(plugin: Plugin) -> None:
    """A plugin that nobody asked for by name is broken: warn, once; or raise if PULLBACK_STRICT_PLUGINS is set."""
    if not plugin.broken:
        return
    if flag("PULLBACK_STRICT_PLUGINS"):
        raise _refusal(plugin)
    if not plugin.reported:
        plugin.reported = True
        warnings.warn(describe(plugin), RuntimeWarning, stacklevel=3)
