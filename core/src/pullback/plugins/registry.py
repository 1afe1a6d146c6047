"""The ops of plugins, by namespace: `pb.ops.acme` loads the plugin `acme` of the group `pullback.ops.v1`.

A plugin registers all of its ops or none. It registers them in its own namespace, the name of its entry point; in
another's it can only offer to replace an op, and the user decides (`PULLBACK_ALLOW_OVERRIDES`). So what is installed
changes no result. Once a namespace is there, using it costs what an attribute costs.
"""

from __future__ import annotations

import keyword
import os
import time
from collections.abc import Callable, Iterable, MutableMapping
from threading import RLock
from typing import Any, Final, NamedTuple

from pullback.errors import PluginError
from pullback.plugins import discovery, hookspecs

OVERRIDES: Final = "PULLBACK_ALLOW_OVERRIDES"
"""The environment variable that names the plugins or distributions whose replacements of other ops are used."""

RESERVED: Final = frozenset({
    *("creation_functions", "data_type_functions", "decompositions", "degenerate", "elementwise_functions", "fft"),
    *("indexing_functions", "linalg", "linear_algebra_functions", "manipulation_functions", "matrices"),
    *("operands", "searching_functions", "set_functions", "sorting_functions", "statistical_functions", "transfer"),
    "utility_functions",
})  # fmt: skip
"""What `pullback.ops` already has: the chapters of the derivative table."""

_lock = RLock()
_spaces: dict[str, OpNamespace] = {}
_offers: dict[str, dict[str, Registered]] = {}  # plugin -> op of another namespace -> what it would replace it by
_faces: list[tuple[MutableMapping[str, Any], str]] = []


class Registered(NamedTuple):
    """An op that a plugin registered: its full name, the function that runs it, and whose it is.

    >>> from pullback.extend import Registered
    >>> Registered("acme::swish", abs, plugin="acme", distribution="acme-swish", version="1.0").owner
    'acme-swish 1.0'
    """

    name: str
    function: Callable[..., Any]
    plugin: str
    distribution: str
    version: str
    replaces: str = ""
    """The owner of the op that this one replaced, or nothing."""

    @property
    def owner(self) -> str:
        """Distribution and version, as messages name them."""
        return f"{self.distribution} {self.version}"


class OpNamespace:
    """The ops of one plugin, as attributes."""

    def __init__(self, name: str, owner: str, ops: dict[str, Registered]) -> None:
        self.__name__ = name
        self.__owner__ = owner
        self.__ops__ = ops
        self.__all__ = sorted(ops)
        vars(self).update({op: found.function for op, found in ops.items()})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        names = ", ".join(sorted(self.__ops__)) or "none"
        raise AttributeError(f"{self.__owner__} has no op {self.__name__}::{name}; it has {names}", name=name)

    def __dir__(self) -> list[str]:
        return sorted(self.__ops__)

    def __repr__(self) -> str:
        return f"<ops {self.__name__} of {self.__owner__}: {', '.join(sorted(self.__ops__))}>"


