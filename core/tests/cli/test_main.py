"""The command line: exit status, and no traceback whatever is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.distributions import HOSTILE, Site
from pullback.cli import main
from pullback.plugins import discovery

BARE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"numpy", "matplotlib", "rich"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
from pullback.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "argv", [[], ["nonsense"], ["demo", "--steps", "0"], ["demo", "--backend", "a", "--device", "b"]]
)
def test_a_wrong_command_line_is_status_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "usage: pullback" in capsys.readouterr().err


def test_the_module_runs_as_the_script_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pullback", "backends"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "numpy" in done.stdout


def test_an_interrupt_is_status_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pullback.plugins.doctor.examine", interrupted)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "pullback doctor: interrupted\n"


@pytest.mark.parametrize(
    ("command", "status"), [("backends", 0), ("plugins", 1), ("doctor", 1), ("demo", 1), ("plugins -v", 1)]
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_everything_works_when_everything_is_broken(site: Site, command: str, status: int, form: str) -> None:
    site.add_hostile()
    site.add("future", backends={"future": "gone"}, group="pullback.backends.v2")
    site.add("op-broken", backends={"swish": "module_op"}, group=discovery.OPS, modules={"module_op": "1 / 0"})
    argv = [*command.split(), *(["--json"] if form == "json" else [])]
    environment = {"PYTHONPATH": str(site.path), "PULLBACK_STRICT_PLUGINS": "nonsense", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", BARE, *argv],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=site.path,
        timeout=60,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    if command == "demo":
        assert done.stdout == ""
        assert done.stderr.startswith("pullback demo: ")
    elif form == "json":
        json.loads(done.stdout)
    else:
        for name in HOSTILE:
            assert name in done.stdout
        assert "not your output" not in done.stdout
        assert ("Traceback" in done.stdout) == (command == "plugins -v")


def test_the_installed_script_is_this_program() -> None:
    script = Path(sys.executable).with_name("pullback")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=True, timeout=60)
    for command in ("demo", "backends", "plugins", "doctor"):
        assert command in done.stdout


def test_a_reader_that_leaves_is_no_error() -> None:
    command = [sys.executable, "-u", "-m", "pullback", "doctor"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode in (0, 1)


def test_a_cluster_needs_the_dask_backend(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "pullback_dask.parallel.versions", None)
    assert main(["doctor", "--cluster", "tcp://127.0.0.1:1"]) == 1
    assert "to ask a cluster: pip install 'pullback[dask]'" in capsys.readouterr().err
