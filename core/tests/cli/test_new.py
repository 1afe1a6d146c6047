"""`pullback new`: packages that are complete, and names that make none. (That they work is tested where wheels are.)"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pullback as pb
import pytest
from helpers.distributions import Site
from pullback.autograd import gradcheck
from pullback.cli import main, new
from pullback.plugins import discovery

Output = pytest.CaptureFixture[str]

FILES = {".github/workflows/test.yml", "README.md", "pyproject.toml", "src/{m}/__init__.py", "src/{m}/py.typed"}

CONFORMANCE = {"src/{m}/conformance.py", "tests/test_conformance.py"}


def made(tmp_path: Path, capsys: Output, *words: str) -> tuple[Path, dict[str, str]]:
    assert main(["new", *words, "--into", str(tmp_path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    return Path(answer["folder"]), answer


@pytest.mark.parametrize(
    ("words", "distribution", "module", "namespace"),
    [
        (("op", "acme::swish"), "acme-swish", "acme_swish", "acme"),
        (("op", "acme-soft-swish"), "acme-soft-swish", "acme_soft_swish", "acme_soft_swish"),
        (("op", "swish"), "swish", "swish", "swish"),
        (("backend", "mylib"), "pullback-mylib", "pullback_mylib", "mylib"),
        (("backend", "rig", "--library", "array_api_strict"), "rig", "rig", "rig"),
    ],
)
def test_a_package_is_complete(
    tmp_path: Path, capsys: Output, words: tuple[str, ...], distribution: str, module: str, namespace: str
) -> None:
    folder, answer = made(tmp_path, capsys, *words)
    assert folder == tmp_path / distribution
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    own = {f"tests/test_{module}.py"} | (CONFORMANCE if words[0] == "op" else set())
    assert files == set(answer["files"]) == {f.format(m=module) for f in FILES | own}
    for path in folder.rglob("*"):
        assert not path.is_file() or not re.search(r"@[A-Z]+@", path.read_text()), path
    for path in folder.rglob("*.py"):
        ast.parse(path.read_text())
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    for group, entry in project["project"]["entry-points"].items():
        assert group in (discovery.OPS, discovery.BACKENDS, "pullback.conformance")
        assert list(entry) == [namespace]
    assert f"pullback>={pb.__version__},<0.2" in project["project"]["dependencies"]
    assert [path.name for path in tmp_path.iterdir()] == [distribution]


def test_the_op_of_the_scaffold_has_its_derivatives(tmp_path: Path, capsys: Output, site: Site) -> None:
    folder, _ = made(tmp_path / "new", capsys, "op", "acme::swish")
    site.add_ops("acme", (folder / "src/acme_swish/__init__.py").read_text())
    x = pb.tensor([-2.0, 0.0, 3.0], dtype=pb.float64, requires_grad=True)
    assert gradcheck(pb.ops.acme.swish, x, check_forward_ad=True)


def test_the_text_says_what_to_do_next(tmp_path: Path, capsys: Output) -> None:
    assert main(["new", "op", "acme::swish", "--into", str(tmp_path)]) == 0
    files, _, after = capsys.readouterr().out.partition("\nNext:\n")
    assert "  src/acme_swish/__init__.py\n" in files
    assert [line.strip() for line in after.splitlines()] == [
        f"cd {tmp_path / 'acme-swish'}",
        'pip install -e ".[test]"',
        "pullback plugins",
        "pytest",
    ]


def test_nothing_is_overwritten(tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "acme-swish").mkdir()
    assert main(["new", "op", "acme::swish", "--into", str(tmp_path)]) == 1
    assert "exists already; choose another name" in capsys.readouterr().err
    assert list((tmp_path / "acme-swish").iterdir()) == []
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def failing(path: Path, *args: object, **options: object) -> int:
        if path.name == "py.typed":
            raise OSError("no space left on device")
        return write(path, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", failing)
    assert main(["new", "op", "acme::swish", "--into", str(tmp_path)]) == 1
    assert "no space left" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("op", "acme swish"), "'acme swish' is no name"),
        (("op", "../evil"), "is no name"),
        (("op", "acme::"), "is no name"),
        (("op", "acme::for"), "gives the op 'for', which Python does not allow"),
        (("op", "linalg::solve"), "'linalg' is a module of pullback.ops"),
        (("op", "json"), "would hide another of that name"),
        (("op", "pullback"), "would hide another of that name"),
        (("backend", "acme::swish"), "is the name of an op; a backend has a plain one"),
        (("backend", "mylib", "--library", "my-lib"), "gives the library 'my-lib'"),
    ],
)
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, capsys: Output, words: tuple[str, ...], message: str) -> None:
    assert main(["new", *words, "--into", str(tmp_path / "place")]) == 1
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_templates_are_data_of_the_package() -> None:
    for kind in ("op", "backend"):
        folder = resources.files("pullback.cli") / "templates" / kind
        assert [path for path, _ in new._files(folder) if path.endswith("pyproject.toml")] == ["pyproject.toml"]


def test_no_module_of_ours_is_shadowed_by_a_template() -> None:
    assert not [name for name in sys.modules if "templates" in name and name.startswith("pullback")]
    assert discovery.OPS in (resources.files("pullback.cli") / "templates/op/pyproject.toml.in").read_text()
