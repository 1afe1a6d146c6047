"""Packages as third parties make them: the page that teaches it, typed out; the scaffolds, built, installed and broken."""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from test_wheels import ROOT, clean, succeed, uv

PAGE = ROOT / "docs" / "writing_a_plugin.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
MINE = ("core", "backends/numpy", "backends/strict", "conformance")


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels that a plugin's author installs."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    for member in MINE:
        succeed(uv(), "build", "--quiet", "--wheel", "--no-sources", "--out-dir", folder, ROOT / member, cwd=ROOT)
    return folder


class Shell:
    """A fresh environment with pip, and an empty folder; commands find its programs first."""

    def __init__(self, folder: Path, wheelhouse: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        succeed(uv(), "venv", "--quiet", "--seed", "--python", sys.executable, folder / "env", cwd=folder)
        self.bin = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
        self.env = clean() | {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "PIP_FIND_LINKS": str(wheelhouse),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",  # two edits of one length within a second would pass for one
        }

    def run(self, command: str, *, status: int = 0, cwd: str = ".", **env: str) -> str:
        """What a command prints; it must end with this status."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder / cwd,
            env=self.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"$ {command}\n{done.stdout}"
        return done.stdout


@pytest.fixture
def shell(tmp_path: Path, wheelhouse: Path) -> Shell:
    """A fresh environment with nothing but pip in it."""
    return Shell(tmp_path, wheelhouse)


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory, wheelhouse: Path) -> Shell:
    """An environment with all that the scaffolds' tests need, and what they are built with."""
    made = Shell(tmp_path_factory.mktemp("equipped"), wheelhouse)
    made.run(
        'pip install --quiet "pullback[cpu,strict,test]" pytest build "hatchling>=1.27" editables array-api-strict'
    )
    return made


# --- the page --------------------------------------------------------------------------------------------------------


def commands(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with the output that follows it."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def as_shown(found: str, shown: str) -> bool:
    """Whether an output is the one that is shown, in which `...` stands for anything, and blanks for each other."""
    checker = doctest.OutputChecker()
    return checker.check_output(shown, found, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)


def test_the_page_does_what_it_says(shell: Shell):
    ran = 0
    for language, name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if name:
            path = shell.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif language == "console":
            for command, shown in commands(text):
                found = shell.run(command)
                assert not shown or as_shown(found, shown), f"$ {command}\n{found}\nand not\n{shown}"
                ran += 1
    assert ran == text_of_commands()


def text_of_commands() -> int:
    """How many commands the page has: none was passed over."""
    return len(re.findall(r"^\$ ", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_package_of_the_page_has_thirty_lines():
    files = [text for _, name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if name.startswith("acme/")]
    assert len(files) == 3
    assert sum(bool(line.strip()) for text in files for line in text.splitlines()) <= 30


def test_outputs_are_compared():
    assert as_shown("a  1.25 s\nb\n", "a ... s\nb\n")
    assert not as_shown("a\nc\n", "a\nb\n")


# --- the scaffolds ---------------------------------------------------------------------------------------------------


def steps(project: Path) -> list[str]:
    """What the generated CI file runs."""
    return re.findall(r"^ +- run: (.*)$", (project / ".github/workflows/test.yml").read_text(), re.MULTILINE)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new))


def test_what_the_generated_ci_runs_passes(shell: Shell, equipped: Shell):
    equipped.run("pullback new op acme::swish --into new")
    shutil.copytree(equipped.folder / "new" / "acme-swish", shell.folder / "acme-swish")
    listed = steps(shell.folder / "acme-swish")
    assert len(listed) == 5
    outputs = [shell.run(step, cwd="acme-swish", PULLBACK_STRICT_PLUGINS="1") for step in listed]
    assert re.search(r"acme +loaded .*acme-swish 0\.1\.0", outputs[3])
    assert re.search(r"(\d+) passed", outputs[4])
    assert not re.search("skipped|failed|warning", outputs[4])


OWN = "acme-good/tests/test_acme_good.py"
FAULTS = {
    "a wrong rule": ("src/acme_good/__init__.py", "(1 + x * (1", "(1 - x * (1", ["derivatives"]),
    "a wrong value": ("src/acme_good/__init__.py", "return x * _sigmoid", "return 2 * _sigmoid", ["values"]),
    "NumPy": (
        "src/acme_good/__init__.py",
        "return xp.exp(-xp.logaddexp(-x, xp.zeros_like(x)))",
        "import numpy; return 1 / (1 + numpy.exp(-x))",
        ["values[strict]", "values[strict:device1]", "derivatives_of_first_and_second_order_in_both_modes[strict]"],
    ),
    "another dtype": (
        "src/acme_good/__init__.py",
        "return x * _sigmoid(xp, x)",
        "return xp.astype(x * _sigmoid(xp, x), xp.float64)",
        ["shape_dtype_and_device"],
    ),
    "another namespace": ("pyproject.toml", '\nacme = "', '\nacne = "', ["registered", "values"]),
}


@pytest.fixture(scope="module")
def op_package(equipped: Shell) -> Path:
    """A generated package for an op, installed."""
    equipped.run("pullback new op acme::good")
    equipped.run("pip install --quiet --no-build-isolation -e acme-good")
    assert "passed" in equipped.run(f"python -m pytest -q {OWN}")
    return equipped.folder / "acme-good"


@pytest.mark.parametrize("fault", FAULTS)
def test_the_generated_tests_of_an_op_find_a_fault(equipped: Shell, op_package: Path, fault: str):
    name, old, new, found_by = FAULTS[fault]
    path = op_package / name
    kept = path.read_text()
    install = "pip install --quiet --no-build-isolation -e acme-good"
    try:
        edit(path, old, new)
        if name == "pyproject.toml":
            equipped.run(install)
        output = equipped.run(f"python -m pytest -q {OWN}", status=1)
    finally:
        path.write_text(kept)
        if name == "pyproject.toml":
            equipped.run(install)
    failed = re.findall(r"^(?:FAILED|ERROR) \S+::(\S+)", output, re.MULTILINE)
    for test in found_by:
        assert any(test in name for name in failed), output


def test_the_conformance_suite_finds_it_too(equipped: Shell, op_package: Path):
    name, old, new, _ = FAULTS["a wrong rule"]
    path = op_package / name
    kept = path.read_text()
    edit(path, old, new)
    try:
        output = equipped.run("python -m pytest -q acme-good/tests/test_conformance.py -k numpy", status=1)
    finally:
        path.write_text(kept)
    assert "V05.fd" in output
    assert "acme::good" in output


def test_a_generated_backend_passes_its_tests_and_fails_when_it_is_wrong(equipped: Shell):
    equipped.run("pullback new backend rig --library array_api_strict")
    equipped.run("pip uninstall --quiet --yes pullback-strict")  # two backends for one library is one too many
    try:
        equipped.run("pip install --quiet --no-build-isolation -e rig")
        listing = equipped.run("pullback backends")
        assert re.search(r"rig +usable +rig 0\.1\.0 +rig", listing)
        assert "passed" in equipped.run("python -m pytest -q rig")
        source = equipped.folder / "rig" / "src" / "rig" / "__init__.py"
        edit(source, ".to_device(device)\n", ".to_device(self.default_native_device())\n")
        failed = equipped.run("python -m pytest -q rig", status=1)
        assert "test_arrays_come_and_go_unharmed" in failed
    finally:
        equipped.run("pip uninstall --quiet --yes rig")
        equipped.run("pip install --quiet pullback-strict")


# --- removing --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("op_package")
def test_blocking_unblocking_and_uninstalling(equipped: Shell):
    program = "python -c 'import pullback as pb; print(pb.ops.acme.good(pb.tensor(0.0)))'"
    assert equipped.run(program) == "tensor(0.)\n"
    blocked = equipped.run(program, status=1, PULLBACK_BLOCK_PLUGINS="acme-good")
    assert "acme-good 0.1.0" in blocked
    assert "blocked: by PULLBACK_BLOCK_PLUGINS=acme-good" in blocked
    assert re.search(r"acme +blocked", equipped.run("pullback plugins", PULLBACK_BLOCK_PLUGINS="acme"))
    assert equipped.run(program) == "tensor(0.)\n"
    equipped.run("pip uninstall --quiet --yes acme-good")
    try:
        assert "no installed package offers them" in equipped.run(program, status=1)
        assert "acme" not in equipped.run("pullback plugins")
    finally:
        equipped.run("pip install --quiet --no-build-isolation -e acme-good")


# --- an op package and a backend, from wheels ------------------------------------------------------------------------

THIRD_PARTY = ROOT / "examples" / "third_party"


@pytest.fixture(scope="module")
def third_party(tmp_path_factory: pytest.TempPathFactory, wheelhouse: Path) -> Shell:
    """An environment with the wheels of acme-ops (ops), frost-array (an array library) and frost-pullback (its backend)."""
    for member in ("acme-ops", "frost-array", "frost-pullback"):
        succeed(uv(), "build", "--quiet", "--wheel", "--out-dir", wheelhouse, THIRD_PARTY / member, cwd=ROOT)
    made = Shell(tmp_path_factory.mktemp("third_party"), wheelhouse)
    made.run('pip install --quiet "acme-ops[test]" "frost-pullback[test]"')
    return made


def source_of(shell: Shell, module: str) -> Path:
    """Where a module is installed: in the environment, not in the tree."""
    path = Path(shell.run(f"python -c 'import {module}; print({module}.__file__)'").strip())
    assert shell.bin.parent in path.parents
    return path


def conformance(shell: Shell, options: str, *, status: int = 0) -> dict[str, Any]:
    """The report of a run of the suite."""
    shell.run(f"pullback conformance {options} --quiet --json report.json", status=status)
    report: dict[str, Any] = json.loads((shell.folder / "report.json").read_text())
    return report


def test_third_parties_need_what_a_plugin_may_import(third_party: Shell):
    for module, public in (("acme_ops", ["pullback", "pullback.extend"]), ("frost_pullback", ["pullback.extend"])):
        source = source_of(third_party, module).read_text()
        assert re.findall(r"^ *(?:from|import) (pullback\S*)", source, re.MULTILINE) == public
    assert "pullback" not in source_of(third_party, "frost_array").read_text()
    listing = third_party.run("pullback backends")
    assert re.search(r"frost +usable +frost-pullback 1\.0 +frost, frost:held_out", listing)


def test_their_ops_are_as_claimed(third_party: Shell):
    report = conformance(third_party, "--plugin acme --level L3")
    assert report["ok"]
    assert report["denominator"]["ops"] == 3
    assert report["totals"]["PASS"] > 1000


def test_their_backend_is_as_claimed(third_party: Shell):
    """Every op of the standard, on both devices; every 48th sample."""
    report = conformance(third_party, "--backend frost --level L3 --sample 48 -n 2")
    assert report["ok"]
    assert report["backend"]["devices"] == ["frost", "frost:held_out"]
    assert report["denominator"]["ops"] > 170
    assert report["totals"]["PASS"] > 10_000


class Break(NamedTuple):
    """What is changed in a package, the check that must name it, what that must say, and the checks that stay green."""

    module: str
    old: str
    new: str
    check: str
    says: str
    spared: str = "F"


OPTIONS = {
    "acme_ops": "--plugin acme --level L3 --sample 2",
    "frost_pullback": "--backend frost --level L2 --sample 6 --op take --op multiply --op sum --op engine",
}
SIGMOID = "t / (1 + xp.exp(-x))"
FROM_HOST = "return self.namespace.asarray(array, device=device)\n\n    def quiet"
ADD = "np.add.at(out, (slice(None),) * axis + (np.from_dlpack(indices),), np.from_dlpack(values))"
BREAKS = {
    "a sign": Break(
        *("acme_ops", "y: t * (y + 1)", "y: -t * (y + 1)"),
        *("V05.fd", "fourth-order differences says", "F|J02"),
    ),
    "an overflow": Break(
        *("acme_ops", SIGMOID, "t * xp.exp(x * 300) / (1 + xp.exp(x * 300))"),
        *("V19.finite", "not finite at finite arguments"),
    ),
    "a kink": Break(
        *("acme_ops", "t / (1 + xp.abs(x)) ** 2", "t / (1 + xp.abs(x)) ** 2 * (x / x)"),
        *("V16.kink", "got nan, the table says", "F|V0"),
    ),
    "a cotangent squared": Break(
        *("acme_ops", "y=lambda xp, t, x: t * x", "y=lambda xp, t, x: t * t * x"),
        *("V10.linear", r"VJP\(2v \+ 3w\) for argument 1"),
    ),
    "a double for a single": Break(
        *("acme_ops", SIGMOID, SIGMOID.replace("t /", "xp.astype(t, xp.float64) /")),
        *("V03.dtype", "acme::softplus: .* dtype float32, returned as its cotangent one .* dtype float64"),
    ),
    "a narrow door": Break(
        *(
            "frost_pullback",
            FROM_HOST,
            FROM_HOST.replace("array, ", "array.astype(str(array.dtype).replace('t64', 't32')), "),
        ),
        *("F03.dtype", "dtype float32, expected float64", "F04"),
    ),
    "a forgotten device": Break(
        *("frost_pullback", FROM_HOST, FROM_HOST.replace(", device=device", "")),
        *("F04.device", "is on frost, its arguments are on frost:held_out", "F05"),
    ),
    "lost duplicates": Break(
        *("frost_pullback", ADD, "out[(slice(None),) * axis + (np.from_dlpack(indices),)] += np.from_dlpack(values)"),
        *("V08.transpose", "the op's own matrix says", "F|V0[1-4]"),
    ),
    "a forgotten dtype": Break(
        *("frost_pullback", "axis + 1 :]), values.dtype)", "axis + 1 :]))"),
        *("V03.dtype", "take: .* dtype float32, returned as its cotangent one .* dtype float64"),
    ),
    "a false claim": Break(
        *("frost_pullback", "mutable=False", "mutable=True"),
        *("E23.inplace", "does not support item assignment", "F|V"),
    ),
}


@pytest.mark.parametrize("fault", BREAKS)
def test_what_is_broken_in_them_is_named(third_party: Shell, fault: str):
    module, old, new, check, says, spared = BREAKS[fault]
    path = source_of(third_party, module)
    kept = path.read_text()
    try:
        edit(path, old, new)
        report = conformance(third_party, OPTIONS[module], status=1)
    finally:
        path.write_text(kept)
    failed = [(cell["check"], cell["message"]) for cell in report["cells"] if cell["state"] == "FAIL"]
    named = [message for name, message in failed if name == check]
    assert any(re.search(says, message) for message in named), failed
    assert not [name for name, _ in failed if re.match(spared, name)]
