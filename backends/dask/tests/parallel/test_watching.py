"""What a run shows while it goes on."""

from __future__ import annotations

import io
import sys
from typing import Any

import dask.array as da
import numpy as np
import pullback as pb
import pytest
from distributed import Client
from pullback_dask.parallel import Report, fit, watching


def run(client: Client, steps: int = 3, **options: Any) -> Any:
    x = da.from_array(np.arange(12.0), chunks=4)

    def loss(w, x):
        return (w * x).square().mean()

    return fit(loss, pb.tensor(1.0), x, lambda w, g: w - 0.001 * g, steps=steps, client=client, **options)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the scheduler each time, and print each line."""
    monkeypatch.setattr(watching, "_LOOK", 0.0)
    monkeypatch.setattr(watching, "_SILENCE", 0.0)


def test_a_line_for_each_step_where_there_is_no_terminal(
    client: Client, often: None, capsys: pytest.CaptureFixture[str]
):
    losses = run(client).losses
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == f"cluster: {client.scheduler.address}, dashboard: {client.dashboard_link or 'none'}"
    assert len(lines) == 3
    assert lines[0].startswith(f"step 1/3: loss {losses[0]:.6g}, ")
    assert "rows/s, moved" in lines[2]
    assert lines[2].endswith("spilled 0 B")


def test_few_lines_by_default(client: Client, capsys: pytest.CaptureFixture[str]):
    run(client)
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == ["cluster", "step 3/3"]


def test_a_bar_on_a_terminal(client: Client, often: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TERM", "xterm")
    losses = run(client).losses
    shown = sys.stderr.getvalue()
    assert "3/3" in shown
    assert f"loss {losses[-1]:.6g}" in shown
    assert "rows/s" in shown


def test_nothing_without_progress(client: Client, capsys: pytest.CaptureFixture[str]):
    run(client, progress=False)
    assert capsys.readouterr().err == ""


def test_a_report_counts_rows_and_what_is_sent(client: Client, often: None):
    reports: list[Report] = []
    run(client, progress=False, on_step=reports.append)
    assert [report.step for report in reports] == [1, 2, 3]
    assert {report.rows for report in reports} == {12}
    moved = [report.traffic.moved for report in reports]
    assert 100 < moved[0] < moved[1] < moved[2]
    assert all(report.rows_per_second == report.rows / report.seconds for report in reports)


def test_a_cluster_that_does_not_answer_has_no_traffic():
    class Gone:
        def run_on_scheduler(self, function: Any) -> Any:
            raise OSError("gone")

    assert watching.traffic(Gone()) == (0, 0, 0)


def test_numbers_are_short():
    report = Report(1, 0.5, 3_000_000, 2.0, watching.Traffic(3 << 20, 0, 5 << 30))
    assert str(report) == "loss 0.5, 1.5M rows/s, moved 3.0 MiB, spilled 5.0 GiB"
    assert str(report._replace(rows=1, traffic=watching.Traffic(1023, 0, 1024))) == (
        "loss 0.5, 0.5 rows/s, moved 1023 B, spilled 1.0 KiB"
    )
