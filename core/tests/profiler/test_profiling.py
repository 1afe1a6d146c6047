"""The profiler: what it counts, what it writes, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import contextvars
import gzip
import itertools
import json
import sys
import threading
from pathlib import Path
from typing import Any

import pullback as pb
import pytest
from pullback.backward import inspector
from pullback.errors import AnomalyError, ArgumentError, AutogradError
from pullback.grad_mode import recording
from pullback.plugins import backends
from pullback.profiler import profile, record_function
from pullback.profiler.events import active
from pullback.profiler.table import Row


def state() -> dict[Any, Any]:
    """The identity of everything that a profiler touches."""
    found: dict[Any, Any] = {}
    for backend in backends.loaded():
        found[backend.name] = (
            id(backend.kernels_of),
            tuple(backend.kernels_of.items()),
            "plain_operators" in vars(backend),
        )
        for aval in {id(aval): aval for aval in backend._avals.values()}.values():
            plans = tuple((key, id(plan)) for key, plan in aval.plans.items())
            found[id(aval)] = id(aval.plans), plans, id(aval.own), tuple(map(id, aval.own)), aval.direct
    return found


def rows(prof: profile) -> dict[str, Row]:
    return {row.name: row for row in prof.key_averages()}


def counted(prof: profile) -> dict[str, tuple[int, int]]:
    return {row.name: (row.calls, row.backward_calls) for row in prof.key_averages()}


def work(x: pb.Tensor) -> pb.Tensor:
    """Operators with a Tensor and with numbers, functions of one and of two operands, general operations."""
    return pb.sum(pb.maximum(pb.exp(x * x + 2.0), 1.0 - x) @ x)


WORK = {"multiply": 1, "add": 1, "exp": 1, "subtract": 1, "maximum": 1, "matmul": 1, "sum": 1}


def test_every_operation_and_every_step_back_is_counted(device: str):
    x = pb.ones(3, 3, requires_grad=True)
    for _ in range(2):  # with nothing known of the avals, and with all plans made
        with profile() as prof:
            loss = work(x)
            loss.backward()
        assert counted(prof) == dict.fromkeys(WORK, (1, 1))


def test_operations_that_are_not_recorded_are_counted_too(device: str):
    x = pb.ones(3, 3)
    work(x)
    with profile() as prof:
        work(x)
    assert counted(prof) == dict.fromkeys(WORK, (1, 0))
    assert all(row.saved == 0 for row in prof.key_averages())


def test_results_are_those_without_a_profiler(device: str):
    pb.manual_seed(0)
    x = pb.rand(4, 4, requires_grad=True)
    loss = work(x)
    (plain,) = pb.autograd.grad(loss, x)
    with profile():
        again = work(x)
        (grad,) = pb.autograd.grad(again, x)
    assert again.tolist() == loss.tolist()
    assert grad.tolist() == plain.tolist()


def test_bytes_allocated_and_saved():
    x = pb.ones(8, requires_grad=True)
    with profile() as prof:
        pb.exp(x)  # keeps its result
        pb.reshape(x, (2, 4))  # a window on the memory of x
        x * x  # keeps x twice: one piece of memory
        x.detach() + x.detach()
    found = rows(prof)
    assert (found["exp"].allocated, found["exp"].saved) == (32, 32)
    assert (found["reshape"].allocated, found["reshape"].saved) == (0, 0)
    assert (found["multiply"].allocated, found["multiply"].saved) == (32, 32)
    assert (found["add"].allocated, found["add"].saved) == (32, 0)


def test_a_step_back_allocates_what_is_not_the_cotangent_itself():
    x = pb.ones(8, requires_grad=True)
    y = pb.exp(x + 1.0)
    with profile() as prof:
        y.backward(pb.ones(8))
    found = rows(prof)
    assert found["exp"].allocated == 32
    assert found["add"].allocated == 0


def test_times_add_up():
    x = pb.ones(100, 100, requires_grad=True)
    with profile() as prof:
        with record_function("outer"):
            y = x @ x
            with record_function("inner"):
                y = pb.exp(y * 1e-3)
        y.sum().backward()
    events = prof.events()
    assert all(0 <= event.own <= event.duration for event in events)
    by_name = {event.name: event for event in events if event.kind != "backward"}
    outer, inner = by_name["outer"], by_name["inner"]
    assert inner.own == inner.duration - by_name["exp"].duration - by_name["multiply"].duration
    assert outer.own == outer.duration - inner.duration - by_name["matmul"].duration
    assert outer.start <= by_name["matmul"].start
    assert inner.start + inner.duration <= outer.start + outer.duration
    for row in prof.key_averages():
        mine = [event for event in events if event.name == row.name]
        assert row.total == sum(event.duration for event in mine)
        assert row.own == sum(event.own for event in mine)
        assert row.calls + row.backward_calls == len(mine)
    averages = prof.key_averages()
    assert sum(row.own for row in averages) <= averages.wall


def test_a_recorded_pass_times_the_rules_and_what_they_run():
    x = pb.ones(5, requires_grad=True)
    with profile() as prof:
        (grad,) = pb.autograd.grad(pb.sin(x).sum(), x, create_graph=True)
        grad.sum().backward()
    found = rows(prof)
    assert found["cos"].calls == 1
    assert found["cos"].backward_calls == 1
    step = next(event for event in prof.events() if event.kind == "backward" and event.note == "SinBackward0")
    assert step.own < step.duration  # the cosine ran inside


def test_functions_of_the_user_have_steps_back():
    class Double(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, ct):
            return ct * 2

    x = pb.ones(3, requires_grad=True)
    with profile() as prof:
        Double.apply(x).sum().backward()
    assert rows(prof)["Double"].backward_calls == 1
    assert rows(prof)["multiply"].calls >= 1


def test_transforms_show_the_operations_that_they_run():
    with profile() as prof:
        pb.func.jvp(lambda x: pb.sin(x) * 3.0, (pb.ones(3),), (pb.ones(3),))
    assert counted(prof)["sin"] == (1, 0)
    assert counted(prof)["cos"] == (1, 0)


# --- nothing is left -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leave", ["normally", "by an error"])
def test_everything_is_as_before(leave: str):
    x = pb.ones(3, 3, requires_grad=True)
    work(x).backward()
    before = state()
    modes = inspector.get(), recording(), active.get()
    try:
        with profile():
            work(x).backward()
            assert state() != before
            if leave == "by an error":
                pb.ones(2) @ pb.ones(3, 3)
    except Exception:  # noqa: BLE001  whatever it is, see what it leaves behind
        pass
    else:
        assert leave == "normally"
    after = state()
    assert {key: after[key] for key in before} == before
    assert (inspector.get(), recording(), active.get()) == modes


def test_an_operation_that_fails_leaves_no_open_span():
    with profile() as prof, record_function("outer"):
        with pytest.raises(Exception, match=r"matmul|shape|dim|mismatch"):
            pb.ones(2) @ pb.ones(3, 3)
        pb.exp(pb.ones(2))
    outer = next(event for event in prof.events() if event.name == "outer")
    exp = next(event for event in prof.events() if event.name == "exp")
    assert outer.own == outer.duration - exp.duration
    assert "matmul" not in counted(prof)


def test_avals_of_the_meantime_are_fast_afterwards():
    shape = (3, 1, 7, 1, 2)
    with profile():
        x = pb.ones(shape)
        x * x
        x + 1.0
    aval = x._aval
    assert aval.direct
    assert not aval.plans
    assert aval.own == [None] * len(aval.own)
    x * x
    assert any(aval.own)


def test_a_backend_that_is_loaded_inside_is_timed_and_restored():
    class Small(type(pb.ones(1).device.backend)):
        name = "small_for_profiling"
        device_types = ()
        default_candidate = False

    with profile() as prof:
        made = backends.register(Small())
        try:
            x = pb.asarray([1.0, 2.0], device="small_for_profiling")
            pb.exp(x)
        finally:
            del backends._loaded[made.name]
    assert counted(prof) == {"exp": (1, 0)}
    assert type(made.kernels_of) is dict
    assert "plain_operators" not in vars(made)
    assert x._aval.direct
    assert backends.watchers == []


def test_profilers_nest_and_each_has_what_ran_inside_of_it():
    x = pb.ones(3, requires_grad=True)
    before = state()
    with profile() as outer:
        pb.exp(x)
        with profile() as inner:
            pb.sin(x).sum().backward()
        pb.cos(x)
    assert counted(inner) == {"sin": (1, 1), "sum": (1, 1)}
    assert counted(outer) == {"exp": (1, 0), "sin": (1, 1), "sum": (1, 1), "cos": (1, 0)}
    assert {key: state()[key] for key in before} == before


def test_profilers_that_do_not_nest_restore_all_the_same():
    before = state()
    context = contextvars.copy_context()
    first, second = profile(), profile()
    first.start()
    context.run(second.start)
    first.stop()
    pb.exp(pb.ones(3))
    context.run(lambda: pb.sin(pb.ones(3)))
    context.run(second.stop)
    second.stop()  # once more: nothing
    assert counted(first) == {}
    assert counted(second) == {"sin": (1, 0)}
    assert {key: state()[key] for key in before} == before


def test_one_profiler_cannot_be_entered_twice():
    with profile() as prof:
        with pytest.raises(AutogradError, match="on already"):
            prof.start()
        pb.exp(pb.ones(2))
    with prof:
        pb.exp(pb.ones(2))
    assert counted(prof) == {"exp": (2, 0)}


def test_with_anomaly_detection_in_either_order():
    x = pb.tensor([0.0], requires_grad=True)
    with profile() as prof, pb.autograd.detect_anomaly(), pytest.raises(AnomalyError):
        pb.sqrt(x).sum().backward()
    assert counted(prof)["sum"] == (1, 1)
    assert counted(prof)["sqrt"][1] == 1
    with pb.autograd.detect_anomaly(), profile() as prof, pytest.raises(AnomalyError):
        pb.sqrt(x).sum().backward()
    assert counted(prof)["sum"] == (1, 1)
    assert counted(prof).get("sqrt", (1, 0))[1] == 0  # the detector refused the step inside of it
    assert inspector.get() is None


# --- threads and tasks -----------------------------------------------------------------------------------------------


def test_other_threads_are_not_recorded_and_compute_right():
    x = pb.ones(4)
    found: list[Any] = []
    with profile() as prof:
        thread = threading.Thread(target=lambda: found.append(pb.exp(x * 2.0).tolist()))
        thread.start()
        thread.join()
        pb.sin(x)
    assert counted(prof) == {"sin": (1, 0)}
    assert found == [pb.exp(x * 2.0).tolist()]


@pytest.mark.parametrize("op", [lambda x: pb.exp(x), lambda x: pb.maximum(x, x), lambda x: pb.clip(x, 0.0, 1.0)])
def test_a_plan_that_another_thread_remembers_too_late_is_forgotten_when_it_is_used(op):
    x = pb.ones(7, 5)
    with profile():
        op(x)
        plans = dict(x._aval.plans)
    x._aval.plans.update(plans)  # as a thread does that was in the middle of an operation
    assert op(x).tolist() == op(x).tolist()
    assert all(x._aval.plans.get(key) is not plan for key, plan in plans.items())


def test_threads_that_compute_while_profilers_come_and_go():
    stop, wrong = threading.Event(), []
    interval = sys.getswitchinterval()

    def run() -> None:
        for i in itertools.count():
            if stop.is_set():
                return
            x = pb.ones(i % 20 + 1, requires_grad=True)
            (pb.exp(x * x - 1.0) * x).sum().backward()
            if x.grad is None or abs(x.grad[0].item() - 3.0) > 1e-4:
                wrong.append(x.grad)

    threads = [threading.Thread(target=run) for _ in range(3)]
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for _ in range(200):
            with profile() as prof:
                pb.sin(pb.ones(3))
            assert counted(prof) == {"sin": (1, 0)}
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert wrong == []
    assert inspector.get() is None


def test_each_thread_has_a_profiler_of_its_own():
    before = state()
    found: dict[int, dict[str, tuple[int, int]]] = {}
    barrier = threading.Barrier(4)

    def run(number: int) -> None:
        x = pb.ones(3, requires_grad=True)
        barrier.wait()
        with profile() as prof:
            for _ in range(number + 1):
                pb.exp(x).sum().backward()
        found[number] = counted(prof)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: {"exp": (i + 1, i + 1), "sum": (i + 1, i + 1)} for i in range(4)}
    after = state()
    assert {key: after[key] for key in before} == before


def test_tasks_do_not_get_between_each_others_ranges():
    async def task(name: str) -> None:
        with record_function(name):
            pb.exp(pb.ones(2))
            await asyncio.sleep(0)
            pb.sin(pb.ones(2))

    async def main() -> None:
        await asyncio.gather(task("a"), task("b"))

    with profile() as prof:
        asyncio.run(main())
    for name in ("a", "b"):
        event = next(event for event in prof.events() if event.name == name)
        assert 0 < event.own < event.duration
    assert counted(prof) == {"exp": (2, 0), "sin": (2, 0), "a": (1, 0), "b": (1, 0)}


# --- what it writes --------------------------------------------------------------------------------------------------


def test_the_table_has_a_line_for_every_row_in_order():
    x = pb.ones(50, 50, requires_grad=True)
    with profile() as prof:
        with record_function("forward pass"):
            y = pb.exp(x @ x * 1e-3).sum()
        y.backward()
    text = prof.table()
    head, rule, *body = text.splitlines()
    assert head.split()[:2] == ["operation", "calls"]
    assert set(rule) == {"-", " "}
    names = [line.split()[0] for line in body[:4]]
    averages = sorted((row for row in prof.key_averages() if row.kind == "operation"), key=lambda row: -row.own)
    assert names == [row.name for row in averages]
    assert len(names) == 4
    assert "[forward pass]" in text
    assert "in operations, of" in body[-1]
    assert str(prof.key_averages()) == text
    by_calls = prof.key_averages().table(sort_by="name", row_limit=2)
    assert [line.split()[0] for line in by_calls.splitlines()[2:5]] == ["exp", "matmul", "..."]
    assert prof.table(sort_by="self_cpu_time_total") == text
    with pytest.raises(ArgumentError, match="self, total"):
        prof.table(sort_by="speed")


def test_a_table_of_nothing():
    with profile() as prof:
        pass
    assert "0 ns in operations" in prof.table()
    assert repr(prof) == "<profile of 0 events>"


@pytest.mark.parametrize("suffix", ["json", "json.gz"])
def test_the_trace_is_in_the_trace_event_format(tmp_path: Path, suffix: str):
    x = pb.ones(6, 6, requires_grad=True)
    with profile(record_shapes=True) as prof:
        with record_function('a "label" <script>'):
            y = pb.exp(x @ x)
        y.sum().backward()
    path = tmp_path / f"trace.{suffix}"
    prof.export_chrome_trace(path)
    raw = gzip.decompress(path.read_bytes()) if suffix.endswith("gz") else path.read_bytes()
    content = json.loads(raw)
    assert content["displayTimeUnit"] in ("ms", "ns")
    complete = []
    for event in content["traceEvents"]:
        assert event["ph"] in ("X", "M", "C")
        assert isinstance(event["name"], str)
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        assert event["ts"] >= 0
        if event["ph"] == "X":
            assert event["dur"] >= 0
            complete.append(event)
        if event["ph"] == "C":
            assert all(isinstance(value, int) for value in event["args"].values())
    assert len(complete) == len(prof.events())
    assert {event["cat"] for event in complete} == {"forward", "backward", "range"}
    stack: list[Any] = []
    for event in complete:  # spans of a thread nest or are apart: a viewer draws nothing else
        while stack and stack[-1]["ts"] + stack[-1]["dur"] <= event["ts"]:
            stack.pop()
        if stack:
            assert event["ts"] + event["dur"] <= stack[-1]["ts"] + stack[-1]["dur"] + 1e-6
        stack.append(event)
    matmul = next(event for event in complete if event["name"] == "matmul")
    assert matmul["args"]["shapes"] == "(6, 6), (6, 6)"
    assert any(event["name"] == "ExpBackward0" for event in complete)
    saved = [event["args"]["bytes"] for event in content["traceEvents"] if event["ph"] == "C"]
    assert saved == sorted(saved)
    assert saved[-1] == sum(row.saved for row in prof.key_averages())
    names = {event["args"]["name"] for event in content["traceEvents"] if event["ph"] == "M"}
    assert "pullback" in names


def test_ranges_without_a_profiler_do_nothing_and_decorate():
    @record_function("f")
    def f(x: pb.Tensor) -> pb.Tensor:
        """Doc."""
        return pb.exp(x)

    assert f.__doc__ == "Doc."
    f(pb.ones(2))
    with profile() as prof:
        f(pb.ones(2))
    assert counted(prof) == {"exp": (1, 0), "f": (1, 0)}


def test_synchronize_waits_for_the_device_of_every_operation(monkeypatch: pytest.MonkeyPatch):
    x = pb.ones(3, requires_grad=True)
    backend = x.device.backend
    waited: list[Any] = []
    monkeypatch.setattr(type(backend), "synchronize", lambda self, device: waited.append(device))
    with profile():
        pb.exp(x).sum().backward()
    assert waited == []
    with profile(synchronize=True):
        pb.exp(x).sum().backward()
    assert len(waited) == 6  # before and after each of two operations, and after each step back
    assert set(waited) == {x.device.native}
