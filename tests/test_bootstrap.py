"""`bootstrap.py`: what it decides. That it works on a bare machine, `.ci/run` shows by starting with it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from import_graph import ROOT, imported_packages

SCRIPT = ROOT / "bootstrap.py"


def load(script: Path) -> ModuleType:
    """The script as a module; it believes that the project is where it lies."""
    spec = importlib.util.spec_from_file_location("bootstrap", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with nothing in it but the script and its workspace files."""
    shutil.copy(SCRIPT, tmp_path)
    (tmp_path / "core").mkdir()
    for name in ("pyproject.toml", "core/pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def executable(path: Path, text: str) -> Path:
    """A shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


FAKE_UV = """
case "$1" in
--version) echo "uv 0.9.1 (fake)" ;;
sync) echo "$@" >> calls; mkdir -p .venv/bin; ln -sf {python} .venv/bin/python ;;
esac
"""


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of commands: only what is put there can be found."""
    return tmp_path_factory.mktemp("bin")


def bootstrap(project: Path, *words: str, path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{path}:/usr/bin:/bin", "HOME": str(project), **variables}
    command = [sys.executable, "bootstrap.py", *words]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_the_script_needs_the_standard_library_alone():
    assert imported_packages(SCRIPT) <= sys.stdlib_module_names


def test_the_environment_is_made_once_and_again_after_a_change(project: Path, path: Path):
    executable(path / "uv", FAKE_UV.format(python=sys.executable))

    def calls() -> int:
        assert bootstrap(project, "run", "true", path=path).returncode == 0
        return len((project / "calls").read_text().splitlines())

    assert (calls(), calls()) == (1, 1)
    (project / "core" / "pyproject.toml").write_text("# changed\n")
    assert (calls(), calls()) == (2, 2)
    shutil.rmtree(project / ".venv")
    assert calls() == 3


def test_a_failed_set_up_is_tried_again(project: Path, path: Path):
    executable(path / "uv", 'test "$1" = sync && exit 3; echo "uv 0.9.1"')
    for _ in range(2):
        result = bootstrap(project, "run", "true", path=path)
        assert result.returncode == 1
        assert "uv could not set up the environment" in result.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["demo", "--steps", "3"], "pullback demo --steps 3"),
        (["test", "-k", "sin"], "pytest -n auto -k sin"),
        (["run", "mypy", "x"], "mypy x"),
        (["mypy"], "mypy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_words_become_a_command_of_the_environment(project: Path, path: Path, words: list[str], expected: str):
    executable(path / "uv", FAKE_UV.format(python=sys.executable))
    for command in ("pullback", "pytest", "mypy"):
        executable(project / ".venv" / "bin" / command, 'echo "$(basename "$0") $@"; echo "$VIRTUAL_ENV"; exit 7')
    result = bootstrap(project, *words, path=path)
    assert [line.strip() for line in result.stdout.splitlines()] == [expected, str(project / ".venv")]
    assert result.returncode == 7


@pytest.mark.parametrize(
    ("words", "text"), [(["run"], "a command after `run`"), (["nonsense"], "no command 'nonsense'")]
)
def test_words_that_mean_nothing_are_refused(project: Path, path: Path, words: list[str], text: str):
    executable(path / "uv", FAKE_UV.format(python=sys.executable))
    result = bootstrap(project, *words, path=path)
    assert result.returncode == 1
    assert text in result.stderr


def test_an_old_uv_is_not_used(project: Path, path: Path, monkeypatch: pytest.MonkeyPatch):
    executable(path / "uv", "echo 'uv 0.4.9'")
    monkeypatch.setenv("PATH", str(path))
    script = load(project / "bootstrap.py")
    assert script.find_uv() is None
    own = executable(project / ".tools" / "bin" / "uv", "echo 'uv 0.12.0'")
    assert script.find_uv() == [str(own)]


def test_without_pip_and_venv_the_remedies_are_named(project: Path, monkeypatch: pytest.MonkeyPatch):
    script = load(project / "bootstrap.py")
    monkeypatch.setattr(script, "runs", lambda command: False)
    with pytest.raises(SystemExit, match=r"neither pip nor a working `venv`.*python3-venv") as caught:
        script.find_pip()
    assert sys.executable in str(caught.value)
    assert not (project / ".tools").exists()


def test_an_old_python_lets_uv_find_another(project: Path, monkeypatch: pytest.MonkeyPatch):
    script = load(project / "bootstrap.py")
    assert script.python_to_use() == sys.executable
    monkeypatch.setattr(sys, "version_info", (3, 8, 1))
    assert script.python_to_use() == ">=3.11"


def test_the_settings_of_pip_are_handed_on(project: Path, monkeypatch: pytest.MonkeyPatch):
    for variable in [name for name in os.environ if name.startswith(("UV_", "SSL_"))]:
        monkeypatch.delenv(variable)
    script = load(project / "bootstrap.py")
    listing = """
:env:.index-url='https://mirror.test/simple'
global.index-url='https://elsewhere.test/simple'
global.extra-index-url='https://one.test/simple https://two.test/simple'
global.find-links='/wheels\\n/more'
global.cert='/certificates.pem'
global.no-color='true'
"""
    assert script.translated(listing) == {
        "UV_DEFAULT_INDEX": "https://mirror.test/simple",
        "UV_INDEX": "https://one.test/simple https://two.test/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": "/certificates.pem",
    }
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.test/simple")
    assert set(script.translated(listing)) == {"UV_FIND_LINKS", "SSL_CERT_FILE"}
    assert script.translated("") == {}
