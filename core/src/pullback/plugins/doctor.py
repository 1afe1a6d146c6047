"""Doctor: what is installed, whether it works, and what to do where it does not.

Everything here is data, gathered without being stopped by anything that is broken; the command line only prints it.
Unlike ordinary lookups, these functions load every plugin, because that is the question.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pullback.errors import PullbackError
from pullback.plugins import backends, discovery, registry

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from pullback.backend import Backend

FLAGS = ("PULLBACK_STRICT_PLUGINS", "PULLBACK_TRACE_PLUGINS", "PULLBACK_GENERIC_KERNELS")
DEFAULTS = ("PULLBACK_DEVICE", "PULLBACK_BACKEND")


@dataclass(frozen=True)
class PluginReport:
    """One entry point: whose it is and what became of it."""

    group: str
    name: str
    state: str
    distribution: str
    version: str
    load_ms: float
    cause: str
    trace: str = field(repr=False)
    ops: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    overriding: bool = False
    """Whether the user lets it override: see `PULLBACK_ALLOW_OVERRIDES`."""

    @property
    def broken(self) -> bool:
        """Whether something is wrong that somebody should mend."""
        return self.state in discovery.BROKEN


@dataclass(frozen=True)
class BackendReport:
    """One backend. `state` is "usable", or "unavailable" if it loads but cannot run here, or that of its plugin."""

    name: str
    state: str
    distribution: str
    version: str
    devices: tuple[str, ...] = ()
    reason: str = ""
    remedy: str = ""
    capabilities: dict[str, Any] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether arrays can be made with it here."""
        return self.state == "usable"


@dataclass(frozen=True)
class Finding:
    """Something to know. An error is something to mend; a note is not."""

    level: Literal["error", "note"]
    subject: str
    text: str
    remedy: str


