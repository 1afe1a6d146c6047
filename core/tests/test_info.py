"""What a namespace says of itself is what its backend can do."""

from __future__ import annotations

import itertools
from typing import Any

import array_api_strict
import pullback as pb
import pytest
from helpers import toy

KINDS = {
    "bool": {"bool"},
    "signed integer": {"int8", "int16", "int32", "int64"},
    "unsigned integer": {"uint8", "uint16", "uint32", "uint64"},
    "real floating": {"float32", "float64"},
    "complex floating": {"complex64", "complex128"},
}
KINDS["integral"] = KINDS["signed integer"] | KINDS["unsigned integer"]
KINDS["numeric"] = KINDS["integral"] | KINDS["real floating"] | KINDS["complex floating"]


def info(device: str) -> Any:
    return pb.zeros(1, device=device).__array_namespace__().__array_namespace_info__()


@pytest.fixture(params=["cpu", "strict", "toy"])
def backend(request: pytest.FixtureRequest) -> str:
    pb.asarray(toy.asarray([1.0]))
    return request.param


def test_dtypes_by_kind(backend: str) -> None:
    every = info(backend).dtypes()
    assert set(every) == KINDS["bool"] | KINDS["numeric"]
    assert all(value is getattr(pb, name) for name, value in every.items())
    for kind, names in KINDS.items():
        assert set(info(backend).dtypes(kind=kind)) == names
    assert set(info(backend).dtypes(kind=("bool", "real floating"))) == KINDS["bool"] | KINDS["real floating"]
    with pytest.raises(ValueError, match="no kind of dtype"):
        info(backend).dtypes(kind="real")


def test_every_dtype_that_is_listed_can_be_made(backend: str) -> None:
    for place in info(backend).devices():
        for dtype in info(backend).dtypes(device=place).values():
            assert pb.zeros(1, dtype=dtype, device=place).dtype is dtype


@pytest.mark.parametrize(
    ("place", "missing"),
    [
        ("strict:no_float64", {"float64", "complex128"}),
        ("strict:no_x64", {"float64", "complex128", "int64", "uint64"}),
    ],
)
def test_a_device_that_lacks_some(place: str, missing: set[str]) -> None:
    assert set(info("strict").dtypes()) - set(info("strict").dtypes(device=place)) == missing


def test_devices_and_the_default(backend: str) -> None:
    devices = info(backend).devices()
    assert info(backend).default_device() in devices
    for device in devices:
        assert pb.zeros(1, device=device).device is device
    count = {"cpu": 1, "strict": len(array_api_strict.__array_namespace_info__().devices()), "toy": 2}
    assert len(devices) == count[backend]


def test_default_dtypes_are_those_of_the_namespace(backend: str) -> None:
    xp = pb.zeros(1, device=backend).__array_namespace__()
    for device in info(backend).devices():
        kinds = info(backend).default_dtypes(device=device)
        assert set(kinds) == {"real floating", "complex floating", "integral", "indexing"}
        made = {
            "real floating": xp.zeros(1, device=device),
            "complex floating": xp.asarray(1j, device=device),
            "integral": xp.arange(2, device=device),
        }
        if device.name == "strict:no_x64":  # array-api-strict's own argmax fails there
            del kinds["indexing"]
        else:
            made["indexing"] = xp.argmax(xp.zeros(2, device=device))
        assert {kind: x.dtype for kind, x in made.items()} == kinds


@pytest.mark.parametrize(("boolean", "dependent"), list(itertools.product([False, True], repeat=2)))
def test_capabilities_follow_the_library(boolean: bool, dependent: bool) -> None:
    flags = array_api_strict.get_array_api_strict_flags()
    array_api_strict.set_array_api_strict_flags(boolean_indexing=boolean, data_dependent_shapes=dependent)
    try:
        found = info("strict").capabilities()
    finally:
        array_api_strict.set_array_api_strict_flags(**flags)
    assert found["boolean indexing"] is boolean
    assert found["data-dependent shapes"] is dependent
    assert set(found) == {"boolean indexing", "data-dependent shapes", "max dimensions"}


def test_max_dimensions() -> None:
    assert info("cpu").capabilities()["max dimensions"] == 64
    assert pb.ones((1,) * 64).ndim == 64
