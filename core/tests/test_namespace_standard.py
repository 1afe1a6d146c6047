"""The namespace against the standard: names, signatures, inspection, devices, dtypes, exchange with other libraries.

The stubs of the standard and array-api-strict say what is right. The official test suite itself is run by
`pullback_conformance.array_api_tests`; what is here needs no checkout.
"""

from __future__ import annotations

import itertools
import math
import operator
from types import ModuleType
from typing import Any

import array_api_strict
import numpy as np
import pullback as pb
import pytest
from helpers import standard
from helpers.checks import host, tensor
from pullback import namespaces
from pullback.errors import ArgumentError, BackendMismatchError

BACKENDS = ("numpy", "strict")
STRICT_DEVICES = ("strict", "strict:device1", "strict:device2", "strict:no_float64")
LENIENT = {
    "tensordot": "(x1, x2, /, axes=2)",  # cotengra gives axes by position
    "diff": "(x, /, n=1, axis=-1, *, prepend=None, append=None)",  # scikit-learn gives n by position
}
CREATION: dict[str, tuple[Any, ...]] = {
    "arange": (4,),
    "asarray": ([1.5, 2.0],),
    "empty": ((2, 3),),
    "eye": (3,),
    "full": ((2,), 1.5),
    "linspace": (0.0, 1.0, 4),
    "ones": ((2, 3),),
    "zeros": (3,),
}
FREQUENCIES: dict[str, tuple[Any, ...]] = {"fftfreq": (5,), "rfftfreq": (5,)}
LIKE: dict[str, tuple[Any, ...]] = {"empty_like": (), "full_like": (2.5,), "ones_like": (), "zeros_like": ()}


@pytest.fixture(params=BACKENDS)
def xp(request: pytest.FixtureRequest) -> ModuleType:
    """The namespace of each backend."""
    found: ModuleType = getattr(namespaces, request.param)
    return found


def strict_device(device: str) -> Any:
    """What array-api-strict calls one of its devices."""
    return array_api_strict.Device(device.partition(":")[2] or "CPU_DEVICE")


# --- names and signatures --------------------------------------------------------------------------------------------


def test_the_namespace_has_the_standards_names_and_no_others(xp: ModuleType) -> None:
    expected = {*standard.read(standard.MAIN), *standard.DTYPES, *standard.CONSTANTS, "linalg", "fft"}
    public = {name for name in vars(xp) if not name.startswith("_")}
    assert public | {"__array_namespace_info__"} == expected
    for extension, table in (("linalg", standard.LINALG), ("fft", standard.FFT)):
        assert {name for name in vars(getattr(xp, extension)) if not name.startswith("_")} == set(standard.read(table))


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    [
        (owner, name, signature)
        for owner, table in (("", standard.MAIN), ("linalg", standard.LINALG), ("fft", standard.FFT))
        for name, signature in standard.read(table).items()
    ],
)
def test_signatures_of_functions(owner: str, name: str, expected: str, xp: ModuleType) -> None:
    found = getattr(getattr(xp, owner) if owner else xp, name)
    assert standard.signature(found) == LENIENT.get(name, expected)


@pytest.mark.parametrize(("name", "expected"), standard.read(standard.INFO).items())
def test_signatures_of_the_inspection_api(name: str, expected: str, xp: ModuleType) -> None:
    assert standard.signature(getattr(xp.__array_namespace_info__(), name)) == expected


@pytest.mark.parametrize(("name", "expected"), standard.read(standard.METHODS).items())
def test_signatures_of_methods(name: str, expected: str) -> None:
    """What Python calls by position may have any names; what is given by keyword has the standard's."""
    found = standard.signature(getattr(pb.Tensor, name))
    positional, expected_positional = (text.partition("*, ")[0].replace(", /", "") for text in (found, expected))
    assert found.partition("*, ")[2] == expected.partition("*, ")[2]
    assert positional.count(",") == expected_positional.count(",")


@pytest.mark.parametrize("name", standard.ATTRIBUTES)
def test_attributes(name: str, device: str) -> None:
    x = tensor(np.arange(6.0).reshape(2, 3), device)
    expected = getattr(array_api_strict.reshape(array_api_strict.arange(6.0), (2, 3)), name)
    found = getattr(x, name)
    if name in ("T", "mT"):
        np.testing.assert_array_equal(host(found), np.asarray(expected))
    elif name == "dtype":
        assert found is pb.float64
    elif name == "device":
        assert str(found) == device
    else:
        assert found == expected