@dataclass(frozen=True)
class Report:
    """All that `pullback doctor` knows."""

    python: str
    platform: str
    executable: str
    prefix: str
    distributions: dict[str, str]
    environment: dict[str, str]
    backends: list[BackendReport]
    plugins: list[PluginReport]
    findings: list[Finding]

    @property
    def healthy(self) -> bool:
        """Whether there is nothing to mend."""
        return all(finding.level != "error" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The report as nested dicts and lists, for JSON."""
        return {"healthy": self.healthy, **asdict(self)}


# --- plugins and backends --------------------------------------------------------------------------------------------


def plugin_reports() -> list[PluginReport]:
    """Every plugin of both groups and of other generations, loaded if that is allowed."""
    found = _plugins()
    for plugin in found:
        _try(plugin)
    return [
        PluginReport(
            *(p.group, p.name, p.state, p.distribution, p.version, round(p.load_ms, 1), p.cause, p.trace),
            *(p.ops, p.overrides, bool(p.overrides) and registry.allowed(p)),
        )
        for p in found
    ]


def _plugins() -> list[discovery.Plugin]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what discovery warns about is what is reported here
        return discovery.plugins()


def _try(plugin: discovery.Plugin) -> Backend | None:
    """The backend of a plugin if it loads. Whatever goes wrong is recorded on the plugin."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if plugin.group == discovery.OPS:
                registry.load(plugin)
                return None
            discovery.load(plugin)
            return backends.backend(plugin.name)
        except PullbackError:
            return None


def backend_reports() -> list[BackendReport]:
    """Every installed backend of this generation: whether it can run here, its devices and capabilities."""
    return [_backend_report(plugin) for plugin in _plugins() if plugin.group == discovery.BACKENDS]


def _backend_report(plugin: discovery.Plugin) -> BackendReport:
    made = _try(plugin)
    owner = (plugin.distribution, plugin.version)
    if made is None:
        remedy = "" if plugin.state == "blocked" else f"reinstall or uninstall {plugin.distribution}"
        return BackendReport(plugin.name, plugin.state, *owner, reason=plugin.cause, remedy=remedy)
    status = backends.availability(made)
    if not status.ok:
        return BackendReport(plugin.name, "unavailable", *owner, reason=status.reason, remedy=status.remedy)
    try:
        devices = tuple(made.device_name(native) for native in made.native_devices())
        return BackendReport(plugin.name, "usable", *owner, devices, capabilities=made.capabilities._asdict())
    except Exception as error:  # noqa: BLE001  third-party code: a backend that says it can run and cannot
        reason = f"{type(error).__name__}: {error}"
        return BackendReport(plugin.name, "failed", *owner, reason=reason, remedy=f"report it to {plugin.distribution}")


# --- the whole -------------------------------------------------------------------------------------------------------


def examine() -> Report:
    """Look at the environment, every plugin and every backend.

    >>> from pullback.plugins import doctor
    >>> [backend.name for backend in doctor.examine().backends if backend.usable and backend.name == "numpy"]
    ['numpy']
    """
    distributions = discovery.distributions()
    plugins, installed = plugin_reports(), backend_reports()
    findings = [
        *_plugin_findings(plugins),
        *_override_findings(plugins),
        *_backend_findings(installed),
        *_environment_findings(),
        *_version_findings(distributions),
        *_cupy_findings(distributions),
    ]
    return Report(
        python=platform.python_version(),
        platform=platform.platform(),
        executable=sys.executable,
        prefix=sys.prefix,
        distributions={name: dist.version for name, dist in sorted(distributions.items()) if _is_ours(name)},
        environment={name: value for name, value in sorted(os.environ.items()) if name.startswith("PULLBACK_")},
        backends=installed,
        plugins=plugins,
        findings=sorted(findings, key=lambda finding: finding.level),
    )


def _is_ours(name: str) -> bool:
    return name == "pullback" or name.startswith("pullback-")


def _plugin_findings(plugins: list[PluginReport]) -> Iterator[Finding]:
    for plugin in plugins:
        if plugin.broken:
            block = plugin.distribution if plugin.state == "conflict" else plugin.name
            yield Finding(
                "error",
                f"plugin {plugin.name} of {plugin.distribution} {plugin.version}",
                f"{plugin.state}: {plugin.cause}",
                f"mend or uninstall {plugin.distribution}, or set PULLBACK_BLOCK_PLUGINS={block}",
            )


def _override_findings(plugins: list[PluginReport]) -> Iterator[Finding]:
    """Each replacement of another plugin's op: in use or not, and possible or not."""
    ops = {name: plugin for plugin in plugins for name in plugin.ops}
    for plugin in plugins:
        for name in plugin.overrides:
            subject = f"op {name}"
            whose = f"{ops[name].distribution} {ops[name].version}" if name in ops else "nobody"
            rivals = [p.name for p in plugins if p.overriding and name in p.overrides and p is not plugin]
            if not plugin.overriding:
                text = f"{plugin.distribution} {plugin.version} could replace that of {whose}, and does not"
                yield Finding("note", subject, text, f"to let it: {registry.OVERRIDES}={plugin.name}")
            elif name not in ops or rivals:
                problem = f"{', '.join(rivals)} would too" if rivals else "there is no such op"
                text = f"{plugin.distribution} {plugin.version} would replace it, but {problem}"
                yield Finding("error", subject, text, f"take {plugin.name} from {registry.OVERRIDES}")
            else:
                text = f"{plugin.distribution} {plugin.version} replaces that of {whose}"
                yield Finding("note", subject, text, f"to stop it: take {plugin.name} from {registry.OVERRIDES}")


def _backend_findings(installed: list[BackendReport]) -> Iterator[Finding]:
    for backend in installed:
        if backend.state == "unavailable":
            yield Finding("note", f"backend {backend.name}", f"cannot run here: {backend.reason}", backend.remedy)
    if not any(backend.usable for backend in installed):
        yield Finding("error", "backends", "no backend can run here", "pip install 'pullback[cpu]'")


def _environment_findings() -> Iterator[Finding]:
    for variable in FLAGS:
        try:
            discovery.flag(variable)
        except PullbackError as error:
            yield Finding("error", variable, str(error), f"unset {variable}")
    for variable, unknown in discovery.unknown_names(_plugins()).items():
        yield Finding(
            "error", variable, f"no plugin or distribution is named {', '.join(unknown)}", "see `pullback plugins`"
        )
    for stranger in registry.unknown_overriders(_plugins()):
        text = f"no plugin or distribution is named {stranger}"
        yield Finding("error", registry.OVERRIDES, text, "see `pullback plugins`")
    named = {variable: os.environ[variable] for variable in DEFAULTS if os.environ.get(variable)}
    owners = {}
    for variable, value in named.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                owners[variable] = backends.device(value).backend.name
        except Exception as error:  # noqa: BLE001  third-party code parses the name
            yield Finding("error", f"{variable}={value}", str(error), f"unset {variable} or name a usable device")
    if len(set(owners.values())) > 1:
        text = " but ".join(f"{variable}={named[variable]} means {owner}" for variable, owner in owners.items())
        yield Finding("error", " and ".join(owners), f"{text}; {DEFAULTS[0]} wins", "unset one of them")


def _version_findings(distributions: dict[str, Distribution]) -> Iterator[Finding]:
    """First-party distributions are pinned to each other exactly; an installer may leave them apart all the same."""
    ours = sorted(name for name in distributions if _is_ours(name))
    for name in ours:
        for other in ours:
            problem = discovery.requirement_problem(distributions[name], other)
            if problem:
                subject = f"{name} {distributions[name].version}"
                yield Finding("error", subject, problem, f"pip install --upgrade {name} {other}")
    imported = vars(sys.modules["pullback"]).get("__version__")
    if "pullback" in distributions and imported not in (None, distributions["pullback"].version):
        text = f"version {imported} is imported, but {distributions['pullback'].version} is installed"
        yield Finding("error", "pullback", text, "install it again, and look for another copy on sys.path")


def _cupy_findings(distributions: dict[str, Distribution]) -> Iterator[Finding]:
    found = sorted(name for name in distributions if re.fullmatch(r"cupy(-(cuda|rocm)[\w-]*)?", name))
    if len(found) > 1:
        text = f"{' and '.join(found)} are installed, and overwrite each other's files"
        yield Finding("error", "CuPy", text, f"pip uninstall {' '.join(found)}, then install one of them")
