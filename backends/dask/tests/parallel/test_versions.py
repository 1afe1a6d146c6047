"""`pullback doctor --cluster` compares the versions in every process."""

from __future__ import annotations

import json
import socket
from importlib.metadata import version
from typing import Any

import pytest
from distributed import Client
from pullback.cli import main
from pullback_dask.parallel import versions


def address(client: Client) -> str:
    return client.scheduler.address


def test_the_same_everywhere(client: Client, capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--cluster", address(client)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"cluster {address(client)}: 2 workers\n")
    assert out.endswith("The same everywhere.\n")
    for name in ("pullback", "pullback-dask", "numpy", "dask", "distributed"):
        assert any(line.split() == [name, version(name)] for line in out.splitlines()), name


def test_json_has_every_process(client: Client, capsys: pytest.CaptureFixture[str]):
    assert main(["doctor", "--cluster", address(client), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["healthy"]
    assert found["findings"] == []
    workers = set(client.scheduler_info()["workers"])
    assert set(found["processes"]) == {"this process", "scheduler", *workers}
    assert {process["numpy"] for process in found["processes"].values()} == {version("numpy")}


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_difference_is_named_and_is_status_1(
    client: Client, form: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """A worker that has another NumPy and lacks pullback."""
    gathered = versions.gathered
    odd = min(client.scheduler_info()["workers"])

    def changed(client: Client) -> dict[str, dict[str, str]]:
        found = gathered(client)
        found[odd] = {**found[odd], "numpy": "1.0"}
        del found[odd]["pullback"]
        return found

    monkeypatch.setattr(versions, "gathered", changed)
    assert main(["doctor", "--cluster", address(client), *form]) == 1
    out = capsys.readouterr().out
    assert f"1.0 in {odd}" in out
    assert f"not installed in {odd}" in out
    assert out.count("numpy: ") == 1


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(versions, "TIMEOUT", 1.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert main(["doctor", "--cluster", f"tcp://127.0.0.1:{port}"]) == 1
    assert f"no scheduler answers at tcp://127.0.0.1:{port}" in capsys.readouterr().err


def test_many_processes_are_counted():
    found: dict[str, Any] = {f"w{number}": {"numpy": "2"} for number in range(6)}
    assert versions.differences({"this process": {"numpy": "1"}, **found}) == [
        "numpy: 1 in this process; 2 in w0, w1, w2 and 3 more"
    ]
    assert versions.differences(found) == []
