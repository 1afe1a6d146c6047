"""Device objects: names, equality, and the stack of contexts."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading

import array_api_strict
import pullback as pb
import pytest
from helpers import toy
from pullback.errors import ArgumentError, BackendNotFoundError, BackendUnavailableError

STRICT = ["strict", "strict:device1", "strict:device2", "strict:no_float64", "strict:no_x64"]


def test_the_devices_of_array_api_strict_are_all_there() -> None:
    backend = pb.device("strict").backend
    assert [backend.device_name(native) for native in backend.native_devices()] == STRICT
    assert len(array_api_strict.__array_namespace_info__().devices()) == len(STRICT)
    for name in STRICT:
        assert pb.zeros(2, device=name).to("cpu").tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("cpu", "cpu"),
        ("cpu:0", "cpu"),
        ("numpy", "cpu"),
        ("numpy:cpu", "cpu"),
        ("strict", "strict"),
        ("strict:CPU_DEVICE", "strict"),
        ("strict:device1", "strict:device1"),
        ("toy", "toy"),
        ("toy:main", "toy"),
        ("toy:side", "toy:side"),
    ],
)
def test_spellings(spelling: str, name: str) -> None:
    pb.asarray(toy.asarray([1.0]))
    device = pb.device(spelling)
    assert device.name == str(device) == name
    assert pb.device(device) is device
    assert pb.device(name) is device
    assert pb.zeros(1, device=device).device is device


def test_parts_of_a_name() -> None:
    device = pb.Device(pb.device("cpu").backend, None, "cuda:1")
    assert (device.type, device.index, repr(device)) == ("cuda", 1, "device(type='cuda', index=1)")
    device = pb.device("strict:device1")
    assert (device.type, device.index, repr(device)) == ("strict", None, "device(type='strict:device1')")
    assert (pb.device("cpu").type, pb.device("cpu").index) == ("cpu", None)


@pytest.mark.parametrize("name", ["cpu", *STRICT])
def test_the_repr_makes_the_device_again(name: str) -> None:
    device = pb.device(name)
    assert eval(repr(device), {"device": pb.device}) is device
    assert pickle.loads(pickle.dumps(device)) is device
    assert copy.deepcopy(device) is device


def test_equality_and_hashing() -> None:
    cpu, strict, other = map(pb.device, ("cpu", "strict", "strict:device1"))
    assert cpu == "cpu"
    assert cpu != "strict"
    assert cpu != strict != other
    assert cpu != 0
    assert {cpu: 1, strict: 2, other: 3}[pb.device("strict:device1")] == 3
    assert {cpu: 1}["cpu"] == 1


@pytest.mark.parametrize(
    ("args", "error", "match"),
    [
        (("cuda", 1), (BackendUnavailableError, BackendNotFoundError), "'cuda:1'"),
        (("cpu", 1), BackendNotFoundError, "backend 'numpy' has no device 'cpu:1'; it has cpu"),
        (("CPU",), BackendNotFoundError, "nobody knows the device 'CPU'; well known ones are 'cpu' 'cuda'"),
        (("",), ArgumentError, "got ''"),
        ((None,), ArgumentError, "device: a name such as 'cpu', 'cuda:0' or a Device is needed, got None"),
        ((0,), ArgumentError, "got 0"),
    ],
    ids=str,
)
def test_wrong_names(args: tuple[object, ...], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        pb.device(*args)
    name = args[0] if len(args) == 1 else f"{args[0]}:{args[1]}"
    if name is not None:  # None undoes an earlier call
        with pytest.raises(error, match=match):
            pb.set_default_device(name)
    assert pb.get_default_device().name == "cpu"


# --- contexts ---------------------------------------------------------------------------------------------------------


def place() -> str:
    return pb.zeros(1).device.name


def test_contexts_nest_and_are_left_after_an_error() -> None:
    def fails() -> None:
        with pb.device("strict:device1"):
            assert place() == "strict:device1"
            raise KeyError

    with pb.device("strict"):
        with pytest.raises(KeyError):
            fails()
        assert place() == "strict"
        with pb.device("strict"), pb.device("cpu"):
            assert place() == "cpu"
        assert place() == "strict"
    assert place() == "cpu"


def test_every_creation_function_follows_the_context(device: str) -> None:
    for made in (
        pb.tensor(1.0),
        pb.asarray([1]),
        pb.as_tensor(2.0),
        pb.Tensor([1]),
        pb.zeros(1),
        pb.full((), 1),
        pb.arange(2),
        pb.linspace(0, 1, 2),
        pb.eye(1),
        pb.empty(1),
        pb.randn(1),
        pb.rand(1),
        pb.randint(2, (1,)),
    ):
        assert made.device == device


def test_an_operation_stays_where_its_operands_are() -> None:
    x = pb.ones(2, device="strict:device1", requires_grad=True)
    with pb.device("cpu"):
        y = (pb.sin(x) * 2 + 1).sum()
        assert y.device == x.device
        y.backward()
        assert x.grad.device == x.device
        assert pb.zeros_like(x).device == x.device


def test_tasks_have_their_own_context() -> None:
    seen: dict[str, list[str]] = {}

    async def task(name: str) -> None:
        with pb.device(name):
            seen[name] = [place()]
            await asyncio.sleep(0)
            seen[name].append(place())

    async def both() -> None:
        await asyncio.gather(task("strict"), task("strict:device1"))

    asyncio.run(both())
    assert seen == {name: [name, name] for name in ("strict", "strict:device1")}
    assert place() == "cpu"


def test_threads_start_without_a_context() -> None:
    seen: list[str] = []
    with pb.device("strict"):
        thread = threading.Thread(target=lambda: seen.append(place()))
        thread.start()
        thread.join()
    assert seen == ["cpu"]
