"""Imports run one way: who may know whom, read from the source."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from import_graph import CORE, ROOT, Import, cycle, edges, imports, modules, reachable

PACKAGES = [
    CORE,
    *sorted((ROOT / "backends").glob("*/src/pullback_*")),
    *sorted((ROOT / "plugins").glob("*/src/pullback_*")),
    *sorted((ROOT / "conformance").glob("src/pullback_*")),
]
CORE_MODULES = modules(CORE)
CORE_IMPORTS = imports(CORE)
CORE_EDGES = edges(CORE_IMPORTS, within=CORE_MODULES)

DEPENDENCIES = {"pluggy", "array_api_compat"}
OPTIONAL = {
    "matplotlib": {"pullback.cli.demo"},
    "rich": {"pullback.cli.demo"},
    "packaging": {"pullback.plugins.discovery"},
}
"""What core uses where it happens to be installed, and the modules that do so, inside a function."""

PUBLIC = {"pullback", "pullback.extend", "pullback.autograd", "pullback.func", "pullback.errors"}

NEVER_REACHES = {
    # the engine runs without Tensors, ops or plugins: they register with it
    "pullback.primitive": ["pullback.tensor", "pullback.ops", "pullback.plugins", "pullback.namespace"],
    "pullback.apply": ["pullback.tensor", "pullback.ops", "pullback.plugins", "pullback.namespace"],
    "pullback.declare": ["pullback.tensor", "pullback.ops", "pullback.plugins", "pullback.namespace"],
    # the ops are written against `xp`, also where that is pullback's own namespace
    "pullback.ops": [
        "pullback.tensor",
        "pullback.namespace",
        "pullback.autograd",
        "pullback.func",
        "pullback.backward",
    ],
    # the two modes do not know the faces that are built on them
    "pullback.backward": ["pullback.tensor", "pullback.autograd", "pullback.func", "pullback.forward"],
    "pullback.forward": ["pullback.tensor", "pullback.autograd", "pullback.func"],
    # the Tensor is one more client of the ops
    "pullback.namespace": ["pullback.tensor", "pullback.autograd", "pullback.func"],
    # a broken plugin must be reported when all else fails
    "pullback.plugins": ["pullback.tensor", "pullback.ops", "pullback.primitive", "pullback.autograd", "pullback.func"],
    "pullback.errors": ["pullback"],
}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_modules_import_each_other_without_cycles(package: Path):
    """Imports inside functions count: they hide a knot, they do not untie it."""
    found = cycle(edges(imports(package), within=modules(package)))
    assert found is None, "a cycle: " + " -> ".join(found or [])


@pytest.mark.parametrize("source", NEVER_REACHES)
def test_a_module_never_reaches_what_is_built_on_it(source: str):
    starts = [name for name in CORE_MODULES if f"{name}.".startswith(f"{source}.")]
    assert starts, f"{source} is gone: does its rule still hold for something?"
    for start in starts:
        for target in sorted(reachable(start, CORE_EDGES)):
            for forbidden in NEVER_REACHES[source]:
                assert not f"{target}.".startswith(f"{forbidden}."), f"{start} reaches {target}"


def test_nothing_but_the_command_itself_imports_the_command_line():
    users = {link.module for link in CORE_IMPORTS if link.target.startswith("pullback.cli")}
    assert {user for user in users if not user.startswith("pullback.cli")} == {"pullback.__main__"}


def test_core_imports_the_standard_library_and_its_dependencies_only():
    foreign = [link for link in CORE_IMPORTS if top(link) not in sys.stdlib_module_names | DEPENDENCIES | {"pullback"}]
    assert all(link.deferred for link in foreign), foreign
    strangers = [link for link in foreign if link.module not in OPTIONAL.get(top(link), ())]
    assert not strangers, f"core knows no array library, and these packages are no dependencies of it: {strangers}"


@pytest.mark.parametrize("package", PACKAGES[1:], ids=lambda package: package.name)
def test_a_plugin_imports_the_extension_interface_only(package: Path):
    """What first-party plugins need, third-party ones need too."""
    links = [link for link in imports(package) if top(link) == "pullback"]
    private = [link for link in links if not {link.target, link.target.rpartition(".")[0]} & PUBLIC]
    assert not private, f"{private}: only {sorted(PUBLIC)} are public"


@pytest.mark.parametrize("package", PACKAGES[1:], ids=lambda package: package.name)
def test_a_backend_package_imports_no_array_library_to_say_its_name(package: Path):
    """Listing what is installed must not load it: `__init__` and what it reaches defer that."""
    if package.parents[2].name != "backends":
        return
    found = imports(package)
    graph = edges((link for link in found if not link.deferred), within=modules(package))
    loaded = {package.name} | reachable(package.name, graph)
    eager = [link for link in found if link.module in loaded and not link.deferred]
    assert {top(link) for link in eager} <= sys.stdlib_module_names | {"pullback", package.name}, eager


def top(link: Import) -> str:
    """The package that an import is from."""
    return link.target.partition(".")[0]


# --- the walker itself ------------------------------------------------------------------------------------------------


def test_the_walker_sees_imports_wherever_they_stand(tmp_path: Path):
    package = tmp_path / "thing"
    package.mkdir()
    (package / "__init__.py").write_text("from thing import a as a\nfrom thing.b import value as value\n")
    (package / "a.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from thing import c\n"
        "try:\n    import x.y\nexcept ImportError:\n    pass\n"
        "class K:\n    import z\n    def f(self):\n        import thing.b\n"
    )
    (package / "b.py").write_text("value = 1\n")
    (package / "c.py").write_text("")
    assert list(modules(package)) == ["thing", "thing.a", "thing.b", "thing.c"]
    assert imports(package) == [
        ("thing", "thing.a", False),
        ("thing", "thing.b", False),
        ("thing.a", "typing.TYPE_CHECKING", False),
        ("thing.a", "x.y", False),
        ("thing.a", "z", False),
        ("thing.a", "thing.b", True),
    ]


def test_the_walker_finds_cycles_and_no_others():
    assert cycle({}) is None
    assert cycle({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}}) is None
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert reachable("a", {"a": {"b"}, "b": {"c"}, "d": {"a"}}) == {"b", "c"}
