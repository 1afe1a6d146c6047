"""Backends by name, by array and by device; and the default device.

A backend is loaded when its name, one of its devices or one of its arrays is first met. `numpy` and `cupy` are looked
up by the device names that everybody types, so that nothing else is loaded to learn who owns "cpu".
"""

from __future__ import annotations

import copyreg
import itertools
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from pullback.backend import API, Availability, Backend
from pullback.devices import Device, context_device
from pullback.errors import ArgumentError, BackendError, BackendNotFoundError, BackendUnavailableError, PluginError
from pullback.generic import GenericBackend
from pullback.plugins import discovery

_KNOWN_DEVICE_TYPES: Final = {"cpu": "numpy", "cuda": "cupy"}
EXTRAS: Final = {"numpy": ("cpu",), "cupy": ("cuda13", "cuda12"), "dask": ("dask",), "strict": ("strict",)}
"""The extras of `pullback` that install each first-party backend, the likeliest first."""

_loaded: dict[str, Backend] = {}
_by_type: dict[type, Backend] = {}
watchers: list[Callable[[Backend], None]] = []
"""Who wants to see every backend that becomes known: a profiler, as long as it is on."""
_default: ContextVar[Device | None] = ContextVar("pullback_default_device", default=None)


# --- by name ---------------------------------------------------------------------------------------------------------


def names() -> list[str]:
    """The names of all installed backends, usable or not.

    >>> import pullback as pb
    >>> "numpy" in pb.backends()
    True
    """
    return sorted({plugin.name for plugin in discovery.plugins(discovery.BACKENDS)} | set(_loaded))


def backend(name: str) -> Backend:
    """The backend of this name, loaded on first use.

    Raises `BackendNotFoundError` with what is installed and what could be, `PluginError` with the cause if it is
    broken.
    """
    found = _loaded.get(name)
    return _load(_plugin(name)) if found is None else found


def loaded() -> list[Backend]:
    """The backends that were loaded so far."""
    return list(_loaded.values())


def _plugin(name: str) -> discovery.Plugin:
    """The one plugin to load for a name: of several, all are in conflict but the one that is not blocked."""
    candidates = [plugin for plugin in discovery.plugins(discovery.BACKENDS) if plugin.name == name]
    if candidates:
        return next((plugin for plugin in candidates if plugin.state != "blocked"), candidates[0])
    for plugin in discovery.plugins():
        if plugin.name == name and plugin.group.startswith("pullback.backends."):
            raise PluginError(discovery.describe(plugin))
    raise BackendNotFoundError(f"there is no backend {name!r}.{_choices()}")


def _load(plugin: discovery.Plugin) -> Backend:
    """Make the backend of a plugin, once its class has shown that it speaks this pullback's language."""
    target = discovery.load(plugin)
    if not (isinstance(target, Backend) or (isinstance(target, type) and issubclass(target, Backend))):
        raise discovery.reject(plugin, "failed", f"{target!r} is not a Backend")
    if not discovery.speaks(target.api, API):
        raise discovery.reject(plugin, "incompatible", f"it speaks backend api {target.api}, this pullback {API}")
    try:
        made = target() if isinstance(target, type) else target
    except (Exception, SystemExit) as error:
        raise discovery.fail(plugin, error) from error
    if made.name != plugin.name:
        raise discovery.reject(plugin, "failed", f"its backend is called {made.name!r} and not {plugin.name!r}")
    return register(made)


def register(made: Backend) -> Backend:
    """Make a backend known under its name without packaging it. `PluginError` if another one has the name."""
    is_new = made.name not in _loaded
    known = _loaded.setdefault(made.name, made)
    if is_new:
        for watch in watchers:
            watch(known)
    if known is not made and type(known) is not type(made):
        raise PluginError(f"the backend name {made.name!r} is taken by {known!r} of {type(known).__module__}")
    return known


def availability(made: Backend) -> Availability:
    """Whether a backend can run here; one that fails to answer cannot."""
    try:
        return made.available()
    except Exception as error:  # noqa: BLE001  native libraries fail in every way there is
        return Availability(False, f"{type(error).__name__}: {error}", f"reinstall the backend {made.name!r}")


def _working(first: str) -> Iterator[Backend]:
    """Every backend that loads, the one of this name first; the broken ones are reported on the way."""
    for name in sorted(names(), key=lambda name: name != first):
        try:
            made = backend(name)
        except PluginError:
            discovery.report(_plugin(name))
        else:
            yield made


# --- by array --------------------------------------------------------------------------------------------------------


def of_array(array: Any) -> Backend | None:
    """The backend whose array this is, or None. Looked up by exact type, once per type."""
    kind = type(array)
    found = _by_type.get(kind)
    if found is None:
        found = _search(array)
        if found is not None:
            _by_type[kind] = found
    return found


def _search(array: Any) -> Backend | None:
    """Who owns an array: a loaded backend, the one named like the array's library, any other; else a generic one."""
    module = type(array).__module__.partition(".")[0]
    if module == "builtins":
        return None
    modules = {parent.__module__.partition(".")[0] for parent in type(array).__mro__}
    for made in itertools.chain(list(_loaded.values()), _working(first=module)):
        if any(map(made.owns, modules)) and isinstance(array, made.array_types):
            return made
    return _generic(array) if hasattr(array, "__array_namespace__") else None