@pytest.mark.parametrize("name", standard.BINARY)
def test_operators_reflected_and_in_place(name: str, device: str) -> None:
    discrete = name in ("and", "or", "xor", "lshift", "rshift")
    dtype, first, second = (np.int64, 6, 3) if discrete else (np.float64, 2.5, 1.5)
    raw = np.full((2, 2), first, dtype=dtype)
    other = np.full((2, 2), second, dtype=dtype)
    plain = getattr(operator, f"{name}_" if name in ("and", "or") else name)
    x = tensor(raw, device)
    seen = x
    seen = getattr(operator, f"i{name}")(seen, tensor(other, device))
    assert seen is x
    np.testing.assert_array_equal(host(x), plain(raw, other))
    if name != "matmul":  # an array and a number have no matrix product
        np.testing.assert_array_equal(host(plain(second, tensor(raw, device))), plain(other, raw))


@pytest.mark.parametrize("shape", [(), (2,)])
def test_a_power_in_place(shape: tuple[int, ...], device: str) -> None:
    x = tensor(np.full(shape, 3.0), device)
    x **= 2
    assert x.tolist() == np.full(shape, 9.0).tolist()


def test_a_matrix_product_in_place_keeps_the_shape_and_the_gradient(device: str) -> None:
    x = tensor(np.asarray([[1.0, 2.0], [3.0, 4.0]]), device, requires_grad=True)
    y = x * 1
    y @= x
    (grad,) = pb.autograd.grad(y.sum(), x)
    expected = pb.autograd.grad((x @ x).sum(), x)[0]
    np.testing.assert_array_equal(host(grad), host(expected))
    row = tensor(np.ones((1, 2)), device)
    with pytest.raises(ValueError, match="does not fit"):
        row @= tensor(np.ones((2, 3)), device)
    with pytest.raises(TypeError):
        row @= 2.0


def test_constants(xp: ModuleType) -> None:
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (math.e, math.pi, math.inf, None)
    assert math.isnan(xp.nan)


# --- which namespace -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_backend_has_one_importable_namespace_of_its_own_name(backend: str) -> None:
    x = pb.ones(2, device=backend)
    xp = x.__array_namespace__()
    assert xp is getattr(namespaces, backend)
    assert xp is (x + 1).__array_namespace__(api_version="2025.12")
    assert (xp.__name__, xp.__array_api_version__) == (f"pullback.namespaces.{backend}", "2025.12")
    assert isinstance(xp, ModuleType)
    assert backend in dir(namespaces)


def test_there_is_no_namespace_without_its_backend() -> None:
    with pytest.raises(AttributeError, match="there is no backend 'abacus'"):
        getattr(namespaces, "abacus")  # noqa: B009  a constant name is what a user writes


@pytest.mark.parametrize("version", ["2021.12", "2022.12", "2023.12", "2024.12", "2025.12"])
def test_published_versions_are_served(version: str, device: str) -> None:
    assert pb.ones(2).__array_namespace__(api_version=version).__array_api_version__ == "2025.12"


@pytest.mark.parametrize("version", ["2020.12", "2026.12", "draft", ""])
def test_other_versions_are_refused(version: str) -> None:
    with pytest.raises(ArgumentError, match=r"is not supported, 2025\.12 is"):
        pb.ones(2).__array_namespace__(api_version=version)


def test_numpy_leaves_its_operators_to_tensors() -> None:
    assert pb.Tensor.__array_ufunc__ is None
    assert not hasattr(pb.Tensor, "__array_function__")
    out = np.float64(2.0) * pb.ones(2)
    assert isinstance(out, pb.Tensor)


# --- the inspection api ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", STRICT_DEVICES)
def test_dtypes_are_those_of_the_library(device: str) -> None:
    found, expected = namespaces.strict.__array_namespace_info__(), array_api_strict.__array_namespace_info__()
    native = strict_device(device)
    kinds = ("bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric")
    for kind in (None, *kinds, (), *itertools.combinations(kinds, 2)):
        assert set(found.dtypes(device=device, kind=kind)) == set(expected.dtypes(device=native, kind=kind))
    for name, dtype in found.dtypes(device=pb.device(device)).items():
        assert dtype is getattr(pb, name)
        assert namespaces.strict.empty(1, dtype=dtype, device=device).dtype is dtype
    defaults = {kind: str(dtype).rpartition(".")[2] for kind, dtype in expected.default_dtypes(device=native).items()}
    assert {kind: dtype.name for kind, dtype in found.default_dtypes(device=device).items()} == defaults