class Registrar:
    """What a plugin registers its ops with. Nothing of it counts before the plugin is through."""

    def __init__(self, plugin: discovery.Plugin) -> None:
        self._plugin = plugin
        self.ops: dict[str, Registered] = {}
        self.offers: dict[str, Registered] = {}

    def __call__(self, op: Callable[..., Any], *, name: str = "", overrides: str = "") -> None:
        """Register an op under its own name, or another one in the plugin's namespace.

        `overrides="other::op"` offers it as a replacement of another plugin's op. Raises `PluginError` for what is
        no op, a name of another namespace, and a name that is taken.
        """
        if not callable(op):
            raise PluginError(f"register takes an op, as @pullback.op makes it, not {op!r}")
        definition = getattr(op, "definition", None)
        given = name or (definition.name if definition is not None and definition.named else "")
        space, _, short = given.rpartition("::")
        space, short = space or self._plugin.name, short or getattr(op, "__name__", "")
        if space != self._plugin.name:
            raise PluginError(
                f"op {given!r} is in another namespace than this plugin's: call it {self._plugin.name}::{short}"
            )
        if not short.isidentifier() or keyword.iskeyword(short):
            raise PluginError(f"op {op!r} needs a name that is a Python identifier, and has {short!r}")
        full = f"{space}::{short}"
        if short in self.ops:
            known = self.ops[short].function
            raise PluginError(
                f"op {full} is registered twice: by {_place(known)} and by {_place(op)}, both of {self._plugin.owner}"
            )
        made = Registered(full, op, self._plugin.name, self._plugin.distribution, self._plugin.version)
        if overrides:
            other = overrides.partition("::")[0]
            if "::" not in overrides or other == space:
                raise PluginError(f"overrides={overrides!r} is no op of another plugin, such as 'other::op'")
            if overrides in self.offers:
                raise PluginError(f"op {overrides} is overridden twice by {self._plugin.owner}")
            self.offers[overrides] = made
        self.ops[short] = made

    def name_ops(self) -> None:
        """Tell each op the name that it is known by now."""
        for found in self.ops.values():
            definition = getattr(found.function, "definition", None)
            if definition is not None and not definition.named:
                definition.name, definition.named = found.name, True
                primitive = getattr(found.function, "primitive", None)
                if primitive is not None:
                    primitive.name = found.name


def _place(function: Any) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"


# --- looking up ------------------------------------------------------------------------------------------------------


def namespace(name: str, face: MutableMapping[str, Any] | None = None) -> OpNamespace:
    """The ops of a plugin, loaded on first use, and then kept in `face` too.

    Raises `AttributeError` that names what is installed if there is no such plugin, `PluginError` with the cause if it
    is broken.
    """
    with _lock:
        found = _spaces.get(name)
        if found is None:
            found = _with_overrides(load(_plugin(name)))
            _spaces[name] = found
        if face is not None:
            face[name] = found
            _faces.append((face, name))
    return found


def find(name: str) -> Registered:
    """What is registered under a full name such as "acme::swish"; its plugin is loaded if it was not.

    Raises `AttributeError` if there is no such op, `PluginError` if its plugin is broken.

    >>> from pullback.extend import find_op
    >>> find_op("nobody::knows")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    AttributeError: there are no ops 'nobody': ...
    """
    space, _, op = name.partition("::")
    ops = namespace(space)
    return ops.__ops__[op] if op in ops.__ops__ else getattr(ops, op)


def names() -> list[str]:
    """The namespaces of all installed plugins of ops, usable or not."""
    return sorted({plugin.name for plugin in discovery.plugins(discovery.OPS)})


def _plugin(name: str) -> discovery.Plugin:
    candidates = [plugin for plugin in discovery.plugins(discovery.OPS) if plugin.name == name]
    usable = [plugin for plugin in candidates if plugin.state != "blocked"]
    if usable:
        return usable[0]  # of several, all are in conflict
    others = [p for p in discovery.plugins() if p.name == name and p.group.startswith("pullback.ops.")]
    if others:
        raise PluginError(discovery.describe(others[0]))
    installed = ", ".join(names()) or "none"
    raise AttributeError(
        f"there are no ops {name!r}: no installed package offers them (entry point {name!r} of {discovery.OPS}); "
        f"installed: {installed}",
        name=name,
    )


def _forget() -> None:
    with _lock:
        for face, name in _faces:
            face.pop(name, None)
        _faces.clear()
        _spaces.clear()
        _offers.clear()


discovery.on_refresh.append(_forget)


# --- loading ---------------------------------------------------------------------------------------------------------


def load(plugin: discovery.Plugin) -> OpNamespace:
    """Load a plugin and let it register. `PluginError`, and nothing registered, if anything goes wrong."""
    with _lock:
        if plugin.state == "found":
            _check_name(plugin)
        target = discovery.load(plugin)
        start = time.perf_counter()
        try:
            registrar = _register(plugin, target)
        finally:
            plugin.load_ms += (time.perf_counter() - start) * 1e3
        registrar.name_ops()
        _offers[plugin.name] = registrar.offers
        plugin.ops = sorted(found.name for found in registrar.ops.values())
        plugin.overrides = sorted(registrar.offers)
        discovery.trace(f"{plugin.name} of {plugin.owner} registered {', '.join(plugin.ops) or 'nothing'}")
        return OpNamespace(plugin.name, plugin.owner, registrar.ops)


