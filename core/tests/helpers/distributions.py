"""Distributions made up for a test: real metadata and real modules, in a directory that is put on `sys.path`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pullback.plugins import backends, discovery, doctor, registry

BACKEND = """
from pullback.extend import Backend

class Made(Backend):
    name = {name!r}
    default_candidate = False
    {body}
"""

HOSTILE: dict[str, str] = {
    "missing": "import a_library_that_nobody_has",
    "native": "raise OSError('libfoo.so.12: cannot open shared object file')",
    "accents": "raise OSError('introuvable: caf\u00e9')",
    "syntax": "def broken(:",
    "quits": "raise SystemExit('no licence')",
    "noisy": "print('not your output')\nraise RuntimeError('half way')",
    "nobackend": "Made = object",
    "newer": BACKEND.format(name="newer", body="api = (1, 99)"),
    "older": BACKEND.format(name="older", body="api = (0, 9)"),
    "raises": BACKEND.format(name="raises", body="def __init__(self): raise ValueError('in the constructor')"),
    "misnamed": BACKEND.format(name="another", body="pass"),
    "liar": BACKEND.format(name="liar", body="def available(self): raise RuntimeError('asked too much')"),
}
"""Backends that go wrong, each in its own way: the source of module `hostile_NAME`, which its entry point names."""


class Site:
    """A directory of distributions."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(
        self,
        name: str,
        *,
        backends: Mapping[str, str] | None = None,
        group: str = discovery.BACKENDS,
        version: str = "1.0",
        requires: tuple[str, ...] = (),
        modules: Mapping[str, str] | None = None,
    ) -> None:
        """Install a distribution with these entry points (name to value), requirements and modules (name to source)."""
        info = self.path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {text}" for text in requires)]
        (info / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(metadata) + "\n")
        lines = [f"{key} = {value}" for key, value in (backends or {}).items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]) + "\n")
        for module, source in (modules or {}).items():
            (self.path / f"{module}.py").write_text(source)
        discovery.refresh()

    def add_backend(self, name: str, body: str = "pass", **options: object) -> None:
        """Install the distribution `dist-NAME` with a backend of this name, whose class has this body."""
        module = f"module_{name}"
        self.add(
            f"dist-{name}",
            backends={name: f"{module}:Made"},
            modules={module: BACKEND.format(name=name, body=body)},
            **options,  # type: ignore[arg-type]
        )

    def add_ops(self, name: str, source: str, *, distribution: str = "", **options: object) -> None:
        """Install a distribution (default: `dist-NAME`) with ops in this namespace, from a module with this source."""
        distribution = distribution or f"dist-{name}"
        module = f"module_{distribution.replace('-', '_')}"
        self.add(
            distribution,
            backends={name: module},
            group=discovery.OPS,
            modules={module: source},
            **options,  # type: ignore[arg-type]
        )

    def remove(self, distribution: str) -> None:
        """Uninstall a distribution."""
        for info in self.path.glob(f"{distribution.replace('-', '_')}-*.dist-info"):
            shutil.rmtree(info)
        discovery.refresh()

    def add_hostile(self, *names: str) -> None:
        """Install distributions `hostile-NAME` of `HOSTILE`, all of them by default."""
        for name in names or HOSTILE:
            module = f"hostile_{name}"
            self.add(f"hostile-{name}", backends={name: f"{module}:Made"}, modules={module: HOSTILE[name]})


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty `Site` on `sys.path`; what it makes pullback know is forgotten afterwards."""
    for variable in (*discovery.LISTS, *doctor.FLAGS, *doctor.DEFAULTS, registry.OVERRIDES):
        monkeypatch.delenv(variable, raising=False)
    modules = set(sys.modules)
    with monkeypatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        patch.setattr(backends, "_loaded", dict(backends._loaded))
        patch.setattr(backends, "_by_type", dict(backends._by_type))
        _forget()
        yield Site(tmp_path)
    for name in set(sys.modules) - modules:
        if name.startswith(("hostile_", "module_")):
            del sys.modules[name]
    _forget()


def _forget() -> None:
    discovery.refresh()
    backends._natural_default.cache_clear()