def test_capabilities_are_those_of_the_library() -> None:
    expected = array_api_strict.__array_namespace_info__().capabilities()
    found = namespaces.strict.__array_namespace_info__().capabilities()
    assert found | {"max dimensions": 0} == expected | {"max dimensions": 0}
    most = namespaces.numpy.__array_namespace_info__().capabilities()["max dimensions"]
    assert namespaces.numpy.ones((1,) * most).ndim == most
    with pytest.raises(ValueError, match="dimension"):
        namespaces.numpy.ones((1,) * (most + 1))


def test_devices(xp: ModuleType) -> None:
    info = xp.__array_namespace_info__()
    assert isinstance(info.devices(), tuple)
    assert info.default_device() in info.devices()
    assert xp.zeros(2).device == info.default_device()
    for device in info.devices():
        assert xp.zeros(2, device=device).device == device
        with device:  # a default device of the same backend is its default too
            assert xp.__array_namespace_info__().default_device() == xp.zeros(2).device == device


def test_devices_of_other_backends_are_refused() -> None:
    with pytest.raises(BackendMismatchError, match="none of backend 'numpy'; its devices are cpu"):
        namespaces.numpy.__array_namespace_info__().dtypes(device="strict")


# --- device= and dtype= ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", STRICT_DEVICES)
@pytest.mark.parametrize("name", [*CREATION, *FREQUENCIES])
def test_creation_honours_device_and_dtype(name: str, device: str) -> None:
    xp, native = namespaces.strict, strict_device(device)
    function = getattr(xp if name in CREATION else xp.fft, name)
    reference = getattr(array_api_strict if name in CREATION else array_api_strict.fft, name)
    arguments = (CREATION | FREQUENCIES)[name]
    for dtype in (None, "float32", "complex64"):
        if name in FREQUENCIES and dtype == "complex64":
            continue  # real by nature
        given = {} if dtype is None else {"dtype": getattr(xp, dtype)}
        native_dtype = {} if dtype is None else {"dtype": getattr(array_api_strict, dtype)}
        expected = reference(*arguments, device=native, **native_dtype)
        for where in (device, pb.device(device)):
            out = function(*arguments, device=where, **given)
            assert str(out.device) == device
            if name in FREQUENCIES and dtype is None:  # array-api-strict forgets that the default depends on the device
                assert out.dtype is xp.zeros(1, device=device).dtype
            else:
                assert out.dtype.name == str(expected.dtype).rpartition(".")[2]
        if name != "empty":
            np.testing.assert_allclose(host(out), host(pb.asarray(expected)), rtol=1e-6)


@pytest.mark.parametrize("device", STRICT_DEVICES)
@pytest.mark.parametrize("name", LIKE)
def test_like_honours_device_and_dtype(name: str, device: str) -> None:
    x = pb.ones((2, 3), device="strict:device1", dtype=pb.int32)
    function = getattr(namespaces.strict, name)
    arguments = LIKE[name] if name != "full_like" else (2,)
    out = function(x, *arguments)
    assert (out.shape, out.dtype, out.device) == (x.shape, x.dtype, x.device)
    out = function(x, *arguments, dtype=pb.float32, device=device)
    assert (out.shape, out.dtype, str(out.device)) == (x.shape, pb.float32, device)


@pytest.mark.parametrize("device", STRICT_DEVICES)
def test_conversions_honour_device(device: str) -> None:
    xp = namespaces.strict
    x = pb.asarray([1.0, 2.0], device="strict:device1", dtype=pb.float32)
    for out in (
        xp.asarray(x, device=device),
        xp.astype(x, xp.float32, device=device),
        xp.from_dlpack(x, device=device),
        x.to_device(device),
    ):
        assert (str(out.device), out.tolist()) == (device, [1.0, 2.0])


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
@pytest.mark.parametrize("dtype", ["int8", "uint64", "float32", "complex128"])
def test_reductions_honour_dtype(name: str, dtype: str, device: str) -> None:
    x = tensor(np.asarray([1, 2, 3], dtype=np.int16), device)
    out = getattr(x.__array_namespace__(), name)(x, dtype=getattr(pb, dtype))
    expected = getattr(array_api_strict, name)(
        array_api_strict.asarray([1, 2, 3], dtype=array_api_strict.int16), dtype=getattr(array_api_strict, dtype)
    )
    assert (out.dtype.name, str(out.device)) == (dtype, device)
    np.testing.assert_array_equal(host(out), np.asarray(expected))