def _check_name(plugin: discovery.Plugin) -> None:
    """Refuse a namespace that could not be reached as `pb.ops.NAME`."""
    if not plugin.name.isidentifier() or keyword.iskeyword(plugin.name) or plugin.name.startswith("_"):
        raise discovery.reject(plugin, "failed", f"its name {plugin.name!r} is no name of a Python attribute")
    if plugin.name in RESERVED:
        raise discovery.reject(plugin, "failed", f"its name {plugin.name!r} is that of a module of pullback.ops")


def _register(plugin: discovery.Plugin, target: Any) -> Registrar:
    """Have a target register its ops: by its hook, or by its `__all__` if it implements no hook at all."""
    api = getattr(target, "pullback_api", hookspecs.API)
    if not discovery.speaks(api, hookspecs.API):
        raise discovery.reject(plugin, "incompatible", f"it speaks op api {api}, this pullback {hookspecs.API}")
    registrar = Registrar(plugin)
    try:
        manager = hookspecs.manager()
        if hookspecs.hooks_of(manager, target):
            manager.register(target, plugin.name)
            manager.check_pending()
            discovery.trace(f"hook pullback_register_ops of {plugin.name} ({plugin.owner})")
            manager.hook.pullback_register_ops(register=registrar)
        else:
            for name in _listed(target):
                registrar(getattr(target, name), name=name)
    except (Exception, SystemExit) as error:
        raise discovery.fail(plugin, error) from error
    return registrar


def _listed(target: Any) -> Iterable[str]:
    found = getattr(target, "__all__", None)
    if not found:
        raise PluginError(
            f"{target!r} offers no ops: it has neither a function pullback_register_ops marked with "
            f"@pullback.extend.hookimpl, nor an __all__"
        )
    return found  # type: ignore[no-any-return]


# --- overrides -------------------------------------------------------------------------------------------------------


def _listed_overriders() -> set[str]:
    return {name.strip() for name in os.environ.get(OVERRIDES, "").split(",") if name.strip()}


def allowed(plugin: discovery.Plugin) -> bool:
    """Whether the user lets a plugin replace ops of others."""
    return any(_means(name, plugin) for name in _listed_overriders())


def unknown_overriders(found: Iterable[discovery.Plugin]) -> list[str]:
    """The names in the list that no plugin or distribution has: a misspelt one allows nothing."""
    return sorted(name for name in _listed_overriders() if not any(_means(name, plugin) for plugin in found))


def _means(name: str, plugin: discovery.Plugin) -> bool:
    return name == plugin.name or discovery.normalized(name) == discovery.normalized(plugin.distribution)


def _with_overrides(space: OpNamespace) -> OpNamespace:
    """A namespace with those of its ops replaced that plugins override which the user allows to."""
    if not os.environ.get(OVERRIDES):
        return space
    replaced: dict[str, Registered] = {}
    for plugin in discovery.plugins(discovery.OPS):
        if plugin.name == space.__name__ or not allowed(plugin):
            continue
        if plugin.name not in _offers:
            try:
                load(plugin)
            except PluginError:
                discovery.report(plugin)
                continue
        for target, offered in _offers[plugin.name].items():
            owner, _, op = target.partition("::")
            if owner != space.__name__:
                continue
            if op not in space.__ops__:
                raise PluginError(f"{offered.owner} overrides {target}, which {space.__owner__} does not have")
            if op in replaced:
                raise PluginError(
                    f"{target} is overridden by {replaced[op].owner} and by {offered.owner}; name one of them only in "
                    f"{OVERRIDES}={os.environ[OVERRIDES]}"
                )
            replaced[op] = offered._replace(replaces=space.__owner__)
            discovery.trace(f"{target} of {space.__owner__} is replaced by {offered.name} of {offered.owner}")
    return OpNamespace(space.__name__, space.__owner__, {**space.__ops__, **replaced})
