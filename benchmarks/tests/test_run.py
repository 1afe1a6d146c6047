"""The whole of it on the smallest workload, in processes of its own; and what happens when a peer fails."""

from __future__ import annotations

import json
from pathlib import Path

import harness
import import_time
import peers
import pytest
import run
import worker


def test_run_measures_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "out.json"
    code = run.main(["--quick", "--workload", "vector_multiply", "--peers", "pullback", "numpy", "--json", str(file)])
    assert code == 0
    assert "vector_multiply" in capsys.readouterr().out
    document = json.loads(file.read_text())
    result = document["workloads"]["vector_multiply"]
    assert result["failed"] == {}
    assert set(result["samples"]) == {"pullback", "numpy"} == set(document["versions"])
    for samples in result["samples"].values():
        assert len(samples) == result["rounds"] == 3
        assert all(0 < seconds < 1 for sample in samples for seconds in sample["time"])
    ratio = result["rows"]["vector_multiply"]["ratios"]["numpy"]
    assert 0 < ratio["low"] <= ratio["median"] <= ratio["high"]


def test_a_peer_that_fails_is_named_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "has", lambda workload, peer: True)
    taken, failed = harness.measure("vector_multiply", ["numpy", "nobody"], rounds=1, seconds=1e-4)
    assert list(taken) == ["numpy"]
    assert len(taken["numpy"]) == 1
    assert "with_nobody" in failed["nobody"]


def test_a_worker_refuses_more_than_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in peers.ONE_THREAD.items():
        monkeypatch.setenv(name, value)
    peers.prepare("numpy")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.raises(RuntimeError, match="OMP_NUM_THREADS"):
        peers.prepare("numpy")


def test_samples_are_per_unit() -> None:
    calls = 0

    def step() -> None:
        nonlocal calls
        calls += 1
        sum(range(20_000))

    taken = worker.steps(step, 0.002, units=10)
    first = next(taken)["time"]
    before = calls
    second = next(taken)["time"]
    alone, _ = worker.timed(step, 20)
    assert calls - before >= 1
    for sample in (first, second):
        assert alone[1] / 20 / 10 / 20 < sample[1] < 20 * alone[1] / 20 / 10


def test_the_import_is_measured_in_processes_of_its_own(tmp_path: Path) -> None:
    seconds = import_time.added({"heavy": "import decimal; sum(range(3_000_000))"}, 2, str(tmp_path))
    assert 0 < seconds["heavy"] < 10
    assert "decimal" in import_time.modules("import decimal", str(tmp_path))
    assert not {"numpy", "pluggy", "importlib.metadata"} & set(import_time.modules("import pullback", str(tmp_path)))