def test_tensors_among_the_arguments_decide_the_device() -> None:
    xp = namespaces.strict
    x = pb.asarray(2.0, device="strict:device1")
    for out in (xp.asarray(x), xp.asarray([[x, 1.0]]), xp.full((2,), x), xp.zeros_like(x), xp.full_like(x, 1.0)):
        assert out.device == x.device


def test_arrays_of_another_library_are_brought_to_the_namespace(xp: ModuleType) -> None:
    for raw in (np.asarray([1.0, 2.0]), array_api_strict.asarray([1.0, 2.0])):
        for function in (xp.asarray, xp.from_dlpack):
            out = function(raw)
            assert out.__array_namespace__() is xp
            assert (out.dtype, out.tolist()) == (pb.float64, [1.0, 2.0])


def test_arrays_of_the_library_stay_where_they_are() -> None:
    raw = array_api_strict.ones(2, device=strict_device("strict:device1"))
    assert str(namespaces.strict.asarray(raw).device) == "strict:device1"


# --- Python numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scalar", [True, 2, 1.5, 2.5j])
@pytest.mark.parametrize("dtype", standard.DTYPES)
def test_python_numbers_promote_as_the_standard_says(dtype: str, scalar: complex, xp: ModuleType) -> None:
    """Where array-api-strict raises the standard leaves it open, and pullback is not asked."""
    x = xp.ones(3, dtype=getattr(xp, dtype))
    reference = array_api_strict.ones(3, dtype=getattr(array_api_strict, dtype))
    function = "logical_or" if dtype == "bool" else "multiply"
    try:
        expected = getattr(array_api_strict, function)(reference, scalar)
    except TypeError:
        return
    out, reflected = getattr(xp, function)(x, scalar), getattr(xp, function)(scalar, x)
    assert out.dtype is reflected.dtype
    assert out.dtype.name == str(expected.dtype).rpartition(".")[2]
    assert xp.result_type(x, scalar) is out.dtype
    np.testing.assert_array_equal(host(out), np.asarray(expected))


# --- exchange --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", standard.DTYPES)
def test_dlpack_out(dtype: str, xp: ModuleType) -> None:
    x = xp.ones((2, 3), dtype=getattr(xp, dtype))
    np.testing.assert_array_equal(np.from_dlpack(x), np.ones((2, 3), dtype=dtype), strict=True)
    assert x.__dlpack_device__() == np.ones(1).__dlpack_device__()
    x.__dlpack__(max_version=(1, 0), dl_device=(1, 0), copy=True)


def test_dlpack_in_shares_memory_unless_it_copies() -> None:
    raw = np.zeros(2)
    shared, copied = namespaces.numpy.from_dlpack(raw), namespaces.numpy.from_dlpack(raw, copy=True)
    raw[0] = 1.0
    assert (shared.tolist(), copied.tolist()) == ([1.0, 0.0], [0.0, 0.0])


def test_dlpack_takes_what_only_speaks_dlpack(xp: ModuleType) -> None:
    class Exporter:
        def __dlpack__(self, **options: Any) -> Any:
            return np.asarray([1.0, 2.0]).__dlpack__(**options)

        def __dlpack_device__(self) -> Any:
            return np.ones(1).__dlpack_device__()

    out = xp.from_dlpack(Exporter())
    assert (out.__array_namespace__(), out.tolist()) == (xp, [1.0, 2.0])


def test_a_tensor_with_a_gradient_is_not_exported(device: str) -> None:
    x = pb.ones(2, requires_grad=True)
    with pytest.raises(BufferError, match="detach"):
        x.__dlpack__()
    assert x.__array_namespace__().from_dlpack(x) is x  # which is no export


def test_array_conversion_without_a_copy_is_refused_where_it_takes_one() -> None:
    x = pb.ones(2)
    assert np.asarray(x, copy=False).dtype == np.float32
    with pytest.raises(ValueError, match="takes a copy"):
        np.asarray(x, dtype=np.float64, copy=False)
