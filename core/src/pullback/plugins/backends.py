"""Backends by name, by array and by device; and the default device.

A backend is loaded when its name, one of its devices or one of its arrays is first met. `numpy` and `cupy` are looked
up by the device names that everybody types, so that nothing else is loaded to learn who owns "cpu".
"""

from __future__ import annotations

import copyreg
import os
from contextvars import ContextVar
from typing import Any, Final

from pullback.backend import API, Backend
from pullback.devices import Device, context_device
from pullback.errors import ArgumentError, BackendNotFoundError, BackendUnavailableError, PluginError
from pullback.generic import GenericBackend
from pullback.plugins import discovery

_KNOWN_DEVICE_TYPES: Final = {"cpu": "numpy", "cuda": "cupy"}
_EXTRAS: Final = {"numpy": "cpu", "cupy": "cuda13", "strict": "strict", "dask": "dask"}

_loaded: dict[str, Backend] = {}
_by_type: dict[type, Backend] = {}
_default: ContextVar[Device | None] = ContextVar("pullback_default_device", default=None)


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
    if found is not None:
        return found
    candidates = [plugin for plugin in discovery.plugins(discovery.BACKENDS) if plugin.name == name]
    if not candidates:
        raise BackendNotFoundError(f"no backend named {name!r}. {_choices()}")
    plugin = next((p for p in candidates if p.state != "blocked"), candidates[0])
    target = discovery.load(plugin)
    made = target() if isinstance(target, type) else target
    api = getattr(made, "api", None)
    if not isinstance(made, Backend) or api is None or api[0] != API[0] or api[1] > API[1]:
        error = PluginError(f"it speaks backend api {api}, this pullback {API}")
        discovery.fail(plugin, error)
        raise PluginError(discovery.describe(plugin)) from error
    return register(made)


def register(made: Backend) -> Backend:
    """Make a backend known under its name without packaging it."""
    return _loaded.setdefault(made.name, made)


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
    module = type(array).__module__.partition(".")[0]
    for plugin in discovery.plugins(discovery.BACKENDS):
        if plugin.state in ("found", "loaded"):
            try:
                made = backend(plugin.name)
            except PluginError:
                discovery.report(plugin)
                continue
            if made.owns(module) and isinstance(array, made.array_types):
                return made
    for made in _loaded.values():
        if made.owns(module) and isinstance(array, made.array_types):
            return made
    if hasattr(array, "__array_namespace__"):
        return register(GenericBackend(type(array), array.__array_namespace__(), _host_from_dlpack))
    return None


def _host_from_dlpack(array: Any) -> Any:
    return backend("numpy").namespace.from_dlpack(array)


def device(spec: Any) -> Device:
    """A device from its name: `"cpu"`, `"cuda:1"`, a backend's name, or `"backend:device"`. Devices pass through.

    Raises `BackendNotFoundError` if nobody installed knows the name, `BackendUnavailableError` if its backend cannot
    run here.

    >>> import pullback as pb
    >>> pb.device("cpu").backend
    <backend numpy>
    """
    if isinstance(spec, Device):
        return spec
    if not isinstance(spec, str):
        raise ArgumentError(f"device: a name such as 'cpu' or a Device is needed, got {type(spec).__name__}")
    kind = spec.partition(":")[0]
    name = kind if kind in names() else _KNOWN_DEVICE_TYPES.get(kind)
    if name not in names():
        name = next((p.name for p in discovery.plugins(discovery.BACKENDS) if _claims(p, kind)), None)
        if name is None:
            raise BackendNotFoundError(f"nobody knows the device {spec!r}. {_choices()}")
    owner = backend(name)
    status = owner.available()
    if not status.ok:
        raise BackendUnavailableError(
            f"device {spec!r}: backend {name!r} is installed but cannot run: {status.reason}. {status.remedy}"
        )
    return owner.device(owner.parse_device(spec))


def _claims(plugin: discovery.Plugin, kind: str) -> bool:
    try:
        return kind in backend(plugin.name).device_types
    except PluginError:
        return False


def _choices() -> str:
    """What is installed, and what could be."""
    installed = []
    for name in names():
        try:
            made = backend(name)
            installed.append(f"{name} ({', '.join((*made.device_types, name))})")
        except PluginError:
            installed.append(f"{name} (broken: see `pullback doctor`)")
    known = ", ".join(f"pip install 'pullback[{extra}]'" for extra in dict.fromkeys(_EXTRAS.values()))
    return f"Installed: {', '.join(installed) or 'none'}. To install one: {known}"


def default_device() -> Device:
    """Where new arrays go: the innermost `with pb.device(...)`, else `pb.set_default_device`, else the environment
    variable PULLBACK_DEVICE, else the only usable backend's default, else the one that owns "cpu".

    Raises `BackendNotFoundError` if that leaves none.

    >>> import pullback as pb
    >>> pb.get_default_device()
    device(type='cpu')
    """
    chosen = context_device() or _default.get()
    if chosen is not None:
        return chosen
    named = os.environ.get("PULLBACK_DEVICE")
    return device(named) if named else _natural_default()


def _natural_default() -> Device:
    if "numpy" in _loaded and not os.environ.get("PULLBACK_BACKEND"):
        return _loaded["numpy"].device(_loaded["numpy"].default_native_device())
    named = os.environ.get("PULLBACK_BACKEND")
    if named:
        return device(named)
    usable = []
    for name in names():
        try:
            made = backend(name)
        except PluginError:
            continue
        if made.default_candidate and made.available().ok:
            usable.append(made)
    if len(usable) > 1:
        usable = [made for made in usable if "cpu" in made.device_types]
    if len(usable) != 1:
        raise BackendNotFoundError(f"no default device: set one with pb.set_default_device(...). {_choices()}")
    return usable[0].device(usable[0].default_native_device())


def set_default_device(spec: Any) -> None:
    """Set where new arrays go, in the current context (thread, asyncio task); None undoes it.

    >>> import pullback as pb
    >>> pb.set_default_device("cpu")
    >>> pb.set_default_device(None)
    """
    _default.set(None if spec is None else device(spec))


copyreg.pickle(Device, lambda d: (device, (d.name,)))
__all__ = ["backend", "default_device", "device", "names", "of_array", "register", "set_default_device"]
