"""The runner, on a suite of four tests that stands in for the real one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pullback_conformance.array_api_tests.__main__ import main
from pullback_conformance.array_api_tests.suite import backend_module, problem

CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--max-examples", type=int)
    parser.addoption("--disable-deadline", action="store_true")
    parser.addoption("--hypothesis-derandomize", action="store_true")
"""
NAMESPACE = """
import os
scope = {}
exec(os.environ["ARRAY_API_TESTS_MODULE"][len("exec('"):-len("')")], scope)
xp = scope["xp"]
"""
TESTS = """
import pytest
from . import xp

def test_good():
    assert xp.__name__ == "pullback.namespaces.strict"

def test_bad(pytestconfig):
    assert not pytestconfig.getoption("--hypothesis-derandomize"), "the first line\\nthe second"

@pytest.mark.parametrize("case", ["is -0 -> NaN"])
def test_case(case):
    raise ZeroDivisionError(case)

def test_skipped():
    pytest.skip("not here")

@pytest.fixture
def broken():
    yield
    raise OSError("teardown")

def test_teardown(broken):
    pass
"""
DRAWN = """
import random

def test_drawn():
    raise AssertionError(f"drew {random.random()}")
"""
BAD, CASE, TEARDOWN = (
    f"array_api_tests/test_x.py::{name}" for name in ("test_bad", "test_case[is -0 -> NaN]", "test_teardown")
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "array-api" / "src").mkdir(parents=True)
    package = tmp_path / "array_api_tests"
    package.mkdir()
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (package / "__init__.py").write_text(NAMESPACE)
    (package / "test_x.py").write_text(TESTS)
    return tmp_path


def run(checkout: Path, *arguments: str, listed: tuple[str, ...] | None = None) -> tuple[int, str]:
    """The exit code and the output of the runner, in a process of its own as the suite needs it."""
    command = [sys.executable, "-m", "pullback_conformance.array_api_tests", str(checkout), "--backend", "strict"]
    if listed is not None:
        path = checkout / "xfails.txt"
        path.write_text("\n".join(["# Because.", *listed]))
        command += ["--xfails", str(path)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_failures_that_nobody_expects(checkout: Path) -> None:
    code, output = run(checkout, listed=())
    assert code == 1
    assert f"FAILED {CASE}: ZeroDivisionError: is -0 -> NaN\n" in output
    assert f"FAILED {BAD}: AssertionError: the first line\n" in output
    assert f"failed, and not listed:\n  {BAD}\n  {CASE}\n  {TEARDOWN}\n" in output
    assert "pullback over strict: 5 tests: 1 passed, 3 failed, 0 expected failures, 1 skipped" in output


def test_expected_failures(checkout: Path) -> None:
    code, output = run(checkout, listed=(BAD, CASE, TEARDOWN))
    assert code == 0, output
    assert "FAILED" not in output
    assert "5 tests: 1 passed, 0 failed, 3 expected failures, 1 skipped" in output


def test_an_entry_that_passes_or_is_gone(checkout: Path) -> None:
    gone = "array_api_tests/test_x.py::test_gone"
    code, output = run(checkout, "--randomize", listed=(BAD, f"sometimes {CASE}", TEARDOWN, gone))
    assert code == 1
    assert f"listed, but passed: remove the entry:\n  {BAD}\n" in output
    assert f"listed, but not in the suite:\n  {gone}\n" in output


def test_a_part_of_the_suite_in_several_processes(checkout: Path) -> None:
    code, output = run(checkout, "-k", "bad or good", "-n", "2", listed=(BAD, CASE))
    assert code == 0, output
    assert "2 tests: 1 passed, 0 failed, 1 expected failures, 0 skipped" in output


def test_examples_are_the_same_in_every_run(checkout: Path) -> None:
    (checkout / "array_api_tests" / "test_x.py").write_text(DRAWN)
    first, second = (run(checkout, "-n", processes, listed=())[1] for processes in ("0", "2"))
    assert "drew 0." in first
    assert first == second
    assert run(checkout, "--randomize", listed=())[1] != first


def test_a_suite_that_cannot_be_read(checkout: Path) -> None:
    (checkout / "array_api_tests" / "test_x.py").write_text("import nothing_of_this_name")
    code, output = run(checkout, listed=())
    assert code == 2
    assert "the suite did not run:" in output
    assert "nothing_of_this_name" in output


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--backend", "numpy"]) == 2
    assert "git clone --recurse-submodules" in capsys.readouterr().err
    (tmp_path / "array_api_tests").mkdir()
    assert "git submodule update --init" in str(problem(tmp_path))


def test_only_a_name_is_a_backend() -> None:
    assert backend_module("strict") == "exec('from pullback.namespaces import strict as xp')"
    with pytest.raises(ValueError, match="no name of a backend"):
        backend_module("numpy as xp; import os")