def _generic(array: Any) -> Backend:
    """A backend for a library that has none of its own: one for each namespace."""
    namespace = array.__array_namespace__()
    for made in _loaded.values():
        if isinstance(made, GenericBackend) and made.namespace is namespace:
            return made
    made = GenericBackend(type(array), namespace, _host_from_dlpack)
    if made.name in names():
        made.name = f"{type(array).__module__}.{type(array).__qualname__}"
    return register(made)


def _host_from_dlpack(array: Any) -> Any:
    return backend("numpy").namespace.from_dlpack(array)


# --- by device -------------------------------------------------------------------------------------------------------


def device(type: Any, index: int | None = None) -> Device:
    """A device from its name: `"cpu"`, `"cuda:1"`, a backend's name, or `"backend:device"`. Devices pass through.

    `device("cuda", 1)` is `device("cuda:1")`. Raises `ArgumentError` for what is no name, `BackendNotFoundError` if
    nobody installed knows the name, `BackendUnavailableError` if its backend cannot run here, `PluginError` if it is
    broken.

    >>> import pullback as pb
    >>> pb.device("cpu").backend
    <backend numpy>
    """
    if isinstance(type, Device) and index is None:
        return type
    if not isinstance(type, str) or not type:
        raise ArgumentError(f"device: a name such as 'cpu', 'cuda:0' or a Device is needed, got {type!r}")
    spec = type if index is None else f"{type}:{index}"
    owner = _owner(spec)
    status = availability(owner)
    if not status.ok:
        raise BackendUnavailableError(f"device {spec!r}: backend {owner.name!r} is installed but cannot run: {status}")
    return owner.device(owner.parse_device(spec))


def _owner(spec: str) -> Backend:
    """Who is meant by a device's name: the backend of that name, the usual one for it, or one that claims it."""
    kind = spec.partition(":")[0]
    installed = names()
    for name in (kind, _KNOWN_DEVICE_TYPES.get(kind)):
        if name in installed:
            return backend(name)
    for made in _working(first=kind):
        if kind in made.device_types:
            return made
    missing = next((name for name in (kind, _KNOWN_DEVICE_TYPES.get(kind)) if name in EXTRAS), None)
    if missing:
        raise BackendNotFoundError(
            f"device {spec!r} needs the backend {missing!r}, which is not installed.{_choices()}"
        )
    known = " ".join(map(repr, _KNOWN_DEVICE_TYPES))
    raise BackendNotFoundError(f"nobody knows the device {spec!r}; well known ones are {known}.{_choices()}")


def _choices() -> str:
    """What an error says of the backends that are installed, and of those that could be."""
    lines = [f"installed: {name}: {_summary(name)}" for name in names()]
    for name, extras in EXTRAS.items():
        if name not in names():
            commands = " or ".join(f"pip install 'pullback[{extra}]'" for extra in extras)
            lines.append(f"to install {name}: {commands}")
    return "".join(f"\n  {line}" for line in lines)


def _summary(name: str) -> str:
    try:
        made = backend(name)
    except PluginError:
        return f"{_plugin(name).state}, see `pullback doctor`"
    status = availability(made)
    return f"devices {' '.join(map(repr, (*made.device_types, name)))}" if status.ok else f"cannot run here: {status}"


# --- the default -----------------------------------------------------------------------------------------------------


def default_device() -> Device:
    """Where new arrays go: the innermost `with pb.device(...)`, else `pb.set_default_device`, else the environment
    variable PULLBACK_DEVICE or PULLBACK_BACKEND, else "cpu" if a backend for it can run, else the only backend that
    can.

    Raises `BackendNotFoundError` if that leaves none.

    >>> import pullback as pb
    >>> pb.get_default_device()
    device(type='cpu')
    """
    return context_device() or _default.get() or _from_environment() or _natural_default()


def _from_environment() -> Device | None:
    for variable in ("PULLBACK_DEVICE", "PULLBACK_BACKEND"):
        named = os.environ.get(variable)
        if named:
            try:
                return device(named)
            except (BackendError, PluginError) as error:
                raise type(error)(f"environment variable {variable}={named}: {error}") from error
    return None


@lru_cache(maxsize=1)
def _natural_default() -> Device:
    usual, usable = _KNOWN_DEVICE_TYPES["cpu"], []
    for made in _working(first=usual):
        if made.default_candidate and availability(made).ok:
            usable.append(made)
            if made.name == usual:
                break
    if len(usable) == 1:
        return usable[0].device(usable[0].default_native_device())
    problem = "several backends could be meant" if usable else "no backend can run here"
    raise BackendNotFoundError(
        f"no default device: {problem}. Choose one by device=..., pb.set_default_device(...) or the environment variable "
        f"PULLBACK_DEVICE, or install one.{_choices()}"
    )


def set_default_device(spec: Any) -> None:
    """Set where new arrays go, in the current context (thread, asyncio task); None undoes it.

    >>> import pullback as pb
    >>> pb.set_default_device("cpu")
    >>> pb.set_default_device(None)
    """
    _default.set(None if spec is None else device(spec))


copyreg.pickle(Device, lambda d: (device, (d.name,)))
__all__ = [
    "backend",
    "default_device",
    "device",
    "loaded",
    "names",
    "of_array",
    "register",
    "set_default_device",
    "watchers",
]
