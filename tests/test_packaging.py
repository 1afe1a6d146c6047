"""What the distributions say of themselves: versions, pins, extras, and files that must be shipped."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pullback as pb
import pytest
from import_graph import ROOT
from packaging.requirements import Requirement

WORKSPACE: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MEMBERS = sorted(
    path
    for pattern in WORKSPACE["tool"]["uv"]["workspace"]["members"]
    for path in ROOT.glob(f"{pattern}/pyproject.toml")
)
PROJECTS: dict[str, tuple[Path, dict[str, Any]]] = {
    project["project"]["name"]: (path.parent, project)
    for path in MEMBERS
    for project in [tomllib.loads(path.read_text(encoding="utf-8"))]
}


def requirements(project: dict[str, Any]) -> list[Requirement]:
    """All that a distribution requires, with and without extras."""
    extras = project["project"].get("optional-dependencies", {}).values()
    return [Requirement(line) for group in [project["project"].get("dependencies", []), *extras] for line in group]


def test_the_distributions_are_these():
    first = {"pullback", "pullback-numpy", "pullback-cupy", "pullback-strict", "pullback-conformance"}
    assert first <= set(PROJECTS)


@pytest.mark.parametrize("name", PROJECTS)
def test_a_distribution_is_complete(name: str):
    folder, project = PROJECTS[name]
    package = folder / "src" / name.replace("-", "_")
    assert project["project"]["version"] == pb.__version__
    assert project["project"]["requires-python"] == WORKSPACE["project"]["requires-python"] == ">=3.11"
    assert project["build-system"] == {"requires": ["hatchling>=1.27"], "build-backend": "hatchling.build"}
    packed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert packed[0] == f"src/{package.name}"
    assert all(other.startswith(f"src/{package.name}_") for other in packed[1:])  # a module beside it, under its name
    assert (package / "py.typed").is_file()
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert len((folder / project["project"]["readme"]).read_text(encoding="utf-8").splitlines()) > 5


@pytest.mark.parametrize("name", PROJECTS)
def test_first_party_pins_are_exact(name: str):
    """An upgrade of one distribution alone would leave the others behind, and pip would not stop it."""
    for requirement in requirements(PROJECTS[name][1]):
        if requirement.name in PROJECTS:
            assert str(requirement.specifier) == f"=={pb.__version__}", requirement
            assert requirement.name in WORKSPACE["tool"]["uv"]["sources"]
        else:
            assert str(requirement.specifier), f"{requirement} takes any version"


def test_core_depends_on_no_array_library():
    assert {Requirement(line).name for line in PROJECTS["pullback"][1]["project"]["dependencies"]} == {
        "array-api-compat",
        "pluggy",
    }


def test_the_extras_of_core_forward_to_the_distributions():
    extras = PROJECTS["pullback"][1]["project"]["optional-dependencies"]
    assert {"cpu", "cuda12", "cuda13", "strict", "test", "all-cpu", "demo"} <= set(extras)
    named = {extra: {re.sub(r"==.*", "", line) for line in lines} for extra, lines in extras.items()}
    assert named["cpu"] == {"pullback-numpy"}
    assert named["strict"] == {"pullback-strict"}
    assert named["test"] == {"pullback-conformance"}
    for cuda in ("cuda12", "cuda13"):
        assert named[cuda] == {f"pullback-cupy[{cuda}]"}
    on_request = {extra for extra, lines in named.items() if any("cupy" in line for line in lines)}
    assert on_request == {"cuda12", "cuda13"}


@pytest.mark.parametrize("name", ["pullback", "pullback-cupy"])
def test_two_versions_of_cuda_are_declared_to_conflict(name: str):
    pairs = [{(side["package"], side["extra"]) for side in pair} for pair in WORKSPACE["tool"]["uv"]["conflicts"]]
    assert {(name, "cuda12"), (name, "cuda13")} in pairs


def test_what_a_plain_set_up_installs():
    """The tests' tools, no peer of the benchmarks and nothing for a GPU."""
    assert "bench" in WORKSPACE["dependency-groups"]
    assert WORKSPACE["tool"]["uv"].get("default-groups", ["dev"]) == ["dev"]
    lines = [*WORKSPACE["project"]["dependencies"], *WORKSPACE["dependency-groups"]["dev"]]
    names = {Requirement(line).name for line in lines}
    assert not names & {Requirement(line).name for line in WORKSPACE["dependency-groups"]["bench"]}
    extras = {extra for line in lines for extra in Requirement(line).extras}
    assert not {extra for extra in extras if "cuda" in extra}


def test_every_backend_announces_itself():
    for name, (folder, project) in PROJECTS.items():
        if folder.parent.name == "backends":
            short = name.removeprefix("pullback-")
            (entry,) = project["project"]["entry-points"]["pullback.backends.v1"].items()
            assert entry[0] == short
            assert entry[1].startswith(f"pullback_{short}:")
